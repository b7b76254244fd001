//! Where a span lies, and how its slots are cut.

use core::ptr::NonNull;
use core::sync::atomic::Ordering;

use super::Span;
use super::class::{SLICE_BYTES, SizeClass};

impl Span {
    pub(crate) fn class(&self) -> SizeClass {
        SizeClass::from_index(self.class.get())
    }

    pub(crate) fn start(&self) -> NonNull<u8> {
        self.start.get()
    }

    #[inline(always)]
    pub(crate) fn address(&self) -> usize {
        self.start.get().as_ptr().addr()
    }

    /// Where the slot of that number starts.
    pub(super) fn start_of(&self, index: usize) -> NonNull<u8> {
        // SAFETY: slots lie within the span.
        unsafe { self.start.get().add(index * self.slot_bytes()) }
    }

    /// Where the record holds the address of the first slot.
    pub(crate) fn address_field(&self) -> usize {
        self.start.address()
    }

    pub(crate) fn region(&self) -> u32 {
        self.region.get()
    }

    pub(crate) fn slices(&self) -> u32 {
        self.slices.get()
    }

    /// Usable bytes of one slot, or of the large block.
    pub(crate) fn slot_bytes(&self) -> usize {
        self.bytes.load(Ordering::Relaxed)
    }

    /// How many slots it has room for.
    pub(crate) fn slots(&self) -> u32 {
        self.slots.get()
    }

    pub(crate) fn slots_carved(&self) -> u32 {
        self.slots_carved.load(Ordering::Relaxed)
    }

    /// Whether an address lies in the span.
    pub(crate) fn contains(&self, address: usize) -> bool {
        address.wrapping_sub(self.address()) < self.slices() as usize * SLICE_BYTES
    }

    /// Which slot an address within the span lies in.
    pub(super) fn slot_index(&self, address: usize) -> usize {
        address.wrapping_sub(self.address()) / self.slot_bytes()
    }

    pub(crate) fn is_zeroed(&self) -> bool {
        self.zeroed.get()
    }

    /// Whether a large block is sampled.
    pub(crate) fn is_sampled(&self) -> bool {
        self.sampled.load(Ordering::Relaxed)
    }

    pub(crate) fn set_sampled(&self, is_sampled: bool) {
        self.sampled.store(is_sampled, Ordering::Relaxed);
    }

    /// Whether the record lies on a page of an isolated heap.
    pub(crate) fn is_isolated(&self) -> bool {
        self.isolated.get()
    }
}
