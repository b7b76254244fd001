//! The fault report: what a trapped access to a guarded block was, and which code allocated and
//! freed the block.

#[cfg(unix)]
pub(crate) mod loaded_object;
#[cfg(windows)]
#[path = "loaded_object_windows.rs"]
pub(crate) mod loaded_object;

#[cfg(unix)]
pub(crate) mod backtrace;
#[cfg(windows)]
#[path = "backtrace_windows.rs"]
pub(crate) mod backtrace;
pub(crate) mod report;

#[cfg(unix)]
pub(crate) mod handler;
#[cfg(windows)]
#[path = "handler_windows.rs"]
pub(crate) mod handler;
