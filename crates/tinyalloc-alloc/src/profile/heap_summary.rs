//! What a profile says of an isolated heap.

use crate::report::heap_name::HeapName;

/// An isolated heap that has, or had, a sampled block.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HeapSummary {
    /// The number that no other heap has: [`crate::LiveBlock`] names it.
    pub number: usize,
    /// What it is called.
    pub name: HeapName,
    /// The most bytes that it may take; the largest number for no limit.
    pub limit: usize,
    /// Bytes that it takes.
    pub charged: usize,
}
