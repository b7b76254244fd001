//! How a slot is laid out when its end carries a canary: what fits, what size is reported, and what
//! a freed one waits for.

use core::ptr::NonNull;

use tinyalloc_sys::Mapper;

use super::request::Request;
use super::state::Allocator;
use super::thread_context::ThreadContext;
use crate::hardening::canary::{CANARY_BYTES, Canary};
use crate::report::misuse::Misuse;
use crate::span::class::{SLICE_BYTES, SLOT_ALIGN, SizeClass};
use crate::span::slot::Slot;
use crate::span::span_ref::SpanRef;
use crate::support::memory::is_clear;

impl<M: Mapper> Allocator<M> {
    /// The class of a request, with room for the canary.
    pub(crate) fn class_of(&self, request: Request) -> Option<SizeClass> {
        let bytes = self.policy().slot_need(request.bytes())?;
        if request.align() <= SLOT_ALIGN {
            return SizeClass::of(bytes);
        }
        if request.align() <= SLICE_BYTES { SizeClass::of_aligned(bytes, request.align()) } else { None }
    }

    /// Bytes of a live block that the program may use; `None`, and a report, if the program wrote
    /// beyond them.
    pub(crate) fn usable_of<C: ThreadContext>(&self, context: C, span: SpanRef, start: NonNull<u8>) -> Option<usize> {
        let slot_bytes = span.slot_bytes();
        if !self.policy().has_canaries() || !span.has_heap() {
            return Some(self.memcheck_bytes(start, slot_bytes));
        }
        let asked = self.canary(start, slot_bytes).asked_for();
        if asked.is_none() {
            context.report(Misuse::Overflow { address: start.as_ptr().addr(), slot_bytes });
        }
        asked
    }

    /// As [`Allocator::usable_of`], for a caller that only looks: of a block that was written
    /// beyond, all that it could have.
    pub(crate) fn reported_bytes(&self, span: SpanRef, start: NonNull<u8>) -> usize {
        if !self.policy().has_canaries() || !span.has_heap() {
            return self.memcheck_bytes(start, span.slot_bytes());
        }
        self.canary(start, span.slot_bytes()).asked_for().unwrap_or_else(|| self.capacity(span))
    }

    /// Bytes that a live block could have where it is.
    pub(crate) fn capacity(&self, span: SpanRef) -> usize {
        if span.has_heap() { span.slot_bytes() - self.policy().tail_bytes() } else { span.slot_bytes() }
    }

    /// The block stays where it is, and has another size: within its room, of `before` bytes so
    /// far.
    pub(crate) fn rewrite_canary(&self, span: SpanRef, start: NonNull<u8>, before: usize, bytes: usize) {
        if !self.policy().has_canaries() || !span.has_heap() {
            return;
        }
        if let Some(grown) = bytes.checked_sub(before) {
            // SAFETY: within the slot.
            let end = unsafe { start.add(before) };
            // SAFETY: as above; these bytes were filled, not the program's.
            unsafe { end.write_bytes(0, grown) };
        }
        self.canary(start, span.slot_bytes()).sign(bytes);
    }

    /// The last word of a slot of a hardened heap.
    #[inline(always)]
    pub(crate) fn canary(&self, start: NonNull<u8>, slot_bytes: usize) -> Canary {
        // SAFETY: callers name slots. (The secret is not the one that free slots give away to their
        // readers.)
        unsafe { Canary::of(start, slot_bytes, self.canary_secret()) }
    }

    /// Whether a carved slot is free, or waits to be.
    pub(crate) fn is_free_slot(&self, start: NonNull<u8>, slot_bytes: usize) -> bool {
        // SAFETY: callers name carved slots.
        let is_signed = unsafe { Slot::new(start) }.is_signed(self.secret());
        if !self.policy().has_canaries() {
            return is_signed;
        }
        let canary = self.canary(start, slot_bytes);
        canary.is_waiting() || (is_signed && canary.is_clear())
    }

    /// A free slot becomes a block: no thread may have written to it since it was freed, or first
    /// cut, and it gets its canary.
    #[inline(always)]
    pub(crate) fn begin_life<C: ThreadContext>(&self, context: C, start: NonNull<u8>, slot_bytes: usize, bytes: usize) {
        // SAFETY: it is a slot, and taken off its list.
        unsafe { Slot::new(start) }.clear();
        // SAFETY: the whole of the slot, which belongs to no thread yet.
        if !unsafe { is_clear(start, slot_bytes) } {
            context.report(Misuse::WriteAfterFree { address: start.as_ptr().addr() });
        }
        self.canary(start, slot_bytes).sign(bytes);
    }

    /// A slot that waited is about to be put on a list; false if the program wrote to it. It may be
    /// long until it is wanted, and looked at, again.
    pub(crate) fn ends_waiting(&self, start: NonNull<u8>, slot_bytes: usize) -> bool {
        // SAFETY: a carved slot starts there.
        let slot = unsafe { Slot::new(start) };
        if !self.policy().has_canaries() {
            let is_signed = slot.next(self.secret()) == Some(Slot::END);
            slot.unsign();
            return is_signed;
        }
        let canary = self.canary(start, slot_bytes);
        // SAFETY: the slot belongs to no thread.
        let is_whole = canary.is_waiting() && unsafe { is_clear(start, slot_bytes - CANARY_BYTES) };
        canary.clear();
        is_whole
    }
}
