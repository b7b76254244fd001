//! realloc.

use core::ptr::{NonNull, copy_nonoverlapping};

use tinyalloc_sys::Mapper;

use super::state::Allocator;
use super::thread_context::ThreadContext;
use crate::config::policy::GROWN_BYTES_MIN;
use crate::heap::heap_record::HeapRef;
use crate::span::class::{SMALL_BYTES_MAX, SizeClass};
use crate::span::owner::Owner;

impl<M: Mapper> Allocator<M> {
    /// Changes the size of a block, moving it if need be. `None` leaves the block as it was.
    ///
    /// # Safety
    /// If `start` is the start of a live block, no other thread uses the block, and after success
    /// only the returned one is used.
    pub unsafe fn reallocate<C: ThreadContext>(&self, context: C, start: NonNull<u8>, bytes: usize) -> Option<NonNull<u8>> {
        // SAFETY: the caller's promise.
        unsafe { self.reallocate_for(context, None, start, bytes) }
    }

    /// As [`Allocator::reallocate`], and reported if the block is another heap's.
    ///
    /// # Safety
    /// As for [`Allocator::reallocate`].
    pub unsafe fn reallocate_in<C: ThreadContext>(
        &self,
        context: C,
        heap: Option<HeapRef>,
        start: NonNull<u8>,
        bytes: usize,
    ) -> Option<NonNull<u8>> {
        if let Some(misuse) = self.wrong_heap(context, heap, start.as_ptr()) {
            context.report(misuse);
            return None;
        }
        // SAFETY: the caller's promise.
        unsafe { self.reallocate_for(context, heap, start, bytes) }
    }

    /// As [`Allocator::reallocate`]; what an emergency served moves to `heap`, or to the global
    /// one.
    ///
    /// # Safety
    /// As for [`Allocator::reallocate`].
    #[cfg_attr(target_os = "linux", unsafe(link_section = ".text"))]
    pub(crate) unsafe fn reallocate_for<C: ThreadContext>(
        &self,
        context: C,
        heap: Option<HeapRef>,
        start: NonNull<u8>,
        bytes: usize,
    ) -> Option<NonNull<u8>> {
        if let Some(usable) = self.emergency().block_bytes(start.as_ptr().addr()) {
            // SAFETY: the caller's promise.
            return unsafe { self.move_block(context, heap, start, usable, bytes) };
        }
        if self.zero_size().contains(start.as_ptr().addr()) {
            // SAFETY: the caller's promise; nothing is copied.
            return self
                .is_zero_size_block(context, start.as_ptr().addr())
                .then(|| unsafe { self.move_block(context, None, start, 0, bytes) })
                .flatten();
        }
        if let Some(guarded) = self.guarded_bytes(context, start.as_ptr().addr()) {
            // SAFETY: the caller's promise.
            return unsafe { self.move_block(context, None, start, guarded?, bytes) };
        }
        let span = self.live_span(context, start)?;
        let (room, usable) = (self.capacity(span), self.usable_of(context, span, start)?);
        if span.owner() == Owner::Large {
            if bytes > SMALL_BYTES_MAX
                && self.policy().resizes_in_place()
                && let Some(start) = self.resize_large(context, span, bytes)
            {
                return Some(start);
            }
        } else if bytes <= room && keeps_slot(bytes, room) && self.policy().resizes_in_place() {
            self.rewrite_canary(span, start, usable, bytes);
            return Some(start);
        }
        if span.owner() == Owner::Large
            && bytes > usable.max(GROWN_BYTES_MIN)
            && M::REMAPS
            && !M::LOCKED_BY_FORKS
            && !self.policy().checks_frees()
            && let Some(moved) = self.allocate_grown(context, HeapRef::of_span(span), bytes)
        {
            // SAFETY: the caller's promise; the new block is as large.
            return Some(unsafe { self.replace_block(context, start, usable, moved) });
        }
        let default_heap = if span.owner() == Owner::Emergency { heap } else { HeapRef::of_span(span) };
        // SAFETY: the caller's promise.
        let moved = unsafe { self.move_block(context, default_heap, start, usable, bytes) };
        moved.or_else(|| {
            let grows = span.owner() == Owner::Large && bytes > usable;
            grows.then(|| self.resize_in_region(context, span, bytes)).flatten()
        })
    }

    /// A block stays in its heap, whichever is current.
    ///
    /// # Safety
    /// `start` is a live block of `usable` bytes that the caller gives up on success.
    #[cfg_attr(target_os = "linux", unsafe(link_section = ".text"))]
    unsafe fn move_block<C: ThreadContext>(
        &self,
        context: C,
        heap: Option<HeapRef>,
        start: NonNull<u8>,
        usable: usize,
        bytes: usize,
    ) -> Option<NonNull<u8>> {
        let moved = match heap {
            Some(heap) => self.allocate_in(context, heap, bytes),
            None => self.allocate_in_default_heap(context, bytes),
        }?;
        // SAFETY: the caller's promise.
        Some(unsafe { self.replace_block(context, start, usable.min(bytes), moved) })
    }

    /// # Safety
    /// Both blocks are live, distinct, and hold so many bytes; the caller gives up the first.
    unsafe fn replace_block<C: ThreadContext>(
        &self,
        context: C,
        start: NonNull<u8>,
        bytes: usize,
        moved: NonNull<u8>,
    ) -> NonNull<u8> {
        // SAFETY: the caller's promise.
        unsafe { copy_nonoverlapping(start.as_ptr(), moved.as_ptr(), bytes) };
        // SAFETY: as above.
        unsafe { self.free(context, start.as_ptr()) };
        moved
    }
}

/// Shrinking moves a block only where that saves at least half of it.
#[cfg_attr(target_os = "linux", unsafe(link_section = ".text"))]
pub(crate) fn keeps_slot(bytes: usize, usable: usize) -> bool {
    SizeClass::of(bytes).is_some_and(|class| class.bytes() * 2 > usable) || usable <= 64
}
