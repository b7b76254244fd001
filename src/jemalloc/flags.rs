//! The flags of `mallocx` and its family, as jemalloc's header encodes them.

use core::ffi::{c_int, c_uint};

const ALIGN_BITS: c_uint = 0x3f;
const ZERO: c_uint = 0x40;
const TCACHE_SHIFT: u32 = 8;
const TCACHE_BITS: c_uint = 0xfff;
/// No cache; those with a number come after it.
const TCACHE_NONE: c_uint = 1;
const ARENA_SHIFT: u32 = 20;

/// What a call asks for beside a size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Flags(c_uint);

impl Flags {
    pub(super) const fn new(flags: c_int) -> Flags {
        Flags(flags as c_uint)
    }

    pub(super) const fn align(self) -> usize {
        1 << (self.0 & ALIGN_BITS)
    }

    pub(super) const fn zeroes(self) -> bool {
        self.0 & ZERO != 0
    }

    /// Whether the block is to come from where blocks lie densest: what moves blocks out of sparse
    /// spans asks for no cache, for a cache has any slots.
    pub(super) const fn is_without_cache(self) -> bool {
        self.0 >> TCACHE_SHIFT & TCACHE_BITS == TCACHE_NONE
    }

    /// The number of an arena; `None` for the thread's.
    pub(super) const fn arena(self) -> Option<usize> {
        match (self.0 >> ARENA_SHIFT) as usize {
            0 => None,
            number => Some(number - 1),
        }
    }
}
