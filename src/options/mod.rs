//! The options that a user sets by name: with `TINYALLOC_OPTIONS=key=value,...` when the process
//! starts (`start`), and by calls while it runs (`running`).
//!
//! The engine's options are in its `Tunables`, the others in `Settings`. Every change is made under
//! the lock of the tunables.

#[cfg(unix)]
mod signal_names;
#[cfg(windows)]
#[path = "signal_names_windows.rs"]
mod signal_names;

mod value;

mod table;

mod mistake;

#[cfg(feature = "jemalloc")]
pub(crate) mod malloc_conf;
#[cfg(not(feature = "jemalloc"))]
#[path = "malloc_conf_none.rs"]
mod malloc_conf;

pub(crate) mod start;

pub(crate) mod running;
