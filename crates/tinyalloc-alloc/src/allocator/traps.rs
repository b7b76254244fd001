//! Memory that no thread may access: what is trapped, how a block gets a guarded end, and how
//! mappings go back beside a fork.

use core::ptr::NonNull;

use tinyalloc_sys::{MapError, Mapper};

use super::state::Allocator;
use super::thread_context::{Mode, ThreadContext};
use crate::space::Space;
use crate::space::ended_run::EndedRun;
use crate::space::unlisted::Unlisted;
use crate::span::class::SLICE_BYTES;
use crate::span::span_ref::SpanRef;
use crate::support::lock::Guard;

impl<M: Mapper> Allocator<M> {
    /// Releases the lock of the space for a moment, to take it again and finish. A signal handler
    /// that forks meanwhile finds the thread inside the slow path, and does not wait for it.
    pub(crate) fn amid<C: ThreadContext, R>(&self, context: C, work: impl FnOnce(&Self) -> R) -> R {
        let mode = context.mode();
        context.set_mode(Mode::InSlowPath);
        let result = work(self);
        context.set_mode(mode);
        result
    }

    /// Releases the lock for a call of the mapper, and takes it again; no fork comes in between.
    /// Where one is about to begin, the lock is kept.
    pub(crate) fn beside<'lock, C: ThreadContext, R>(
        &self,
        context: C,
        space: Guard<'lock, Space>,
        call: impl FnOnce(&Self) -> R,
    ) -> (R, Option<Guard<'lock, Space>>) {
        match space.unfinished() {
            Some(unfinished) => self.amid(context, |this| {
                drop(space);
                (call(this), unfinished.finish(context.id()))
            }),
            None => (call(self), Some(space)),
        }
    }

    /// Traps a range; false if it stays accessible, as where pages are larger than slices and
    /// belong to neighbours, too.
    ///
    /// # Safety
    /// The range is committed slices, and nothing in them is still wanted.
    pub(crate) unsafe fn trap_whole_pages(&self, start: NonNull<u8>, bytes: usize) -> bool {
        if self.mapper().page_bytes() > SLICE_BYTES {
            return false;
        }
        // SAFETY: the caller's promise.
        if unsafe { self.mapper().trap(start, bytes) }.is_ok() {
            return true;
        }
        // SAFETY: the caller's promise. What was trapped in part is to be had again in full.
        let _ = unsafe { self.mapper().untrap(start, bytes) };
        false
    }

    pub(crate) fn trap<C: ThreadContext>(&self, context: C, ended: &EndedRun) {
        let by_rights = self.policy().traps_by_rights()
            && self.mapper().page_bytes() <= SLICE_BYTES
            && self.space().lock_patiently(context.id()).is_some_and(|space| space.may_trap_by_rights());
        // SAFETY: the run is committed, a destroyed heap's, and not released yet.
        let trapped = by_rights && unsafe { self.mapper().trap_by_rights(ended.start(), ended.bytes()) }.is_ok()
            // SAFETY: as above.
            || unsafe { self.trap_whole_pages(ended.start(), ended.bytes()) };
        if let Some(mut space) = self.space().lock_patiently(context.id()) {
            space.reclaim(ended, trapped);
        }
    }

    /// Traps what lies behind a large block, up to the end of its slices.
    pub(crate) fn guard_end(&self, span: SpanRef) {
        let bytes = span.slot_bytes();
        // SAFETY: the block ends within its slices, with a page.
        let end = unsafe { span.start().add(bytes) };
        // SAFETY: nothing is there. Refused, there is no guard, and everything else holds.
        let _ = unsafe { self.trap_whole_pages(end, span.slices() as usize * SLICE_BYTES - bytes) };
    }

    /// Makes the last slice of a new span a guard, and sees to it that the rest reads as zero.
    pub(crate) fn harden(&self, span: SpanRef) {
        let bytes = (span.slices() as usize - 1) * SLICE_BYTES;
        // SAFETY: the guard is the last slice of the span.
        let guard = unsafe { span.start().add(bytes) };
        if !span.is_zeroed() {
            // SAFETY: the span is new, and no other thread's.
            unsafe { span.start().write_bytes(0, bytes) };
        }
        // SAFETY: nothing is there. Refused, there is no guard, and everything else holds.
        let _ = unsafe { self.trap_whole_pages(guard, SLICE_BYTES) };
    }

    /// Bytes of a mapping behind its huge block.
    pub(crate) fn guard_bytes(&self) -> usize {
        self.policy().guard_slices() as usize * self.mapper().page_bytes()
    }

    /// Traps what lies behind a huge block.
    pub(crate) fn guard_huge(&self, block: Unlisted) {
        if self.guard_bytes() > 0 {
            // SAFETY: the mapping goes on behind the block.
            let end = unsafe { block.start().add(block.bytes()) };
            // SAFETY: nothing is there. Refused, there is no guard, and everything else holds.
            let _ = unsafe { self.mapper().trap(end, self.guard_bytes()) };
        }
    }

    /// Changes the size of a mapping with a guard at its end, which is gone then.
    pub(crate) fn remap_guarded(&self, old: Unlisted, bytes: usize) -> Result<NonNull<u8>, MapError> {
        let guard = self.guard_bytes();
        if guard > 0 {
            // SAFETY: the mapping goes on behind the block.
            let end = unsafe { old.start().add(old.bytes()) };
            // SAFETY: the guard is part of the mapping.
            unsafe { self.mapper().untrap(end, guard) }?;
        }
        // SAFETY: it is a whole mapping, and its block in no table.
        unsafe { self.mapper().remap(old.start(), old.bytes() + guard, bytes + guard) }
    }
}

/// Unmapping.
impl<M: Mapper> Allocator<M> {
    /// Failure leaves the memory decommitted and the addresses unused: nothing else can be done
    /// about it.
    pub(crate) fn unmap(&self, block: Unlisted) {
        // SAFETY: the mapping is in no table any more.
        let _ = unsafe { self.mapper().release(block.start(), block.bytes()) };
    }

    /// Unmaps a huge block, and the guard behind it.
    pub(crate) fn unmap_huge(&self, block: Unlisted) {
        self.unmap(Unlisted::new(block.start(), block.bytes() + self.guard_bytes()));
    }

    /// As [`Allocator::unmap_huge`], where no fork may come in between; the lock is released.
    pub(crate) fn unmap_huge_beside<C: ThreadContext>(&self, context: C, space: Guard<'_, Space>, block: Unlisted) {
        self.release_beside(context, space, |this| this.unmap_huge(block));
    }

    /// Releases the lock and unmaps mappings, where no fork may come in between.
    pub(crate) fn release_beside<C: ThreadContext>(&self, context: C, space: Guard<'_, Space>, release: impl FnOnce(&Self)) {
        if M::LOCKED_BY_FORKS {
            drop(self.beside(context, space, release));
        } else {
            drop(space);
            release(self);
        }
    }
}
