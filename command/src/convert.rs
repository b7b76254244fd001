//! Profiles in the formats of other tools.

pub mod collapsed;
pub mod dhat;
pub mod pprof;
