//! The API for C and C++: symbols, C types and `errno`. It exists in the shared and the static
//! library only.

#![expect(unreachable_pub, reason = "C calls them")]

pub(crate) mod limit_handler;
pub(crate) mod results;

pub(crate) mod malloc;

pub(crate) mod aligned;
#[cfg(all(unix, target_env = "gnu"))]
mod dlopen;
#[cfg(unix)]
mod partition;
#[cfg(unix)]
mod replaced;
#[cfg(unix)]
mod throwing;

#[cfg(unix)]
mod operators;
#[cfg(unix)]
mod size_returning;
#[cfg(unix)]
mod sized;
#[cfg(unix)]
mod typed;

#[cfg(unix)]
pub(crate) mod extensions;
#[cfg(all(unix, target_env = "gnu"))]
mod libc_names;
mod statistics;
mod trim;
#[cfg(windows)]
mod windows;

#[cfg(unix)]
mod debug_layout;
mod faults;
mod heaps;
#[cfg(unix)]
mod mallinfo;
mod options;
#[cfg(unix)]
mod profile;

mod panic;
