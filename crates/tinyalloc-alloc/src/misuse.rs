//! What a caller did wrong, for the message before the abort.

use core::fmt::{Display, Formatter, Result as FmtResult};

use crate::heap_name::HeapName;

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
    /// The block is another heap's than the one that was named; `None` stands for the global heap.
    WrongHeap {
        /// What was passed.
        address: usize,
        /// The heap that was named.
        heap: Option<HeapName>,
        /// The heap that the block is of.
        owner: Option<HeapName>,
    },
    /// Somebody wrote beyond the end of the block.
    Overflow {
        /// The block.
        address: usize,
        /// Bytes of its slot.
        slot_bytes: usize,
    },
    /// Somebody wrote to a free slot.
    WriteAfterFree {
        /// The slot.
        address: usize,
    },
}

impl Display for Misuse {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> FmtResult {
        match *self {
            Misuse::DoubleFree { address, slot_bytes } => {
                write!(formatter, "double free of {address:#x} ({slot_bytes}-byte slot)")
            }
            Misuse::Interior { address, slot_start, slot_bytes } => write!(
                formatter,
                "invalid free of {address:#x}: {} bytes inside the {slot_bytes}-byte slot at {slot_start:#x}",
                address - slot_start
            ),
            Misuse::FreedBefore { address } => {
                write!(formatter, "double free of {address:#x}: the memory there was freed before")
            }
            Misuse::NotAllocated { address } => {
                write!(formatter, "invalid free of {address:#x}: no live block starts there")
            }
            Misuse::WrongSize { address, bytes, slot_bytes } => {
                write!(formatter, "size mismatch: {address:#x} was freed as {bytes} bytes, and is in a {slot_bytes}-byte slot")
            }
            Misuse::WrongHeap { address, heap, owner } => {
                write!(formatter, "free of {address:#x} in {}: it is a block of {}", Named(heap), Named(owner))
            }
            Misuse::Overflow { address, slot_bytes } => {
                write!(formatter, "overflow of {address:#x} ({slot_bytes}-byte slot): somebody wrote beyond the block's end")
            }
            Misuse::WriteAfterFree { address } => {
                write!(formatter, "write to freed memory at {address:#x}: it was overwritten after it was freed")
            }
        }
    }
}

/// A heap in a message.
struct Named(Option<HeapName>);

impl Display for Named {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> FmtResult {
        match self.0 {
            None => formatter.write_str("the global heap"),
            Some(name) => write!(formatter, "heap \"{name}\""),
        }
    }
}
