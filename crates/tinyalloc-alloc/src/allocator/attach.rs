//! Threads and heaps: how a thread comes to its own, to its part of an isolated one, and to a
//! current one.

use core::iter::once;
use core::ptr::{NonNull, null};
use core::sync::atomic::Ordering;

use tinyalloc_sys::Mapper;

use super::caller::{current, heap_table_of};
use super::state::Allocator;
use super::thread_context::{Mode, ThreadContext};
use crate::config::policy::{ATTACHED_AT_ONCE, VISITS_MAX};
use crate::hardening::quarantine::Quarantine;
use crate::heap::heap_record::HeapRef;
use crate::heap::heap_table::{HeapTable, HeapTableEntry};
use crate::region::pages::{Kept, META_PAGE_BYTES};
use crate::support::lock::Patience;
use crate::thread_heap::ThreadHeapRef;
use crate::thread_heap::pool::Pool;
use crate::thread_heap::spare::SpareLimit;

impl<M: Mapper> Allocator<M> {
    /// Gives the thread a heap: one that a thread before it left, or a new one.
    #[cfg_attr(target_os = "linux", unsafe(link_section = ".text"))]
    pub(crate) fn attach<C: ThreadContext>(&self, context: C, patience: Patience) -> Option<()> {
        // A signal handler may have come first, since the caller looked.
        if context.mode() == Mode::Attached {
            return Some(());
        }
        context.set_mode(Mode::InSlowPath);
        let heap = self.borrow_heap(context, patience);
        if let Some(heap) = heap {
            context.set_bins(heap.as_bins());
            self.attached().fetch_add(1, Ordering::Relaxed);
            heap.begin_at(self.epochs().load(Ordering::Relaxed));
        }
        context.set_mode(if heap.is_some() { Mode::Attached } else { Mode::Unattached });
        heap.map(|_| ())
    }

    /// Gives a thread that has no heap yet one, unless it is not certain that the allocator learns
    /// of its end; `None` if there is none to be had.
    pub(crate) fn attach_in_time<C: ThreadContext>(&self, context: C, patience: Patience) -> Option<()> {
        if matches!(context.mode(), Mode::Unattached | Mode::Visiting) && context.is_end_told() {
            self.attach(context, patience)?;
            context.arm_detach();
        }
        Some(())
    }

    /// Gives a thread that frees many large blocks a heap, in which it may keep some.
    pub(crate) fn attach_for_blocks<C: ThreadContext>(&self, context: C) {
        if context.mode() != Mode::Unattached {
            return;
        }
        let visits = context.visits();
        if visits < VISITS_MAX && self.attached().load(Ordering::Relaxed) >= ATTACHED_AT_ONCE {
            context.set_mode(Mode::InSlowPath);
            // A signal handler may have come first, and have attached the thread.
            return if context.bins() == Self::NO_BINS {
                context.set_visits(visits + 1)
            } else {
                context.set_mode(Mode::Attached)
            };
        }
        let _ = self.attach_in_time(context, Patience::None);
    }

    /// A pooled heap for this thread, of its own node of memory if there are several.
    fn pop_near<C: ThreadContext>(&self, pool: &Pool, context: C) -> Option<ThreadHeapRef> {
        if self.are_nodes_several() { pool.pop(context.id(), self.mapper().node()) } else { pool.pop_first(context.id()) }
    }

    #[cfg_attr(target_os = "linux", unsafe(link_section = ".text"))]
    pub(crate) fn borrow_heap<C: ThreadContext>(&self, context: C, patience: Patience) -> Option<ThreadHeapRef> {
        let pool = self.pool().lock_with(context.id(), patience)?;
        self.take_abandoned(&pool);
        if let Some(heap) = self.pop_near(&pool, context) {
            return Some(heap);
        }
        drop(pool);
        let mut space = self.space().lock_with(context.id(), patience)?;
        self.start(context, &mut space)?;
        if space.heaps().is_some() {
            space.begin_epochs(|| self.mapper().now_milliseconds());
        }
        let near = space.look_for_nodes(self.mapper());
        let heap = space.new_heap(self.mapper(), self.policy());
        if let Some(heap) = heap {
            heap.settle(near);
            heap.set_thread(Some(context.id()));
        }
        self.publish(&space);
        heap
    }
}

/// Isolated heaps.
impl<M: Mapper> Allocator<M> {
    /// The thread's heap table, made at its first use of an isolated heap. The thread is attached.
    fn heap_table<C: ThreadContext>(&self, context: C, patience: Patience) -> Option<&'static HeapTable> {
        if let Some(heap_table) = heap_table_of(context) {
            return Some(heap_table);
        }
        let page = self.space().lock_with(context.id(), patience)?.pages().take(self.mapper())?;
        // Of the global heap: it could not enter another one yet.
        let default_heap = current(context);
        // SAFETY: the page was taken for this thread, which returns it when it ends.
        let heap_table = unsafe { HeapTable::init(page, default_heap) };
        context.set_heap_table(heap_table.as_ptr());
        heap_table_of(context)
    }

    /// This thread's part in `heap`; `None` if the heap is not live, or there is no memory for one.
    /// The thread is attached.
    pub(crate) fn thread_heap<C: ThreadContext>(&self, context: C, heap: HeapRef, patience: Patience) -> Option<ThreadHeapRef> {
        let heap_table = self.heap_table(context, patience)?;
        if let Some(thread_heap) = heap_table.thread_heap(heap) {
            return Some(thread_heap);
        }
        let pushed = self.pushed_thread_heap(context, heap_table, heap);
        let attachment = pushed.map_or_else(|| self.borrow_thread_heap(context, heap, patience), Some)?;
        if let Some(last) = heap_table.replace(attachment) {
            if !self.is_in_use(context, last.thread_heap()) {
                self.return_thread_heap(context, last);
            }
        }
        Some(attachment.thread_heap())
    }

    /// This thread's part in a heap that it entered.
    fn pushed_thread_heap<C: ThreadContext>(&self, context: C, heap_table: &HeapTable, heap: HeapRef) -> Option<HeapTableEntry> {
        let mut thread_heaps = heap_table.pushed().chain(once(current(context)));
        let thread_heap = thread_heaps.find(|thread_heap| HeapRef::of(*thread_heap) == Some(heap))?;
        Some(HeapTableEntry::new(heap, thread_heap))
    }

    /// Whether this thread entered the heap that `thread_heap` is a part of.
    fn is_in_use<C: ThreadContext>(&self, context: C, thread_heap: ThreadHeapRef) -> bool {
        context.bins() == thread_heap.as_bins()
            || heap_table_of(context).is_some_and(|heap_table| heap_table.is_pushed(thread_heap))
    }

    /// A part in `heap` that no thread uses, or a new one.
    pub(crate) fn borrow_thread_heap<C: ThreadContext>(
        &self,
        context: C,
        heap: HeapRef,
        patience: Patience,
    ) -> Option<HeapTableEntry> {
        let _pool = self.pool().lock_with(context.id(), patience)?;
        if !self.space().lock_with(context.id(), patience)?.is_isolated(heap) {
            return None;
        }
        if let Some(thread_heap) = self.pop_near(heap.pool(), context) {
            return Some(HeapTableEntry::new(heap, thread_heap));
        }
        let mut space = self.space().lock_with(context.id(), patience)?;
        let page = space.pages().take(self.mapper())?;
        // SAFETY: the page was taken just now; pages stay mapped (I1).
        let thread_heap = unsafe { heap.add_thread_heap(page, self.policy()) };
        thread_heap.set_thread(Some(context.id()));
        Some(HeapTableEntry::new(heap, thread_heap))
    }

    /// The thread does not use a heap for now. The heap may have been destroyed meanwhile, by
    /// another thread.
    pub(crate) fn return_thread_heap<C: ThreadContext>(&self, context: C, attachment: HeapTableEntry) {
        let _quiet = self.errors_disabled();
        let Some(_pool) = self.pool().lock_patiently(context.id()) else {
            return;
        };
        let thread_heap = attachment.thread_heap();
        if attachment.is_live() && thread_heap.is_of(context.id()) {
            let _ = thread_heap.collect(self.secret());
            let _ = self.release_spare(context, thread_heap, SpareLimit::Usual);
            attachment.heap().pool().push(thread_heap);
        }
    }

    /// Frees a page of metadata.
    pub(crate) fn retire_page<C: ThreadContext>(&self, context: C, page: NonNull<u8>) {
        let kept = self.space().lock_patiently(context.id()).map(|mut space| space.pages().retire(self.mapper(), page));
        if kept != Some(Kept::Not) {
            return;
        }
        // SAFETY: no thread uses the page. Refused, it keeps its memory, and nothing else is lost.
        let _ = unsafe { self.mapper().decommit(page, META_PAGE_BYTES) };
        // SAFETY: as above. Without memory behind it, the page is lost.
        if M::RECOMMITS && unsafe { self.mapper().untrap(page, META_PAGE_BYTES) }.is_err() {
            return;
        }
        if let Some(mut space) = self.space().lock_patiently(context.id()) {
            space.pages().free(page);
        }
    }

    /// This thread's part in the global heap.
    pub(crate) fn default_heap<C: ThreadContext>(&self, context: C) -> Option<ThreadHeapRef> {
        let is_attached = context.mode() == Mode::Attached;
        is_attached.then(|| heap_table_of(context).map_or_else(|| current(context), |heap_table| heap_table.default_heap()))
    }

    /// This thread's quarantine, and its part in the global heap; `None` when it has none, or is
    /// inside the allocator.
    pub(crate) fn quarantine<C: ThreadContext>(&self, context: C) -> Option<(ThreadHeapRef, &'static Quarantine)> {
        let default_heap = self.default_heap(context)?;
        let quarantine = match default_heap.quarantine() {
            Some(quarantine) => quarantine,
            None => {
                let page = self.space().lock(context.id())?.pages().take(self.mapper())?;
                // SAFETY: the page was taken for this heap, which keeps it.
                let quarantine = unsafe { Quarantine::init(page) };
                default_heap.set_quarantine(quarantine);
                quarantine
            }
        };
        // SAFETY: pages stay mapped (I1), and the heap is this thread's (Q1).
        Some((default_heap, unsafe { quarantine.as_ref() }))
    }
}

/// The current heap.
impl<M: Mapper> Allocator<M> {
    /// Makes `heap`, or the global one, serve this thread's calls that name none; false when that
    /// cannot be had.
    pub fn push_heap<C: ThreadContext>(&self, context: C, heap: Option<HeapRef>) -> bool {
        self.try_push_heap(context, heap).is_some()
    }

    fn try_push_heap<C: ThreadContext>(&self, context: C, heap: Option<HeapRef>) -> Option<()> {
        if matches!(context.mode(), Mode::Unattached | Mode::Visiting) {
            self.attach(context, Patience::WithForks)?;
            context.arm_detach();
        }
        if context.mode() != Mode::Attached {
            return None;
        }
        let heap_table = self.heap_table(context, Patience::WithForks)?;
        let thread_heap = match heap {
            Some(heap) => self.thread_heap(context, heap, Patience::WithForks)?,
            None => heap_table.default_heap(),
        };
        if !heap_table.push(current(context)) {
            return None;
        }
        self.count_pushed(thread_heap, true);
        context.set_bins(thread_heap.as_bins());
        Some(())
    }

    /// Goes back to the heap that was current before; false if none was entered.
    pub fn pop_heap<C: ThreadContext>(&self, context: C) -> bool {
        let heap_table = heap_table_of(context).filter(|_| context.mode() == Mode::Attached);
        let Some(before) = heap_table.and_then(HeapTable::pop) else {
            return false;
        };
        let left = current(context);
        context.set_bins(before.as_bins());
        self.keep_or_return(context, left);
        // Last: another thread may destroy the heap as soon as no thread is in it.
        self.count_pushed(left, false);
        true
    }

    /// The thread is ending, or attaches to nothing any more: its parts in isolated heaps wait for
    /// other threads.
    pub(crate) fn pop_heaps<C: ThreadContext>(&self, context: C) {
        let Some(heap_table) = heap_table_of(context) else {
            return;
        };
        while self.pop_heap(context) {}
        for attachment in heap_table.take_all() {
            self.return_thread_heap(context, attachment);
        }
        let page = NonNull::from(heap_table).cast();
        context.set_heap_table(null());
        self.retire_page(context, page);
    }

    /// How many heaps this thread entered and has not left.
    pub fn heaps_pushed<C: ThreadContext>(&self, context: C) -> usize {
        heap_table_of(context).map_or(0, |heap_table| heap_table.pushed().count())
    }

    fn count_pushed(&self, thread_heap: ThreadHeapRef, pushed: bool) {
        if let Some(heap) = HeapRef::of(thread_heap) {
            if pushed {
                heap.pushed().fetch_add(1, Ordering::Relaxed);
            } else {
                // In the child of a fork that a signal handler made right here, it was counted
                // anew, without this thread.
                let _ = heap.pushed().fetch_update(Ordering::Release, Ordering::Relaxed, |pushed| pushed.checked_sub(1));
            }
        }
    }

    /// A heap that was current may have lost its entry to another one meanwhile.
    fn keep_or_return<C: ThreadContext>(&self, context: C, thread_heap: ThreadHeapRef) {
        let (Some(heap), Some(heap_table)) = (HeapRef::of(thread_heap), heap_table_of(context)) else {
            return;
        };
        if heap_table.thread_heap(heap) != Some(thread_heap) && !self.is_in_use(context, thread_heap) {
            self.return_thread_heap(context, HeapTableEntry::new(heap, thread_heap));
        }
    }
}
