//! What ties the allocator to the process and its threads.

mod local;
pub(crate) mod process;
