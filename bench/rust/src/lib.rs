//! Allocation patterns through [`GlobalAlloc`], and the allocators that `make bench-rust` compares
//! in them.

#![allow(clippy::disallowed_types, reason = "not the core: it measures it")]

use std::alloc::{GlobalAlloc, System};

use mimalloc::MiMalloc;
use rpmalloc::RpMalloc;
use snmalloc_rs::SnMalloc;
use stoolap_jemalloc::Jemalloc as StoolapJemalloc;
use tikv_jemallocator::Jemalloc;
use tinyalloc::TinyAlloc;

mod patterns;
mod rusty;

pub use patterns::{RandomReplacement, grow, pair, pass_to_another_thread};
pub use rusty::RustyAlloc;

/// An allocator as a program has it: behind one call that the compiler cannot look through.
pub type Allocator = &'static (dyn GlobalAlloc + Sync);

static STOOLAP_JEMALLOC: StoolapJemalloc = StoolapJemalloc::new();

/// All that take part, tinyalloc first.
#[must_use]
pub fn allocators() -> [(&'static str, Allocator); 8] {
    [
        ("tinyalloc", &TinyAlloc),
        ("mimalloc", &MiMalloc),
        ("tikv-jemallocator", &Jemalloc),
        ("snmalloc-rs", &SnMalloc),
        ("rpmalloc", &RpMalloc),
        ("rusty_alloc", &RustyAlloc),
        ("stoolap-jemalloc", &STOOLAP_JEMALLOC),
        ("System", &System),
    ]
}
