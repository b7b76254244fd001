//! realloc.

use core::ptr::{NonNull, copy_nonoverlapping};

use tinyalloc_sys::Mapper;

use super::local::Local;
use super::state::Allocator;
use crate::isolated::isolated_heap::IsolatedRef;
use crate::span::class::{SMALL_BYTES_MAX, SizeClass};
use crate::span::owner::Owner;

impl<M: Mapper> Allocator<M> {
    /// Changes the size of a block, moving it if need be. `None` leaves the block as it was.
    ///
    /// # Safety
    /// If `start` is the start of a live block, nobody else uses the block, and after success only the returned one is used.
    pub unsafe fn reallocate<L: Local>(&self, local: L, start: NonNull<u8>, bytes: usize) -> Option<NonNull<u8>> {
        // SAFETY: the caller's promise.
        unsafe { self.reallocate_for(local, None, start, bytes) }
    }

    /// As [`Allocator::reallocate`], and reported if the block is another heap's.
    ///
    /// # Safety
    /// As for [`Allocator::reallocate`].
    pub unsafe fn reallocate_in<L: Local>(
        &self,
        local: L,
        heap: Option<IsolatedRef>,
        start: NonNull<u8>,
        bytes: usize,
    ) -> Option<NonNull<u8>> {
        if let Some(misuse) = self.wrong_heap(local, heap, start.as_ptr()) {
            local.report(misuse);
            return None;
        }
        // SAFETY: the caller's promise.
        unsafe { self.reallocate_for(local, heap, start, bytes) }
    }

    /// As [`Allocator::reallocate`]; what an emergency served moves to `heap`, or to the global one.
    ///
    /// # Safety
    /// As for [`Allocator::reallocate`].
    pub(crate) unsafe fn reallocate_for<L: Local>(
        &self,
        local: L,
        heap: Option<IsolatedRef>,
        start: NonNull<u8>,
        bytes: usize,
    ) -> Option<NonNull<u8>> {
        if let Some(usable) = self.emergency().block_bytes(start.as_ptr().addr()) {
            // SAFETY: the caller's promise.
            return unsafe { self.move_block(local, heap, start, usable, bytes) };
        }
        if self.empty().contains(start.as_ptr().addr()) {
            // SAFETY: the caller's promise; nothing is copied.
            return self
                .is_nothing(local, start.as_ptr().addr())
                .then(|| unsafe { self.move_block(local, None, start, 0, bytes) })
                .flatten();
        }
        if let Some(guarded) = self.guarded_bytes(local, start.as_ptr().addr()) {
            // SAFETY: the caller's promise.
            return unsafe { self.move_block(local, None, start, guarded?, bytes) };
        }
        let span = self.live_span(local, start)?;
        let (room, usable) = (self.room_of(span), self.usable_of(local, span, start)?);
        if span.owner() == Owner::Large {
            if bytes > SMALL_BYTES_MAX
                && self.policy().resizes_in_place()
                && let Some(start) = self.resize_large(local, span, bytes)
            {
                return Some(start);
            }
        } else if bytes <= room && keeps_slot(bytes, room) && self.policy().resizes_in_place() {
            self.resign(span, start, usable, bytes);
            return Some(start);
        }
        let home = if span.owner() == Owner::Emergency { heap } else { IsolatedRef::of_span(span) };
        // SAFETY: the caller's promise.
        let moved = unsafe { self.move_block(local, home, start, usable, bytes) };
        moved.or_else(|| {
            let grows = span.owner() == Owner::Large && bytes > usable;
            grows.then(|| self.resize_in_region(local, span, bytes)).flatten()
        })
    }

    /// A block stays in its heap, whichever is current.
    ///
    /// # Safety
    /// `start` is a live block of `usable` bytes that the caller gives up on success.
    unsafe fn move_block<L: Local>(
        &self,
        local: L,
        heap: Option<IsolatedRef>,
        start: NonNull<u8>,
        usable: usize,
        bytes: usize,
    ) -> Option<NonNull<u8>> {
        let moved = match heap {
            Some(heap) => self.allocate_in(local, heap, bytes),
            None => self.allocate_at_home(local, bytes),
        }?;
        // SAFETY: both blocks are live, distinct, and hold that much.
        unsafe { copy_nonoverlapping(start.as_ptr(), moved.as_ptr(), usable.min(bytes)) };
        // SAFETY: the caller's promise.
        unsafe { self.free(local, start.as_ptr()) };
        Some(moved)
    }
}

/// Shrinking moves a block only where that saves at least half of it.
pub(crate) fn keeps_slot(bytes: usize, usable: usize) -> bool {
    SizeClass::of(bytes).is_some_and(|class| class.bytes() * 2 > usable) || usable <= 64
}
