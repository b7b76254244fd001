//! Allocating in a heap that the caller names.

use core::ptr::NonNull;

use tinyalloc_sys::Mapper;

use super::caller::{attached_member, attachments_of};
use super::local::{Local, Mode};
use super::request::Request;
use super::state::Allocator;
use crate::heap::HeapRef;
use crate::isolated::isolated_heap::IsolatedRef;
use crate::span::class::{SLICE_BYTES, SizeClass};
use crate::support::lock::Patience;

impl<M: Mapper> Allocator<M> {
    /// As [`Allocator::allocate`], in `heap`. `None` also for a signal handler that interrupted the allocator.
    #[inline(always)]
    pub fn allocate_in<L: Local>(&self, local: L, heap: IsolatedRef, bytes: usize) -> Option<NonNull<u8>> {
        self.allocate_in_hit(local, heap, bytes).or_else(|| self.allocate_in_slow(local, heap, bytes))
    }

    /// As [`Allocator::allocate_in`], but only if a free slot lies ready.
    #[inline(always)]
    pub fn allocate_in_hit<L: Local>(&self, local: L, heap: IsolatedRef, bytes: usize) -> Option<NonNull<u8>> {
        self.take_slot_of(attached_member(local, heap)?.as_bins(), SizeClass::at_hand(bytes)?)
    }

    /// As [`Allocator::allocate_in`], for what [`Allocator::allocate_in_hit`] could not serve.
    pub fn allocate_in_slow<L: Local>(&self, local: L, heap: IsolatedRef, bytes: usize) -> Option<NonNull<u8>> {
        self.allocate_in_member(local, heap, Request::new(bytes))
    }

    /// As [`Allocator::allocate_zeroed`], in `heap`.
    pub fn allocate_zeroed_in<L: Local>(&self, local: L, heap: IsolatedRef, bytes: usize) -> Option<NonNull<u8>> {
        if !self.policy().checks_frees()
            && let Some((class, start)) = SizeClass::of(bytes).zip(self.allocate_in_hit(local, heap, bytes))
        {
            // SAFETY: the slot is of that class.
            unsafe { start.write_bytes(0, class.bytes()) };
            return Some(start);
        }
        self.allocate_in_member(local, heap, Request::new(bytes).zeroed())
    }

    /// As [`Allocator::allocate_aligned`], in `heap`.
    pub fn allocate_aligned_in<L: Local>(&self, local: L, heap: IsolatedRef, bytes: usize, align: usize) -> Option<NonNull<u8>> {
        if !self.policy().checks_frees()
            && align <= SLICE_BYTES
            && let Some(class) = SizeClass::of_aligned(bytes, align)
            && let Some(start) = self.allocate_in_hit(local, heap, class.bytes())
        {
            return Some(start);
        }
        self.allocate_in_member(local, heap, Request::new(bytes).aligned(align))
    }

    /// In the global heap, whichever is current.
    pub(crate) fn allocate_at_home<L: Local>(&self, local: L, bytes: usize) -> Option<NonNull<u8>> {
        match attachments_of(local).filter(|_| local.mode() == Mode::Attached) {
            Some(attachments) => self.allocate_on(local, attachments.home(), Request::new(bytes)),
            None => self.allocate(local, bytes),
        }
    }

    /// In one of this thread's heaps.
    fn allocate_on<L: Local>(&self, local: L, heap: HeapRef, request: Request) -> Option<NonNull<u8>> {
        if self.policy().checks_frees() {
            return self.allocate_checked_on(local, heap, request);
        }
        let (home, bytes) = (IsolatedRef::of(heap), request.bytes());
        let start = match self.class_of(request) {
            Some(class) => self.take_slot_of(heap.as_bins(), class).or_else(|| self.allocate_attached(local, heap, class)),
            None if request.is_zeroed() => return self.allocate_large_zeroed(local, home, bytes),
            None => self.allocate_large_aligned(local, home, bytes, request.align()),
        };
        self.cleared(local, request, start)
    }

    /// With this thread's part in `heap`; a thread that is ending borrows one for the one call.
    #[cold]
    #[inline(never)]
    fn allocate_in_member<L: Local>(&self, local: L, heap: IsolatedRef, request: Request) -> Option<NonNull<u8>> {
        let _quiet = self.quiet();
        self.attach_in_time(local, Patience::WithForks)?;
        match local.mode() {
            Mode::Attached => self.allocate_on(local, self.member(local, heap)?, request),
            Mode::Unattached | Mode::Visiting | Mode::Detached => {
                let attachment = self.borrow_member(local, heap)?;
                let start = self.allocate_on(local, attachment.member(), request);
                self.give_member_back(local, attachment);
                start
            }
            Mode::Busy => None,
        }
    }
}
