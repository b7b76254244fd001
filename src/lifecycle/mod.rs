//! The ties between the allocator and the process: start, forks, threads.

#[cfg(all(unix, feature = "c-abi", target_env = "gnu"))]
#[path = "fork_handlers_gnu.rs"]
mod fork_handlers;
#[cfg(all(unix, not(all(feature = "c-abi", target_env = "gnu"))))]
#[path = "fork_handlers_posix.rs"]
mod fork_handlers;

mod local;
#[cfg(unix)]
pub(crate) mod process;
#[cfg(windows)]
#[path = "process_windows.rs"]
pub(crate) mod process;
