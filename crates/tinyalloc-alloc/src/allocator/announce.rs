//! Blocks that valgrind is told of: `Checks::valgrind`. Every call takes the checked way then, blocks end in a few bytes that nobody may
//! access, freed slots wait, and bins are empty between calls, since the hit path looks at the slots in them, which nobody may access either.

use core::ptr::NonNull;

use tinyalloc_sys::Mapper;

use super::hit_paths::Allocator;
use super::local::Local;
use crate::config::checks::Checks;
use crate::hardening::valgrind::{Quiet, REDZONE_BYTES, accessible_bytes, announce, define, forbid, is_running, withdraw};
use crate::heap::HeapRef;
use crate::isolated::isolated_heap::IsolatedRef;
use crate::span::class::SizeClass;
use crate::span::owner::Owner;
use crate::span::span_ref::SpanRef;

impl<M: Mapper> Allocator<M> {
    /// What holds of the checks that were asked for: outside valgrind there is nobody to tell, and inside valgrind sees more than a canary.
    pub(crate) fn admit(checks: Checks) -> Checks {
        let valgrind = checks.valgrind && is_running();
        Checks { valgrind, hardened: checks.hardened && !valgrind, ..checks }
    }

    /// Bytes of a small slot that are not the program's.
    pub(crate) fn redzone_bytes(&self) -> usize {
        if self.checks().valgrind { REDZONE_BYTES } else { 0 }
    }

    /// While it lives, accesses to free slots, to undefined bytes of live ones, and to what is hidden, are no errors of this thread's.
    pub(crate) fn quiet(&self) -> Quiet {
        Quiet::new(self.checks().valgrind)
    }

    /// A block of `bytes` bytes begins to live.
    pub(crate) fn announce<L: Local>(&self, local: L, start: NonNull<u8>, bytes: usize) {
        if !self.checks().valgrind {
            return;
        }
        // Slots that serve signal handlers are not announced: nobody may be told of them half-way through a call.
        let Some(span) = self.find_span(local, start.as_ptr().addr()) else {
            return;
        };
        if let Owner::Heap(_) | Owner::Large = span.owner() {
            hide(span);
            forbid(start.as_ptr().addr() + bytes, span.slot_bytes() - bytes);
            announce(start, bytes);
        }
    }

    /// The block reads as zero: it is fresh from the system.
    pub(crate) fn announce_zeroed(&self, start: NonNull<u8>, bytes: usize) {
        if self.checks().valgrind {
            define(start.as_ptr().addr(), bytes);
        }
    }

    /// A block ends.
    pub(crate) fn withdraw(&self, start: NonNull<u8>) {
        if self.checks().valgrind {
            withdraw(start);
        }
    }

    /// Every block of a heap ends.
    ///
    /// # Safety
    /// Nobody uses the heap meanwhile.
    pub(crate) unsafe fn withdraw_heap(&self, heap: IsolatedRef) {
        if self.checks().valgrind {
            let visit = |start, _| {
                withdraw(start);
                true
            };
            // SAFETY: the caller's promise.
            unsafe { self.walk_heap(heap, visit) };
        }
    }

    /// Bytes that were asked for, of a live block that could hold `usable`.
    pub(crate) fn announced_bytes(&self, start: NonNull<u8>, usable: usize) -> usize {
        if self.checks().valgrind { accessible_bytes(start, usable) } else { usable }
    }

    /// What was found out from bytes that may be undefined, as a fact: whoever acts on it makes no error.
    pub(crate) fn known(&self, found: bool) -> bool {
        let mut found = found;
        if self.checks().valgrind {
            define((&raw mut found).expose_provenance(), size_of::<bool>());
        }
        found
    }

    /// After a refill the slots that are left go back to their span.
    pub(crate) fn empty_bin(&self, heap: HeapRef, class: SizeClass) {
        if self.checks().valgrind {
            heap.retire_current(class, self.secret());
        }
    }
}

/// Records hold the addresses of blocks: whoever looks for leaks must not find them there.
fn hide(span: SpanRef) {
    for field in span.address_fields() {
        forbid(field, size_of::<usize>());
    }
}
