//! The ties between the allocator and the process: start, forks, threads.

#[cfg(all(feature = "c-abi", target_env = "gnu"))]
#[path = "fork_handlers_gnu.rs"]
mod fork_handlers;
#[cfg(not(all(feature = "c-abi", target_env = "gnu")))]
#[path = "fork_handlers_posix.rs"]
mod fork_handlers;

mod local;
pub(crate) mod process;
