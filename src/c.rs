//! The face for C and C++: symbols, C types and `errno`. Exists in the shared and the static library only.

#![expect(unreachable_pub, reason = "C calls them")]

mod blocks;
mod errno;

mod malloc;

mod aligned;
mod extensions;
mod libc_names;
mod operators;

mod report;

mod panic;
