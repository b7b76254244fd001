//! What a debugger must know to read an allocator's memory, with a library that has no debug
//! information, or of a process that has died: where the fields are that matter.

use core::marker::PhantomData;
use core::ptr::from_ref;

use super::read_only_state::ReadOnlyState;
use super::state::Allocator;
use crate::hardening::guard::{GuardRange, Guards};
use crate::hardening::zero_size::ZeroSizeBlocks;
use crate::heap::heap_record::Heap;
use crate::profile::tables::Tables;
use crate::region::Region;
use crate::region::growing::Growing;
use crate::region::regions::Regions;
use crate::space::Space;
use crate::space::huge_table::HugeTable;
use crate::span::Span;
use crate::span::span_ref::SpanRef;
use crate::support::fields::Field;
use crate::thread_heap::ThreadHeap;

/// How many fields there are, and other numbers.
const FIELDS: usize = 90;
/// Before them come the version, and how many there are.
const NUMBERS: usize = 2 + FIELDS;

/// The numbers, and where the allocator is. `packaging/gdb/tinyalloc_gdb.py` reads it and has the
/// names of the numbers, in this order; a test compares them.
///
/// What a number means, and what the numbers do not say (which states there are, how slots are
/// signed), changes with [`DebugLayout::VERSION`].
///
/// The numbers lie elsewhere: the dynamic linker writes to this, and to its page in every process.
#[repr(C)]
pub struct DebugLayout {
    numbers: *const [u16; NUMBERS],
    allocator: *const u8,
    no_span_and_freed: [*const u8; 2],
}

// SAFETY: the pointers are never used here.
unsafe impl Sync for DebugLayout {}

/// The numbers of one kind of allocator.
struct Numbers<M>(PhantomData<M>);

impl<M> Numbers<M> {
    const ALL: [u16; NUMBERS] = {
        let mut numbers = [0; NUMBERS];
        (numbers[0], numbers[1]) = (DebugLayout::VERSION, narrow(FIELDS));
        let mut at = 0;
        while at < FIELDS {
            numbers[2 + at] = narrow(DebugLayout::field::<M>(at).1);
            at += 1;
        }
        numbers
    };
}

impl DebugLayout {
    /// Of the numbers, and of what they describe.
    pub const VERSION: u16 = 1;

    /// That of one allocator.
    pub const fn of<M>(allocator: &'static Allocator<M>) -> DebugLayout {
        DebugLayout {
            numbers: &Numbers::<M>::ALL,
            allocator: from_ref(allocator).cast(),
            no_span_and_freed: SpanRef::NONE_AND_FREED,
        }
    }

    /// The names of the numbers.
    pub fn names<M>() -> impl Iterator<Item = &'static str> {
        (0..FIELDS).map(|at| DebugLayout::field::<M>(at).0)
    }

    const fn field<M>(at: usize) -> Field {
        let parts: [&[Field]; 24] = [
            Allocator::<M>::FIELDS,
            Allocator::<M>::NUMBERS,
            ReadOnlyState::FIELDS,
            ReadOnlyState::NUMBERS,
            Space::FIELDS,
            HugeTable::FIELDS,
            HugeTable::NUMBERS,
            Regions::FIELDS,
            Regions::NUMBERS,
            Region::FIELDS,
            Region::NUMBERS,
            Growing::FIELDS,
            Span::FIELDS,
            ThreadHeap::FIELDS,
            Heap::FIELDS,
            Heap::NUMBERS,
            Guards::FIELDS,
            Guards::OF_PLACES,
            Guards::NUMBERS,
            GuardRange::FIELDS,
            ZeroSizeBlocks::FIELDS,
            Tables::FIELDS,
            Tables::NUMBERS,
            Tables::OF_SAMPLES,
        ];
        let (mut part, mut left) = (0, at);
        while left >= parts[part].len() {
            left -= parts[part].len();
            part += 1;
        }
        let is_last = part + 1 == parts.len() && left + 1 == parts[part].len();
        assert!(is_last == (at + 1 == FIELDS), "as many as there are");
        parts[part][left]
    }
}

#[expect(clippy::cast_possible_truncation, reason = "it is looked at")]
const fn narrow(number: usize) -> u16 {
    assert!(number <= u16::MAX as usize, "a number that is too large");
    number as u16
}

#[cfg(test)]
#[allow(clippy::disallowed_types, reason = "tests may allocate")]
mod tests {
    use std::vec::Vec;

    use tinyalloc_sys::SystemMapper;

    use super::{DebugLayout, FIELDS};

    #[test]
    fn the_debuggers_script_has_the_same_names_in_the_same_order() {
        let script = include_str!("../../../../packaging/gdb/tinyalloc_gdb.py");
        let names = script.split("\nNUMBERS = \"\"\"").nth(1).and_then(|rest| rest.split("\"\"\"").next()).unwrap_or_default();
        let names: Vec<_> = names.split_whitespace().collect();
        assert_eq!(names, DebugLayout::names::<SystemMapper>().collect::<Vec<_>>());
        assert_eq!(names.len(), FIELDS);
        assert!(script.contains(&std::format!("\nVERSION = {}\n", DebugLayout::VERSION)));
    }
}
