//! The ties between the allocator and the process: start, forks, threads.

mod local;
pub(crate) mod process;
