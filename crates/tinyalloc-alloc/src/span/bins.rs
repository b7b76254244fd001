//! Bins: what the hit path touches of a heap.

use core::cell::Cell;

use super::class::{CLASS_COUNT, SizeClass};
use super::slot::Slot;

/// The free lists of a heap's current spans, one per size class: all that the hit path touches. The
/// last one is for requests of no bytes, and always empty.
#[repr(C)]
pub struct Bins {
    heads: [Cell<Slot>; CLASS_COUNT + 1],
}

// SAFETY: H1; `EMPTY_BINS` are never written: its lists are at their end, and no span is owned by
// it.
unsafe impl Sync for Bins {}

/// The bins of a thread that has no heap: every allocation takes the slow path, every free is
/// remote. In `.data`, beside what every process touches.
#[cfg_attr(target_os = "linux", unsafe(link_section = ".data"))]
pub static EMPTY_BINS: Bins = Bins::new();

impl Bins {
    pub(crate) const fn new() -> Bins {
        Bins { heads: [const { Cell::new(Slot::END) }; CLASS_COUNT + 1] }
    }

    #[inline(always)]
    pub(crate) fn head(&self, class: SizeClass) -> &Cell<Slot> {
        &self.heads[class.bin()]
    }
}
