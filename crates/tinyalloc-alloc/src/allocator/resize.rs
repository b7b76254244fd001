//! realloc.

use core::ptr::{NonNull, copy_nonoverlapping};

use tinyalloc_sys::Mapper;

use super::state::Allocator;
use super::thread_context::ThreadContext;
use crate::config::policy::{GROWN_BYTES_MIN, HUGE_BYTES_MIN};
use crate::heap::heap_record::HeapRef;
use crate::space::Space;
use crate::span::class::{SMALL_BYTES_MAX, SizeClass};
use crate::span::free_list::Freed;
use crate::span::owner::Owner;
use crate::span::slot::Slot;
use crate::span::span_ref::SpanRef;

/// What is to become of a block whose size is to change, as far as the hit path knows.
#[derive(Clone, Copy)]
pub enum Resizing {
    /// It stays as it is.
    Stays,
    /// It is a slot of this thread's current heap, and wants another one.
    Moves(Movable),
    /// It takes a closer look.
    Unknown,
}

/// The span of a block that moves.
#[derive(Clone, Copy)]
pub struct Movable(SpanRef);

impl<M: Mapper> Allocator<M> {
    /// Changes the size of a block, moving it if need be. `None` leaves the block as it was.
    ///
    /// # Safety
    /// If `start` is the start of a live block, no other thread uses the block, and after success
    /// only the returned one is used.
    pub unsafe fn reallocate<C: ThreadContext>(&self, context: C, start: NonNull<u8>, bytes: usize) -> Option<NonNull<u8>> {
        let moved = match self.reallocate_hit(context, start, bytes) {
            Resizing::Stays => return Some(start),
            // SAFETY: the caller's promise.
            Resizing::Moves(movable) => unsafe { self.reallocate_to_hand(context, start, bytes, movable) },
            Resizing::Unknown => None,
        };
        // SAFETY: the caller's promise.
        moved.or_else(|| unsafe { self.reallocate_slow(context, start, bytes) })
    }

    /// Whether a block that is to have so many bytes stays as it is: nothing is done.
    #[inline(always)]
    pub fn reallocate_hit<C: ThreadContext>(&self, context: C, start: NonNull<u8>, bytes: usize) -> Resizing {
        let Some(span) = self.own_block_at_hand(context, start) else {
            return Resizing::Unknown;
        };
        let room = span.slot_bytes();
        match SizeClass::at_hand(bytes) {
            Some(class) if bytes > 0 && bytes <= room && is_kept(class, room) => Resizing::Stays,
            _ => Resizing::Moves(Movable(span)),
        }
    }

    /// Moves a block to a slot that lies ready; `None`, and nothing was done, where there is none.
    ///
    /// # Safety
    /// As for [`Allocator::reallocate`], of which [`Allocator::reallocate_hit`] said that it moves.
    #[inline(always)]
    pub unsafe fn reallocate_to_hand<C: ThreadContext>(
        &self,
        context: C,
        start: NonNull<u8>,
        bytes: usize,
        Movable(span): Movable,
    ) -> Option<NonNull<u8>> {
        // Of no bytes, none lies ready.
        let moved = self.take_slot(context, SizeClass::at_hand(bytes)?)?;
        // SAFETY: both blocks are live, distinct, and hold so many bytes.
        unsafe { copy_nonoverlapping(start.as_ptr(), moved.as_ptr(), span.slot_bytes().min(bytes)) };
        // SAFETY: a carved slot starts there.
        let slot = unsafe { Slot::new(start) };
        // SAFETY: its owner is this thread's heap (H1).
        if unsafe { span.owned() }.free_live(slot, self.hit_secret()) == Freed::CountdownZero {
            self.free_relist(context, span);
        }
        Some(moved)
    }

    /// As [`Allocator::reallocate`], for what the two above left undone.
    ///
    /// # Safety
    /// As for [`Allocator::reallocate`].
    pub unsafe fn reallocate_slow<C: ThreadContext>(&self, context: C, start: NonNull<u8>, bytes: usize) -> Option<NonNull<u8>> {
        let Some(span) = self.block_at_hand(start.as_ptr()) else {
            // SAFETY: the caller's promise.
            return unsafe { self.reallocate_for(context, None, start, bytes) };
        };
        // SAFETY: the caller's promise; no check is on, and the block has all of its slot.
        unsafe { self.resize(context, None, span, start, span.slot_bytes(), bytes) }
    }

    /// Changes the size of a block where it is, as far as that can be done; its usable bytes then.
    /// `None`, and a report, for what is no live block.
    ///
    /// # Safety
    /// No other thread uses the block.
    pub unsafe fn resize_in_place<C: ThreadContext>(&self, context: C, start: NonNull<u8>, bytes: usize) -> Option<usize> {
        let usable = self.usable_bytes(context, start)?;
        let is_large = bytes > SMALL_BYTES_MAX && bytes < HUGE_BYTES_MIN;
        if !is_large || bytes == usable || !self.policy().resizes_in_place() {
            return Some(usable);
        }
        let span = self.find_span(context, start.as_ptr().addr())?;
        let is_resized =
            span.owner() == Owner::Large && !Space::is_huge(span) && self.resize_large(context, span, bytes).is_some();
        if is_resized { self.usable_bytes(context, start) } else { Some(usable) }
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
    /// one, and what is not of a partition to that.
    ///
    /// # Safety
    /// As for [`Allocator::reallocate`].
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
                .then(|| unsafe { self.move_block(context, heap, start, 0, bytes) })
                .flatten();
        }
        if let Some(guarded) = self.guarded_bytes(context, start.as_ptr().addr()) {
            // SAFETY: the caller's promise.
            return unsafe { self.move_block(context, heap, start, guarded?, bytes) };
        }
        let span = self.live_span(context, start)?;
        let usable = self.usable_of(context, span, start)?;
        if heap.is_some_and(|partition| is_to_join(span, partition)) {
            // SAFETY: the caller's promise.
            return unsafe { self.move_block(context, heap, start, usable, bytes) };
        }
        // SAFETY: the caller's promise.
        unsafe { self.resize(context, heap, span, start, usable, bytes) }
    }

    /// As [`Allocator::reallocate_for`], of a block that has been looked up.
    ///
    /// # Safety
    /// As for [`Allocator::reallocate`]: the block is live, of that span, and has `usable` bytes.
    #[cfg_attr(target_os = "linux", unsafe(link_section = ".text"))]
    unsafe fn resize<C: ThreadContext>(
        &self,
        context: C,
        heap: Option<HeapRef>,
        span: SpanRef,
        start: NonNull<u8>,
        usable: usize,
        bytes: usize,
    ) -> Option<NonNull<u8>> {
        let room = self.capacity(span);
        if span.owner() == Owner::Large {
            if bytes > SMALL_BYTES_MAX && self.policy().resizes_in_place() {
                if let Some(start) = self.resize_large(context, span, bytes) {
                    return Some(start);
                }
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
        {
            if let Some(moved) = self.allocate_grown(context, HeapRef::of_span(span), bytes) {
                // SAFETY: the caller's promise; the new block is as large.
                return Some(unsafe { self.replace_block(context, start, usable, moved) });
            }
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

/// Whether a block moves to a partition that it is to be of: it is no heap's that the program made.
fn is_to_join(span: SpanRef, partition: HeapRef) -> bool {
    let of = HeapRef::of_span(span);
    partition.is_partition() && of != Some(partition) && of.is_none_or(|heap| heap.is_partition())
}

/// Shrinking moves a block only where that saves at least half of it.
#[cfg_attr(target_os = "linux", unsafe(link_section = ".text"))]
pub(crate) fn keeps_slot(bytes: usize, usable: usize) -> bool {
    SizeClass::of(bytes).is_some_and(|class| is_kept(class, usable))
}

#[inline(always)]
const fn is_kept(class: SizeClass, usable: usize) -> bool {
    class.bytes() * 2 > usable || usable <= 64
}
