//! Threads and heaps: how a thread comes to its own, to its part of an isolated one, and to a current one.

use core::iter::once;
use core::ptr::{NonNull, null};
use core::sync::atomic::Ordering;

use tinyalloc_sys::Mapper;

use super::caller::{attachments_of, current};
use super::local::{Local, Mode};
use super::state::Allocator;
use crate::hardening::quarantine::Quarantine;
use crate::heap::HeapRef;
use crate::heap::spare::Keeping;
use crate::isolated::attachments::{Attachment, Attachments};
use crate::isolated::isolated_heap::IsolatedRef;
use crate::region::pages::{Kept, META_PAGE_BYTES};
use crate::support::lock::Patience;

impl<M: Mapper> Allocator<M> {
    /// Gives the thread a heap: one that a thread before it left, or a new one.
    pub(crate) fn attach<L: Local>(&self, local: L, patience: Patience) -> Option<()> {
        // A signal handler may have come first, since the caller looked.
        if local.mode() == Mode::Attached {
            return Some(());
        }
        local.set_mode(Mode::Busy);
        let heap = self.borrow_heap(local, patience);
        if let Some(heap) = heap {
            local.set_bins(heap.as_bins());
            self.attached().fetch_add(1, Ordering::Relaxed);
        }
        local.set_mode(if heap.is_some() { Mode::Attached } else { Mode::Unattached });
        heap.map(|_| ())
    }

    /// Gives a thread that has no heap yet one, unless it is not certain that its end will be told; `None` if there is none to be had.
    pub(crate) fn attach_in_time<L: Local>(&self, local: L, patience: Patience) -> Option<()> {
        if matches!(local.mode(), Mode::Unattached | Mode::Visiting) && local.is_end_told() {
            self.attach(local, patience)?;
            local.arm_detach();
        }
        Some(())
    }

    pub(crate) fn borrow_heap<L: Local>(&self, local: L, patience: Patience) -> Option<HeapRef> {
        let pool = self.pool().lock_with(local.id(), patience)?;
        self.take_abandoned(&pool);
        if let Some(heap) = pool.pop(local.id()) {
            return Some(heap);
        }
        drop(pool);
        let mut space = self.space().lock_with(local.id(), patience)?;
        self.start(local, &mut space)?;
        let heap = space.new_heap(self.mapper(), self.policy().has_canaries());
        if let Some(heap) = heap {
            heap.set_thread(Some(local.id()));
        }
        self.publish(&space);
        heap
    }
}

/// Isolated heaps.
impl<M: Mapper> Allocator<M> {
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

    /// This thread's part in `heap`; `None` if the heap is not live, or there is no memory for one. The thread is attached.
    pub(crate) fn member<L: Local>(&self, local: L, heap: IsolatedRef) -> Option<HeapRef> {
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

    /// A part in `heap` that no thread uses, or a new one.
    pub(crate) fn borrow_member<L: Local>(&self, local: L, heap: IsolatedRef) -> Option<Attachment> {
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
        let member = unsafe { heap.add_member(page, self.policy().has_canaries()) };
        member.set_thread(Some(local.id()));
        Some(Attachment::new(heap, member))
    }

    /// The thread does not use a heap for now. The heap may have been destroyed meanwhile, by another thread.
    pub(crate) fn give_member_back<L: Local>(&self, local: L, attachment: Attachment) {
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

    /// This thread's part in the global heap.
    pub(crate) fn home<L: Local>(&self, local: L) -> Option<HeapRef> {
        let is_attached = local.mode() == Mode::Attached;
        is_attached.then(|| attachments_of(local).map_or_else(|| current(local), |attachments| attachments.home()))
    }

    /// This thread's quarantine, and its part in the global heap; `None` when it has none, or is inside the allocator.
    pub(crate) fn quarantine<L: Local>(&self, local: L) -> Option<(HeapRef, &'static Quarantine)> {
        let home = self.home(local)?;
        let quarantine = match home.quarantine() {
            Some(quarantine) => quarantine,
            None => {
                let page = self.space().lock(local.id())?.pages().take(self.mapper())?;
                // SAFETY: the page was taken for this heap, which keeps it.
                let quarantine = unsafe { Quarantine::init(page) };
                home.set_quarantine(quarantine);
                quarantine
            }
        };
        // SAFETY: pages stay mapped (I1), and the heap is this thread's (Q1).
        Some((home, unsafe { quarantine.as_ref() }))
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

    /// How many heaps this thread entered and has not left.
    pub fn heaps_entered<L: Local>(&self, local: L) -> usize {
        attachments_of(local).map_or(0, |attachments| attachments.entered().count())
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
