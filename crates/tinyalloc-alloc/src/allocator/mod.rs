//! The allocator: which heap, and is it small, large or huge?

pub(crate) mod emergency_chunk;

pub(crate) mod emergency;
pub(crate) mod request;
pub(crate) mod settled;

pub(crate) mod local;

pub(crate) mod caller;

pub(crate) mod hit_paths;

pub(crate) mod slow_path;

pub(crate) mod announce;
pub(crate) mod attached;
pub(crate) mod checked;
pub(crate) mod guarded;
pub(crate) mod heaps;
pub(crate) mod large;
pub(crate) mod nothing;
pub(crate) mod purge;
pub(crate) mod resize;
pub(crate) mod sized;
pub(crate) mod small;
pub(crate) mod stats;
pub(crate) mod threads;
pub(crate) mod validate;
