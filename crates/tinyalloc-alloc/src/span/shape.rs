//! Where a span lies, and how its slots are cut.

use core::ptr::NonNull;
use core::sync::atomic::Ordering;

use super::Span;
use super::class::SizeClass;

impl Span {
    pub(crate) fn class(&self) -> SizeClass {
        SizeClass::from_index(self.class.get())
    }

    pub(crate) fn start(&self) -> NonNull<u8> {
        self.first.get()
    }

    pub(crate) fn address(&self) -> usize {
        self.start.get()
    }

    /// Where the record holds the address of the first slot.
    pub(crate) fn address_fields(&self) -> [usize; 2] {
        [self.start.address(), self.first.address()]
    }

    pub(crate) fn region(&self) -> u32 {
        self.region.get()
    }

    pub(crate) fn slices(&self) -> u32 {
        self.slices.get()
    }

    /// Usable bytes of one slot, or of the large block.
    pub(crate) fn slot_bytes(&self) -> usize {
        self.bytes.get()
    }

    /// How many slots it has room for.
    pub(crate) fn slots(&self) -> u32 {
        self.slots.get()
    }

    pub(crate) fn slots_carved(&self) -> u32 {
        self.slots_carved.load(Ordering::Relaxed)
    }

    /// Which slot an address within the span lies in.
    pub(super) fn slot_index(&self, address: usize) -> usize {
        address.wrapping_sub(self.start.get()) / self.bytes.get()
    }

    pub(crate) fn is_zeroed(&self) -> bool {
        self.zeroed.get()
    }

    /// Whether the record lies on a page of an isolated heap.
    pub(crate) fn is_isolated(&self) -> bool {
        self.isolated.get()
    }
}
