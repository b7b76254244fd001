//! The API for C and C++: symbols, C types and `errno`. Exists in the shared and the static library only.

#![expect(unreachable_pub, reason = "C calls them")]

mod blocks;
mod limit_handler;

mod malloc;

mod replaced;

mod sized;

mod aligned;
mod dlopen;
mod extensions;
mod libc_names;
mod operators;
mod throwing;

mod statistics;

mod faults;
mod heaps;
mod mallinfo;
mod options;

mod panic;
