//! What the engine does beyond the default: asked where it matters, answered here alone.

use core::mem::offset_of;

use super::canary::{CANARY_BYTES, HARDENED_SLOT_BYTES_MIN};
use super::valgrind::{REDZONE_BYTES, is_running};
use crate::config::checks::Checks;
use crate::config::policy::{HARDENED_SPARE_SLICES_MAX, SPARE_SLICES_MAX, UNTRAPPED_AHEAD_SLICES};

/// The answers, for the checks that a program asked for.
#[derive(Clone, Copy)]
pub(crate) struct HardeningPolicy {
    checks: Checks,
}

/// What is checked.
impl HardeningPolicy {
    /// Nothing beyond the default.
    pub(crate) const NONE: HardeningPolicy = HardeningPolicy { checks: Checks::NONE };

    /// Memcheck learns of blocks only where it runs, and then sees more than a canary would:
    /// nothing is hardened.
    pub(crate) fn new(checks: Checks) -> HardeningPolicy {
        let valgrind = checks.valgrind && is_running();
        HardeningPolicy { checks: Checks { valgrind, hardened: checks.hardened && !valgrind, ..checks } }
    }

    /// Whether every free takes the slow path.
    #[inline(always)]
    pub(crate) const fn checks_frees(self) -> bool {
        self.checks.any()
    }

    /// Whether every allocation takes the slow path.
    pub(crate) const fn checks_allocations(self) -> bool {
        self.checks.every_allocation()
    }

    /// Whether memcheck knows every block.
    #[inline(always)]
    pub(crate) const fn tells_memcheck(self) -> bool {
        self.checks.valgrind
    }

    /// One in so many allocations becomes a guarded block; 0 for none.
    #[inline(always)]
    pub(crate) const fn guarded_one_in(self) -> u32 {
        self.checks.guard_every
    }
}

/// How slots, spans and blocks are laid out.
impl HardeningPolicy {
    /// Whether live slots end in a canary, and freed ones read as zero.
    #[inline(always)]
    pub(crate) const fn has_canaries(self) -> bool {
        self.checks.hardened
    }

    /// Bytes at the end of a small slot that are not the program's.
    #[inline(always)]
    pub(crate) const fn tail_bytes(self) -> usize {
        match self.checks {
            Checks { hardened: true, .. } => CANARY_BYTES,
            Checks { valgrind: true, .. } => REDZONE_BYTES,
            _ => 0,
        }
    }

    /// Bytes of the slot that a request of so many needs; `None` beyond the largest number.
    #[inline(always)]
    pub(crate) const fn slot_need(self, bytes: usize) -> Option<usize> {
        match bytes.checked_add(self.tail_bytes()) {
            Some(need) if self.checks.hardened && need < HARDENED_SLOT_BYTES_MIN => Some(HARDENED_SLOT_BYTES_MIN),
            need => need,
        }
    }

    /// Slices at the end of a span, or of a large block, that no thread may access.
    #[inline(always)]
    pub(crate) const fn guard_slices(self) -> u32 {
        self.checks.hardened as u32
    }

    /// Whether a span is cut into slots in random order, all of it at once.
    #[inline(always)]
    pub(crate) const fn shuffles_slots(self) -> bool {
        self.checks.hardened
    }

    /// Whether `realloc` may leave a block where it is.
    pub(crate) const fn resizes_in_place(self) -> bool {
        !self.checks.valgrind
    }
}

/// What becomes of freed memory.
impl HardeningPolicy {
    /// Whether a freed slot is cleared at once.
    pub(crate) const fn clears_freed(self) -> bool {
        self.checks.zero_on_free
    }

    /// Whether freed slots wait before they are used again.
    pub(crate) const fn keeps_freed_waiting(self) -> bool {
        self.checks.hardened || self.checks.valgrind
    }

    /// Bytes of freed slots that a thread keeps waiting.
    pub(crate) const fn quarantine_bytes(self) -> usize {
        self.checks.quarantine_bytes
    }

    /// Whether every freed large block traps, and reads as zero when it is used again.
    pub(crate) const fn traps_every_freed_block(self) -> bool {
        self.checks.hardened || self.checks.zero_on_free
    }

    /// Whether access rights may trap what a destroyed heap had, while the process has room for
    /// such ranges.
    pub(crate) const fn traps_by_rights(self) -> bool {
        !self.checks.hardened
    }

    /// Whether free pages inside spans with live slots may lose their memory: what is hardened
    /// tells a free slot by its canary, and memcheck does not know of the pages.
    pub(crate) const fn digs_holes(self) -> bool {
        !self.checks.hardened && !self.checks.valgrind
    }

    /// Whether the freed slots of a full span go to the bin: the slots there that memcheck does not
    /// know of, and those that wait, are those of a span.
    pub(crate) const fn lends_slots(self) -> bool {
        !self.checks_frees()
    }

    /// Slices whose traps go ahead of their use.
    pub(crate) const fn untrapped_ahead_slices(self) -> usize {
        if self.traps_every_freed_block() { 0 } else { UNTRAPPED_AHEAD_SLICES }
    }

    /// Whether empty spans stay with their size class for good, and lose their memory instead.
    pub(crate) const fn keeps_spans_with_their_class(self) -> bool {
        self.checks.hardened
    }

    /// Slices of empty spans that a heap keeps for itself.
    pub(crate) const fn spare_slices_max(self) -> u32 {
        if self.checks.hardened { HARDENED_SPARE_SLICES_MAX } else { SPARE_SLICES_MAX }
    }
}

impl HardeningPolicy {
    /// Where [`Checks::hardened`] is, for debuggers.
    pub(crate) const HARDENED_AT: usize = offset_of!(HardeningPolicy, checks.hardened);
}
