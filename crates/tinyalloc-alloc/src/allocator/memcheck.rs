//! Blocks that memcheck knows: `Checks::valgrind`. Every call takes the checked way then, blocks
//! end in a few bytes that no thread may access, freed slots wait, and bins are empty between
//! calls, since the hit path looks at the slots in them, which no thread may access either.

use core::ptr::NonNull;

use tinyalloc_sys::Mapper;

use super::state::Allocator;
use crate::hardening::valgrind::{ErrorsDisabled, accessible_bytes, define, freelike};
use crate::span::class::SizeClass;
use crate::thread_heap::ThreadHeapRef;

impl<M: Mapper> Allocator<M> {
    /// While it lives, accesses to free slots, to undefined bytes of live ones, and to what is
    /// hidden, are no errors of this thread's.
    #[cfg_attr(target_os = "linux", unsafe(link_section = ".text"))]
    #[inline(never)]
    pub(crate) fn errors_disabled(&self) -> ErrorsDisabled {
        ErrorsDisabled::new(self.policy().tells_memcheck())
    }

    /// What was found out from bytes that may be undefined, as a fact: acting on it is no error.
    #[cfg_attr(target_os = "linux", unsafe(link_section = ".text"))]
    pub(crate) fn defined(&self, found: bool) -> bool {
        let mut found = found;
        if self.policy().tells_memcheck() {
            define((&raw mut found).expose_provenance(), size_of::<bool>());
        }
        found
    }

    /// The block reads as zero: it is fresh from the system.
    pub(crate) fn make_defined(&self, start: NonNull<u8>, bytes: usize) {
        if self.policy().tells_memcheck() {
            define(start.as_ptr().addr(), bytes);
        }
    }

    /// A block ends.
    #[cfg_attr(target_os = "linux", unsafe(link_section = ".text"))]
    pub(crate) fn freelike(&self, start: NonNull<u8>) {
        if self.policy().tells_memcheck() {
            freelike(start);
        }
    }

    /// Bytes that were asked for, of a live block that could hold `usable`.
    #[cfg_attr(target_os = "linux", unsafe(link_section = ".text"))]
    pub(crate) fn memcheck_bytes(&self, start: NonNull<u8>, usable: usize) -> usize {
        if self.policy().tells_memcheck() { accessible_bytes(start, usable) } else { usable }
    }

    /// After a refill the slots that are left go back to their span.
    #[cfg_attr(target_os = "linux", unsafe(link_section = ".text"))]
    pub(crate) fn empty_bin(&self, heap: ThreadHeapRef, class: SizeClass) {
        if self.policy().tells_memcheck() {
            let _ = heap.retire_current(class, self.secret(), &|_| None);
        }
    }
}
