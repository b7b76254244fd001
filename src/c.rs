//! The face for C and C++: symbols, C types and `errno`. Exists in the shared and the static library only.

#![expect(unreachable_pub, reason = "C calls them")]

use crate::errno;

mod blocks;

mod malloc;

mod replaced;

mod sized;

mod aligned;
mod extensions;
mod libc_names;
mod loading;
#[cfg(target_arch = "aarch64")]
#[path = "c/loading_aarch64.rs"]
mod loading_trampoline;
#[cfg(target_arch = "x86_64")]
#[path = "c/loading_x86_64.rs"]
mod loading_trampoline;
mod operators;
mod throwing;
#[cfg(target_arch = "aarch64")]
#[path = "c/throwing_aarch64.rs"]
mod throwing_loop;
#[cfg(target_arch = "x86_64")]
#[path = "c/throwing_x86_64.rs"]
mod throwing_loop;

mod statistics;

mod heaps;
mod mallinfo;
mod options;
mod traps;

mod panic;
