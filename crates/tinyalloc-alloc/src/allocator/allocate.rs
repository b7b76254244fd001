//! Allocate: the hit path, and which way a request takes beyond it.

use core::ptr::NonNull;

use tinyalloc_sys::Mapper;

use super::request::{Request, SmallRequest};
use super::state::Allocator;
use super::thread_context::ThreadContext;
use crate::span::class::{SLICE_BYTES, SLOT_ALIGN, SMALL_BYTES_MAX, SizeClass};

impl<M: Mapper> Allocator<M> {
    /// At least `bytes` bytes, aligned to 16, or `None` when no memory is to be had.
    #[inline(always)]
    pub fn allocate<C: ThreadContext>(&self, context: C, bytes: usize) -> Option<NonNull<u8>> {
        self.allocate_hit(context, bytes).or_else(|| self.allocate_slow(context, bytes))
    }

    /// As [`Allocator::allocate`], for what [`Allocator::allocate_hit`] could not serve.
    #[cfg_attr(target_os = "linux", unsafe(link_section = ".text"))]
    pub fn allocate_slow<C: ThreadContext>(&self, context: C, bytes: usize) -> Option<NonNull<u8>> {
        if bytes == 0 {
            if let Some(start) = self.allocate_zero_size(context, SLOT_ALIGN) {
                return Some(start);
            }
        }
        if self.checks_all(context) {
            return self.take_checked(context, bytes).or_else(|| self.allocate_checked(context, Request::new(bytes)));
        }
        if self.policy().guarded_one_in() > 0 {
            if let Some(start) = self.sampled_at_refill(context, bytes) {
                return Some(start);
            }
        }
        match SizeClass::of(bytes) {
            Some(class) => self.allocate_small_slow(context, SmallRequest::new(class, bytes, 1)),
            None => self.allocate_large(context, bytes),
        }
    }

    /// A zero-size allocation; `None` where a slot must do: in an isolated heap, for an alignment
    /// beyond a page, and where there is no room for more.
    #[cold]
    pub(crate) fn allocate_zero_size<C: ThreadContext>(&self, context: C, align: usize) -> Option<NonNull<u8>> {
        if self.current_heap(context).is_some() || align > self.mapper().page_bytes() {
            return None;
        }
        if !self.zero_size().has_begun() {
            let _space = self.space().lock(context.id())?;
            self.zero_size().begin(self.mapper())?;
        }
        self.zero_size().allocate(align)
    }

    /// As [`Allocator::allocate`], with every byte zero, also those that are usable beyond `bytes`.
    pub fn allocate_zeroed<C: ThreadContext>(&self, context: C, bytes: usize) -> Option<NonNull<u8>> {
        self.allocate_zeroed_hit(context, bytes).or_else(|| self.allocate_zeroed_slow(context, bytes))
    }

    /// As [`Allocator::allocate_zeroed`], but only if a free slot lies ready. What it cannot serve,
    /// [`Allocator::allocate_zeroed_slow`] can.
    #[inline(always)]
    pub fn allocate_zeroed_hit<C: ThreadContext>(&self, context: C, bytes: usize) -> Option<NonNull<u8>> {
        let class = SizeClass::at_hand(bytes)?;
        let start = self.take_slot(context, class)?;
        // SAFETY: the slot is of that class.
        unsafe { clear_slot(start, class) };
        Some(start)
    }

    /// As [`Allocator::allocate_zeroed`], for what [`Allocator::allocate_zeroed_hit`] could not
    /// serve.
    #[cold]
    #[inline(never)]
    #[cfg_attr(target_os = "linux", unsafe(link_section = ".text"))]
    pub fn allocate_zeroed_slow<C: ThreadContext>(&self, context: C, bytes: usize) -> Option<NonNull<u8>> {
        if bytes > SMALL_BYTES_MAX {
            return self.allocate_large_zeroed(context, self.current_heap(context), bytes);
        }
        self.allocate_slow(context, bytes).inspect(|start| self.clear(context, *start, bytes))
    }

    /// At least `bytes` bytes, aligned to `align`, a power of two.
    pub fn allocate_aligned<C: ThreadContext>(&self, context: C, bytes: usize, align: usize) -> Option<NonNull<u8>> {
        self.allocate_aligned_hit(context, bytes, align).or_else(|| self.allocate_aligned_slow(context, bytes, align))
    }

    /// As [`Allocator::allocate_aligned`], but only if a free slot lies ready. What it cannot
    /// serve, [`Allocator::allocate_aligned_slow`] can.
    #[inline(always)]
    pub fn allocate_aligned_hit<C: ThreadContext>(&self, context: C, bytes: usize, align: usize) -> Option<NonNull<u8>> {
        if align > SLICE_BYTES {
            return None;
        }
        self.take_slot(context, SizeClass::aligned_at_hand(bytes, align)?)
    }

    /// As [`Allocator::allocate_aligned`], for what [`Allocator::allocate_aligned_hit`] could not
    /// serve.
    #[cold]
    #[inline(never)]
    pub fn allocate_aligned_slow<C: ThreadContext>(&self, context: C, bytes: usize, align: usize) -> Option<NonNull<u8>> {
        if bytes == 0 {
            if let Some(start) = self.allocate_zero_size(context, align) {
                return Some(start);
            }
        }
        if self.checks_all(context) {
            return self.allocate_checked(context, Request::new(bytes).aligned(align));
        }
        if align <= SLICE_BYTES {
            if let Some(class) = SizeClass::of_aligned(bytes, align) {
                return self.allocate_small_slow(context, SmallRequest::new(class, bytes, align));
            }
        }
        self.allocate_large_aligned(context, self.current_heap(context), bytes, align)
    }
}

/// Clears a slot: a small one with stores of its halves, which overlap where they must. A call
/// would take longer than they do.
///
/// # Safety
/// `start` is a slot of the class, and the caller's.
#[inline(always)]
unsafe fn clear_slot(start: NonNull<u8>, class: SizeClass) {
    const FIRST: usize = SLOT_ALIGN;
    const SECOND: usize = 2 * FIRST;
    const THIRD: usize = 2 * SECOND;
    const FOURTH: usize = 2 * THIRD;
    match class.bytes() {
        // SAFETY: the caller's promise; a slot has 16 bytes or more.
        bytes @ ..=SECOND => unsafe { clear_ends::<FIRST>(start, bytes) },
        // SAFETY: the caller's promise; it has more than that.
        bytes @ ..=THIRD => unsafe { clear_ends::<SECOND>(start, bytes) },
        // SAFETY: as above.
        bytes @ ..=FOURTH => unsafe { clear_ends::<THIRD>(start, bytes) },
        // SAFETY: as above.
        bytes => unsafe { start.write_bytes(0, bytes) },
    }
}

/// Clears the first and the last `END` of so many bytes, in words.
///
/// # Safety
/// The caller's memory, of at least `END` bytes, which begin and end at words.
#[inline(always)]
unsafe fn clear_ends<const END: usize>(start: NonNull<u8>, bytes: usize) {
    const WORD_BYTES: usize = size_of::<usize>();
    // SAFETY: the caller's promise.
    unsafe { start.cast::<usize>().write_bytes(0, END / WORD_BYTES) };
    // SAFETY: as above.
    let last = unsafe { start.add(bytes - END) };
    // SAFETY: as above.
    unsafe { last.cast::<usize>().write_bytes(0, END / WORD_BYTES) };
}
