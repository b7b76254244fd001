//! How a message names an isolated heap.

use core::fmt::{Display, Formatter, Result as FmtResult};

use super::heap_name::HeapName;

/// A heap in a message: by its name, or by its address if it has none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeapLabel {
    name: HeapName,
    address: usize,
}

impl HeapLabel {
    pub(crate) fn new(name: HeapName, address: usize) -> HeapLabel {
        HeapLabel { name, address }
    }
}

impl Display for HeapLabel {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> FmtResult {
        if self.name == HeapName::default() {
            write!(formatter, "heap {:#x}", self.address)
        } else {
            write!(formatter, "heap \"{}\"", self.name)
        }
    }
}
