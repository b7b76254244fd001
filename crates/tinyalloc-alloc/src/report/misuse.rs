//! What a caller did wrong, for the message before the abort.

use core::fmt::{Display, Formatter, Result as FmtResult};

use super::heap_label::HeapLabel;

/// A mistake of the program, caught before anything was changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Misuse {
    /// The slot was free already.
    DoubleFree {
        /// What was passed.
        address: usize,
        /// Bytes of the slot.
        slot_bytes: usize,
    },
    /// The address lies inside a block, not at its start.
    Interior {
        /// What was passed.
        address: usize,
        /// Where the slot that holds it starts.
        slot_start: usize,
        /// Bytes of the slot.
        slot_bytes: usize,
    },
    /// The memory there was freed, and nothing has taken its place.
    FreedBefore {
        /// What was passed.
        address: usize,
    },
    /// No live block starts there: never allocated here, or freed since.
    NotAllocated {
        /// What was passed.
        address: usize,
    },
    /// The block is not of the size, or the alignment, that it was freed with.
    WrongSize {
        /// What was passed.
        address: usize,
        /// The size that was passed with it.
        bytes: usize,
        /// Bytes of the slot.
        slot_bytes: usize,
    },
    /// The block is another heap's than the one that was named; `None` is the global heap.
    WrongHeap {
        /// What was passed.
        address: usize,
        /// The heap that was named.
        heap: Option<HeapLabel>,
        /// The heap that the block is of.
        owner: Option<HeapLabel>,
    },
    /// The program wrote beyond the end of the block.
    Overflow {
        /// The block.
        address: usize,
        /// Bytes of its slot.
        slot_bytes: usize,
    },
    /// The program wrote before the start of the block, or beyond the end of the slot before it.
    Underflow {
        /// The block.
        address: usize,
        /// Bytes of its slot.
        slot_bytes: usize,
    },
    /// The program wrote to a free slot.
    WriteAfterFree {
        /// The slot.
        address: usize,
    },
}

impl Misuse {
    /// Where the block is that the message is about, as far as that is known; else what was passed.
    #[must_use]
    pub fn block(&self) -> usize {
        match *self {
            Misuse::Interior { slot_start, .. } => slot_start,
            Misuse::DoubleFree { address, .. }
            | Misuse::FreedBefore { address }
            | Misuse::NotAllocated { address }
            | Misuse::WrongSize { address, .. }
            | Misuse::WrongHeap { address, .. }
            | Misuse::Overflow { address, .. }
            | Misuse::Underflow { address, .. }
            | Misuse::WriteAfterFree { address } => address,
        }
    }

    /// The message, with the isolated heap that the block is of.
    #[must_use]
    pub fn of_heap(self, heap: Option<HeapLabel>) -> MisuseOfHeap {
        MisuseOfHeap { misuse: self, heap }
    }
}

impl Display for Misuse {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> FmtResult {
        self.of_heap(None).fmt(formatter)
    }
}

/// A mistake with a block of an isolated heap; `None` is the global one, which is not named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MisuseOfHeap {
    misuse: Misuse,
    heap: Option<HeapLabel>,
}

impl Display for MisuseOfHeap {
    fn fmt(&self, out: &mut Formatter<'_>) -> FmtResult {
        let (inside, of) = (After(" in ", self.heap), After(" of ", self.heap));
        match self.misuse {
            Misuse::DoubleFree { address, slot_bytes } => {
                write!(out, "double free of {address:#x} ({slot_bytes}-byte slot){inside}")
            }
            Misuse::Interior { address, slot_start, slot_bytes } => {
                let offset = address - slot_start;
                write!(
                    out,
                    "invalid free of {address:#x}: {offset} bytes inside the {slot_bytes}-byte slot at {slot_start:#x}{inside}"
                )
            }
            Misuse::FreedBefore { address } => write!(out, "double free of {address:#x}: the memory there was freed before"),
            Misuse::NotAllocated { address } => write!(out, "invalid free of {address:#x}: no live block{of} starts there"),
            Misuse::WrongSize { address, bytes, slot_bytes } => {
                write!(out, "size mismatch: {address:#x} was freed as {bytes} bytes, and is in a {slot_bytes}-byte slot{of}")
            }
            Misuse::WrongHeap { address, heap, owner } => {
                write!(out, "free of {address:#x} in {}: it is a block of {}", Named(heap), Named(owner))
            }
            Misuse::Overflow { address, slot_bytes } => {
                write!(out, "overflow of {address:#x} ({slot_bytes}-byte slot){inside}: a write went beyond the block's end")
            }
            Misuse::Underflow { address, slot_bytes } => {
                write!(out, "underflow of {address:#x} ({slot_bytes}-byte slot){inside}: a write went before the block's start")
            }
            Misuse::WriteAfterFree { address } => {
                write!(out, "write to freed memory at {address:#x}{inside}: it was overwritten after it was freed")
            }
        }
    }
}

/// A heap in a message.
struct Named(Option<HeapLabel>);

impl Display for Named {
    fn fmt(&self, out: &mut Formatter<'_>) -> FmtResult {
        match self.0 {
            None => out.write_str("the global heap"),
            Some(heap) => heap.fmt(out),
        }
    }
}

/// A heap after a word, where it is worth naming.
struct After(&'static str, Option<HeapLabel>);

impl Display for After {
    fn fmt(&self, out: &mut Formatter<'_>) -> FmtResult {
        self.1.map_or(Ok(()), |heap| write!(out, "{}{heap}", self.0))
    }
}
