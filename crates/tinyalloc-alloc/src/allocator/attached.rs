//! Threads and isolated heaps: how a thread comes to a heap's bins, and the calls that name a heap.

use core::iter::once;
use core::ptr::{NonNull, null};
use core::sync::atomic::Ordering;

use tinyalloc_sys::Mapper;

use super::caller::{attached_member, attachments_of, current};
use super::hit_paths::Allocator;
use super::local::{Local, Mode};
use super::request::Request;
use crate::heap::HeapRef;
use crate::heap::spare::Keeping;
use crate::isolated::attachments::{Attachment, Attachments};
use crate::isolated::isolated_heap::IsolatedRef;
use crate::region::pages::{Kept, META_PAGE_BYTES};
use crate::report::misuse::Misuse;
use crate::span::class::{SLICE_BYTES, SizeClass};
use crate::span::free_list::Freed;
use crate::span::owner::Owner;
use crate::span::span_ref::SpanRef;
use crate::support::lock::Patience;

/// Allocating in a heap that the caller names.
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
        if !self.checks().any()
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
        if !self.checks().any()
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
        if self.checks().any() {
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

/// Frees in a heap that the caller names.
impl<M: Mapper> Allocator<M> {
    /// As [`Allocator::free`], and reported if the block is another heap's.
    ///
    /// # Safety
    /// As for [`Allocator::free`].
    #[inline(always)]
    pub unsafe fn free_in<L: Local>(&self, local: L, heap: IsolatedRef, start: *mut u8) {
        // SAFETY: the caller's promise.
        if !unsafe { self.free_in_hit(local, heap, start) } {
            // SAFETY: the caller's promise.
            unsafe { self.free_in_slow(local, Some(heap), start) };
        }
    }

    /// As [`Allocator::free_in`], but only if the block's span is this thread's; false, and nothing was done, if it is not.
    ///
    /// # Safety
    /// As for [`Allocator::free`].
    #[inline(always)]
    pub unsafe fn free_in_hit<L: Local>(&self, local: L, heap: IsolatedRef, start: *mut u8) -> bool {
        if let Some(span) = self.span_in_first_region(start.addr())
            && let Some(member) = attached_member(local, heap)
            && span.owner_bins() == member.as_bins().as_ptr().cast_const()
        {
            // SAFETY: the first region is never at null.
            self.free_own(local, member, span, unsafe { NonNull::new_unchecked(start) });
            return true;
        }
        false
    }

    /// As [`Allocator::free_in`], for what is not this thread's; `None` names the global heap.
    ///
    /// # Safety
    /// As for [`Allocator::free`].
    #[cold]
    #[inline(never)]
    pub unsafe fn free_in_slow<L: Local>(&self, local: L, heap: Option<IsolatedRef>, start: *mut u8) {
        if let Some(misuse) = self.wrong_heap(local, heap, start) {
            return local.report(misuse);
        }
        // SAFETY: the caller's promise.
        unsafe { self.free(local, start) };
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

    /// What is wrong with naming `heap` for a block: it is another one's.
    fn wrong_heap<L: Local>(&self, local: L, heap: Option<IsolatedRef>, start: *mut u8) -> Option<Misuse> {
        let is_global = self.guard_range().contains(start.addr()) || self.empty().contains(start.addr());
        let span = if is_global { None } else { Some(self.find_span(local, start.addr())?) };
        // A slot for emergencies served whatever heap there was.
        if span.is_some_and(|span| span.owner() == Owner::Emergency) {
            return None;
        }
        let owner = span.and_then(IsolatedRef::of_span);
        if owner == heap {
            return None;
        }
        let heap = heap.filter(|heap| self.is_heap(local, *heap));
        Some(Misuse::WrongHeap {
            address: start.addr(),
            heap: heap.map(IsolatedRef::label),
            owner: owner.map(IsolatedRef::label),
        })
    }

    /// The live span or block at an address, if there is one.
    pub(crate) fn find_span<L: Local>(&self, local: L, address: usize) -> Option<SpanRef> {
        let _quiet = self.quiet();
        let found = match self.span_of(address) {
            Some(span) => Some(span),
            None if address == 0 => None,
            None => self.space().look(local.id())?.find(address),
        };
        found.filter(|span| span.owner() != Owner::Nobody)
    }

    /// Frees a block of a span that is this thread's, though perhaps not of the current heap.
    #[inline(always)]
    pub(crate) fn free_own<L: Local>(&self, local: L, heap: HeapRef, span: SpanRef, start: NonNull<u8>) {
        // SAFETY: its owner is a heap of this thread (H1).
        match unsafe { span.owned() }.free_local(start, self.secret()) {
            Freed::Quiet => {}
            Freed::CreditSpent => self.free_settle_on(local, heap, span),
            Freed::Sealed | Freed::NotASlot => self.free_misused(start, local, span),
        }
    }
}

/// The current heap.
impl<M: Mapper> Allocator<M> {
    /// Makes `heap`, or the global one, serve this thread's calls that name none; false when that cannot be had.
    pub fn enter_heap<L: Local>(&self, local: L, heap: Option<IsolatedRef>) -> bool {
        self.try_enter_heap(local, heap).is_some()
    }

    fn try_enter_heap<L: Local>(&self, local: L, heap: Option<IsolatedRef>) -> Option<()> {
        if matches!(local.mode(), Mode::Unattached | Mode::Visiting) {
            self.attach(local, Patience::WithForks)?;
            local.arm_detach();
        }
        if local.mode() != Mode::Attached {
            return None;
        }
        let attachments = self.attachments(local)?;
        let member = match heap {
            Some(heap) => self.member(local, heap)?,
            None => attachments.home(),
        };
        if !attachments.enter(current(local)) {
            return None;
        }
        self.count_entered(member, true);
        local.set_bins(member.as_bins());
        Some(())
    }

    /// Goes back to the heap that was current before; false if none was entered.
    pub fn leave_heap<L: Local>(&self, local: L) -> bool {
        let attachments = attachments_of(local).filter(|_| local.mode() == Mode::Attached);
        let Some(before) = attachments.and_then(Attachments::leave) else {
            return false;
        };
        let left = current(local);
        local.set_bins(before.as_bins());
        self.keep_or_give_back(local, left);
        // Last: another thread may destroy the heap as soon as nobody is in it.
        self.count_entered(left, false);
        true
    }

    /// How many heaps this thread entered and has not left.
    pub fn heaps_entered<L: Local>(&self, local: L) -> usize {
        attachments_of(local).map_or(0, |attachments| attachments.entered().count())
    }

    /// The heap that serves this thread's calls that name none; `None` is the global one.
    pub fn current_heap<L: Local>(&self, local: L) -> Option<IsolatedRef> {
        attachments_of(local).filter(|_| local.mode() == Mode::Attached)?;
        IsolatedRef::of(current(local))
    }

    fn count_entered(&self, member: HeapRef, entered: bool) {
        if let Some(heap) = IsolatedRef::of(member) {
            if entered {
                heap.entered().fetch_add(1, Ordering::Relaxed);
            } else {
                // In the child of a fork that a signal handler made right here, it was counted anew, without this thread.
                let _ = heap.entered().fetch_update(Ordering::Release, Ordering::Relaxed, |entered| entered.checked_sub(1));
            }
        }
    }

    /// A heap that was current may have lost its entry to another one meanwhile.
    fn keep_or_give_back<L: Local>(&self, local: L, member: HeapRef) {
        let (Some(heap), Some(attachments)) = (IsolatedRef::of(member), attachments_of(local)) else {
            return;
        };
        if attachments.member(heap) != Some(member) && !self.is_in_use(local, member) {
            self.give_member_back(local, Attachment::new(heap, member));
        }
    }
}

/// Attaching.
impl<M: Mapper> Allocator<M> {
    /// This thread's part in `heap`; `None` if the heap is not live, or there is no memory for one. The thread is attached.
    fn member<L: Local>(&self, local: L, heap: IsolatedRef) -> Option<HeapRef> {
        let attachments = self.attachments(local)?;
        if let Some(member) = attachments.member(heap) {
            return Some(member);
        }
        let entered = self.entered_member(local, attachments, heap);
        let attachment = entered.map_or_else(|| self.borrow_member(local, heap), Some)?;
        if let Some(last) = attachments.replace(attachment)
            && !self.is_in_use(local, last.member())
        {
            self.give_member_back(local, last);
        }
        Some(attachment.member())
    }

    /// This thread's part in a heap that it entered.
    fn entered_member<L: Local>(&self, local: L, attachments: &Attachments, heap: IsolatedRef) -> Option<Attachment> {
        let mut members = attachments.entered().chain(once(current(local)));
        let member = members.find(|member| IsolatedRef::of(*member) == Some(heap))?;
        Some(Attachment::new(heap, member))
    }

    /// Whether this thread entered the heap that `member` is a part of.
    fn is_in_use<L: Local>(&self, local: L, member: HeapRef) -> bool {
        local.bins() == member.as_bins() || attachments_of(local).is_some_and(|attachments| attachments.is_entered(member))
    }

    /// The thread's attachments, made at its first use of an isolated heap. The thread is attached.
    fn attachments<L: Local>(&self, local: L) -> Option<&'static Attachments> {
        if let Some(attachments) = attachments_of(local) {
            return Some(attachments);
        }
        let page = self.space().lock_patiently(local.id())?.pages().take(self.mapper())?;
        // Of the global heap: it could not enter another one yet.
        let home = current(local);
        // SAFETY: the page was taken for this thread, which gives it back when it ends.
        let attachments = unsafe { Attachments::init(page, home) };
        local.set_attachments(attachments.as_ptr());
        attachments_of(local)
    }

    /// A part in `heap` that no thread uses, or a new one.
    fn borrow_member<L: Local>(&self, local: L, heap: IsolatedRef) -> Option<Attachment> {
        let _pool = self.pool().lock_patiently(local.id())?;
        if !self.space().lock_patiently(local.id())?.is_isolated(heap) {
            return None;
        }
        if let Some(member) = heap.pool().pop(local.id()) {
            return Some(Attachment::new(heap, member));
        }
        let mut space = self.space().lock_patiently(local.id())?;
        let page = space.pages().take(self.mapper())?;
        // SAFETY: the page was taken just now; pages stay mapped (I1).
        let member = unsafe { heap.add_member(page, self.checks().hardened) };
        member.set_thread(Some(local.id()));
        Some(Attachment::new(heap, member))
    }

    /// The thread does not use a heap for now. The heap may have been destroyed meanwhile, by another thread.
    fn give_member_back<L: Local>(&self, local: L, attachment: Attachment) {
        let _quiet = self.quiet();
        let Some(_pool) = self.pool().lock_patiently(local.id()) else {
            return;
        };
        let member = attachment.member();
        if attachment.is_live() && member.is_of(local.id()) {
            let _ = member.collect(self.secret());
            let _ = self.release_spare(local, member, Keeping::Some);
            attachment.heap().pool().push(member);
        }
    }

    /// The thread is ending, or attaches to nothing any more: its parts in isolated heaps wait for other threads.
    pub(crate) fn leave_heaps<L: Local>(&self, local: L) {
        let Some(attachments) = attachments_of(local) else {
            return;
        };
        while self.leave_heap(local) {}
        for attachment in attachments.take_all() {
            self.give_member_back(local, attachment);
        }
        let page = NonNull::from(attachments).cast();
        local.set_attachments(null());
        self.retire_page(local, page);
    }

    /// Gives a page of metadata back.
    pub(crate) fn retire_page<L: Local>(&self, local: L, page: NonNull<u8>) {
        let kept = self.space().lock_patiently(local.id()).map(|mut space| space.pages().retire(self.mapper(), page));
        if kept != Some(Kept::Not) {
            return;
        }
        // SAFETY: nobody uses the page. Refused, it keeps its memory, and nothing else is lost.
        let _ = unsafe { self.mapper().decommit(page, META_PAGE_BYTES) };
        if let Some(mut space) = self.space().lock_patiently(local.id()) {
            space.pages().free(page);
        }
    }
}
