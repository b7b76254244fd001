//! What a user may set.

pub(crate) mod checks;
pub(crate) mod names;
pub(crate) mod policy;

pub(crate) mod tunables;
