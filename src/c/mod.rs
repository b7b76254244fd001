//! The API for C and C++: symbols, C types and `errno`. It exists in the shared and the static
//! library only.

#![expect(unreachable_pub, reason = "C calls them")]

mod limit_handler;
mod results;

mod malloc;

mod aligned;
#[cfg(target_env = "gnu")]
mod dlopen;
mod replaced;
mod throwing;

mod operators;
mod sized;

mod extensions;
#[cfg(target_env = "gnu")]
mod libc_names;
mod statistics;

mod debug_layout;
mod faults;
mod heaps;
mod mallinfo;
mod options;
mod profile;

mod panic;
