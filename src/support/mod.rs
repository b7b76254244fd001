//! Helpers that use nothing else of the crate.

pub(crate) mod chunked_writer;
#[cfg(unix)]
pub(crate) mod errno;
#[cfg(windows)]
#[path = "errno_windows.rs"]
pub(crate) mod errno;
pub(crate) mod number;
#[cfg(unix)]
pub(crate) mod own_stack;
pub(crate) mod string_table;
#[cfg(unix)]
pub(crate) mod weak_symbol;

#[cfg(unix)]
pub(crate) mod small_file;
#[cfg(windows)]
#[path = "small_file_windows.rs"]
pub(crate) mod small_file;

#[cfg(unix)]
pub(crate) mod environment;
#[cfg(windows)]
#[path = "environment_windows.rs"]
pub(crate) mod environment;
#[cfg(unix)]
pub(crate) mod lines;
pub(crate) mod path_pattern;
