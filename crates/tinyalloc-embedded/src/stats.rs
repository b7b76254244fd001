//! What a slab holds, in numbers.

/// What a slab holds. A slot is live (a block or a chunk is in it), retired, or free.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SlabStats {
    /// All slots.
    pub slots: usize,
    /// The bytes of a slot.
    pub slot_bytes: usize,
    /// Slots with a block or a chunk in them.
    pub live: usize,
    /// The most slots that were ever live at once: the high-water mark.
    pub live_max: usize,
    /// Slots whose generations are used up.
    pub retired: usize,
    /// Slots that the next allocations can have.
    pub free: usize,
}
