//! Isolated heaps as objects: made, looked at, emptied and destroyed whole.

use core::ptr::NonNull;
use core::sync::atomic::Ordering;

use tinyalloc_sys::Mapper;

use super::state::Allocator;
use super::thread_context::ThreadContext;
use crate::hardening::valgrind::freelike;
use crate::heap::heap_record::{HeapOptions, HeapRef};
use crate::space::Space;
use crate::space::decay::PurgeTarget;
use crate::space::ended_run::EndedRun;
use crate::span::class::SLOT_ALIGN;
use crate::span::owner::Owner;
use crate::span::span_ref::SpanRef;
use crate::thread_heap::ThreadHeapRef;

/// Why a call that names a heap was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeapError {
    /// It is no live heap.
    NotAHeap,
    /// It is some thread's current heap.
    InUse,
    /// The caller is a signal handler that interrupted the allocator.
    Interrupted,
}

/// What becomes of the memory of a heap that is emptied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeapMemory {
    /// It stays, for what the heap is used for next; that of a destroyed heap for the thread that
    /// wants memory next.
    Retained,
    /// It goes back to the system at once, and any access to it faults.
    Released,
}

impl<M: Mapper> Allocator<M> {
    /// A heap that shares no span, no record and no free slot with any other; `None` when there is
    /// no memory for it.
    pub fn create_heap<C: ThreadContext>(&self, context: C, options: &HeapOptions) -> Option<HeapRef> {
        let _quiet = self.errors_disabled();
        let _pool = self.pool().lock_patiently(context.id())?;
        let mut space = self.space().lock_patiently(context.id())?;
        self.start(context, &mut space)?;
        let heap = space.new_isolated(self.mapper(), options, self.policy());
        self.publish(&space);
        heap
    }

    /// Frees all that is in the heap, and the heap. Takes time for every span and large block, not
    /// for every slot.
    ///
    /// # Errors
    /// [`HeapError`]; nothing is changed then.
    ///
    /// # Safety
    /// No thread is in a call that names the heap or one of its blocks, and none uses one of its
    /// blocks afterwards.
    pub unsafe fn destroy_heap<C: ThreadContext>(&self, context: C, heap: HeapRef, memory: HeapMemory) -> Result<(), HeapError> {
        let _quiet = self.errors_disabled();
        self.free_what_waits(context)?;
        let number = heap.id();
        {
            let _pool = self.pool().lock_patiently(context.id()).ok_or(HeapError::Interrupted)?;
            let mut space = self.space().lock_patiently(context.id()).ok_or(HeapError::Interrupted)?;
            self.check(&space, heap)?;
            space.forget_isolated(heap);
        }
        self.end_samples(context, heap, number);
        // SAFETY: the caller's promise.
        unsafe { self.freelike_heap(heap) };
        match self.memory(memory) {
            HeapMemory::Released => self.trap_spans(context, heap),
            HeapMemory::Retained => self.release_spans(context, heap),
        }
        for page in heap.pages() {
            self.retire_page(context, page);
        }
        Ok(())
    }

    /// Frees all that is in the heap, and keeps the heap.
    ///
    /// # Errors
    /// [`HeapError`]; nothing is changed then.
    ///
    /// # Safety
    /// As for [`Allocator::destroy_heap`]; the heap itself may be used again afterwards.
    pub unsafe fn reset_heap<C: ThreadContext>(&self, context: C, heap: HeapRef, memory: HeapMemory) -> Result<(), HeapError> {
        let _quiet = self.errors_disabled();
        let memory = self.memory(memory);
        self.free_what_waits(context)?;
        let keeper = {
            let _pool = self.pool().lock_patiently(context.id()).ok_or(HeapError::Interrupted)?;
            let space = self.space().lock_patiently(context.id()).ok_or(HeapError::Interrupted)?;
            if !space.is_isolated(heap) {
                return Err(HeapError::NotAHeap);
            }
            heap.thread_heaps().for_each(ThreadHeapRef::start_over);
            let mut keepers = heap.thread_heaps().filter(|thread_heap| self.sampled_heap(Some(heap)) != Some(*thread_heap));
            heap.thread_heaps().find(|thread_heap| thread_heap.is_of(context.id())).or_else(|| keepers.next())
        };
        self.end_samples(context, heap, heap.id());
        // SAFETY: the caller's promise.
        unsafe { self.freelike_heap(heap) };
        if memory == HeapMemory::Released {
            self.trap_spans(context, heap);
        }
        // The keeper may be another thread's, which is ending, or without an owner and being
        // purged: both happen under the pool's lock.
        let _pool = self.pool().lock_patiently(context.id()).ok_or(HeapError::Interrupted)?;
        for span in heap.spans() {
            self.start_over(context, span, keeper);
        }
        if memory == HeapMemory::Released {
            let _space = self.space().lock_patiently(context.id()).ok_or(HeapError::Interrupted)?;
            heap.forget_records();
        }
        heap.quota().uncharge(heap.quota().charged_bytes());
        Ok(())
    }

    /// What the program freed beside a fork may be the heap's: it is freed before the heap ends.
    fn free_what_waits<C: ThreadContext>(&self, context: C) -> Result<(), HeapError> {
        // Once the lock is to be had, the fork is over.
        drop(self.space().lock_patiently(context.id()).ok_or(HeapError::Interrupted)?);
        self.free_left(context);
        Ok(())
    }

    /// Hardened, memory comes back cleared, or not at all; and nothing that was freed stays where
    /// it is to be cleared.
    fn memory(&self, wanted: HeapMemory) -> HeapMemory {
        if self.policy().traps_every_freed_block() { HeapMemory::Released } else { wanted }
    }

    fn check(&self, space: &Space, heap: HeapRef) -> Result<(), HeapError> {
        if !space.is_isolated(heap) {
            return Err(HeapError::NotAHeap);
        }
        if heap.pushed().load(Ordering::Acquire) > 0 {
            return Err(HeapError::InUse);
        }
        Ok(())
    }

    /// Empties a span; `keeper` may keep it.
    fn start_over<C: ThreadContext>(&self, context: C, span: SpanRef, keeper: Option<ThreadHeapRef>) {
        let Some(mut space) = self.space().lock_patiently(context.id()) else {
            return;
        };
        match (span.owner(), keeper) {
            (Owner::Large, _) if Space::is_huge(span) => {
                let block = space.remove_huge(span);
                drop(space);
                self.unmap_huge(block);
            }
            (Owner::Large, _) => space.release_span(span),
            (_, Some(keeper)) if keeper.may_keep(span) => {
                // SAFETY: no thread is in the heap, and the locks of pool and space are held.
                let span = unsafe { span.owned() };
                span.start_over();
                keeper.keep_spare(span);
            }
            _ => space.release_span(span),
        }
    }
}

/// HeapMemory.
impl<M: Mapper> Allocator<M> {
    /// Leaves the spans of a heap that no thread uses any more to the space.
    fn release_spans<C: ThreadContext>(&self, context: C, heap: HeapRef) {
        for span in heap.spans() {
            self.start_over(context, span, None);
        }
        let due = self.space().lock_patiently(context.id()).map(|mut space| self.due(&mut space));
        self.purge(context, due.unwrap_or(PurgeTarget::Nothing));
    }

    /// Traps the memory of every span of a heap that no thread uses any more, and returns it to the
    /// space.
    fn trap_spans<C: ThreadContext>(&self, context: C, heap: HeapRef) {
        let mut ended: Option<EndedRun> = None;
        for span in heap.spans() {
            let Some(mut space) = self.space().lock_patiently(context.id()) else {
                return;
            };
            if Space::is_huge(span) {
                let block = space.remove_huge(span);
                drop(space);
                self.unmap_huge(block);
                continue;
            }
            let next = space.end_of(span);
            // Before the lock is released: statistics would look for its slots in memory that is
            // trapped.
            span.disown();
            drop(space);
            if ended.as_mut().is_some_and(|ended| ended.join(&next)) {
                continue;
            }
            if let Some(last) = ended.replace(next) {
                self.trap(context, &last);
            }
        }
        if let Some(last) = ended {
            self.trap(context, &last);
        }
    }

    /// Every block of a heap ends.
    ///
    /// # Safety
    /// No thread uses the heap meanwhile.
    pub(crate) unsafe fn freelike_heap(&self, heap: HeapRef) {
        if self.policy().tells_memcheck() {
            let visit = |start, _| {
                freelike(start);
                true
            };
            // SAFETY: the caller's promise.
            unsafe { self.walk_heap(heap, visit) };
        }
    }
}

/// Limits.
impl<M: Mapper> Allocator<M> {
    /// The limit, and how much of it is taken, in bytes.
    pub fn heap_limit(&self, heap: HeapRef) -> (usize, usize) {
        (heap.quota().limit_bytes(), heap.quota().charged_bytes())
    }

    /// Changes the limit; what is taken already stays.
    pub fn set_heap_limit(&self, heap: HeapRef, bytes: usize) {
        heap.quota().set_limit_bytes(bytes);
    }

    /// Has the memory that a heap takes from now on come from one node, whichever threads use it;
    /// `None` for the node of the thread that takes it. False, and nothing was changed, if the
    /// process may not use memory of that node, or for a signal handler that interrupted the
    /// allocator.
    pub fn set_heap_node<C: ThreadContext>(&self, context: C, heap: HeapRef, node: Option<u32>) -> bool {
        let is_had = node.is_none_or(|node| {
            self.space().lock_patiently(context.id()).is_some_and(|mut space| {
                let is_had = space.want_node(self.mapper(), node);
                self.publish(&space);
                is_had
            })
        });
        if is_had {
            heap.set_node(node);
        }
        is_had
    }

    /// The node that a heap's memory comes from, if it is to be one node's.
    pub fn heap_node(&self, heap: HeapRef) -> Option<u32> {
        heap.node()
    }

    /// How often the limit was in the way.
    pub fn heap_refusals(&self, heap: HeapRef) -> usize {
        heap.quota().refusals()
    }
}

/// Walking.
impl<M: Mapper> Allocator<M> {
    /// Calls `visit` with every live block and its bytes, until it returns false. Returns whether
    /// it never did.
    ///
    /// # Safety
    /// No thread uses the heap meanwhile, `visit` included.
    pub unsafe fn walk_heap(&self, heap: HeapRef, mut visit: impl FnMut(NonNull<u8>, usize) -> bool) -> bool {
        heap.spans().all(|span| match span.owner() {
            Owner::Large => self.visit(span, self.start_of(span), &mut visit),
            _ => self.walk_span(span, &mut visit),
        })
    }

    fn walk_span(&self, span: SpanRef, visit: &mut impl FnMut(NonNull<u8>, usize) -> bool) -> bool {
        debug_assert!(span.slot_bytes() % SLOT_ALIGN == 0);
        (0..span.slots_carved() as usize)
            .all(|index| self.live_slot(span, index).is_none_or(|start| self.visit(span, start, visit)))
    }

    fn visit(&self, span: SpanRef, start: NonNull<u8>, visit: &mut impl FnMut(NonNull<u8>, usize) -> bool) -> bool {
        let bytes = {
            let _quiet = self.errors_disabled();
            self.reported_bytes(span, start)
        };
        visit(start, bytes)
    }

    fn start_of(&self, span: SpanRef) -> NonNull<u8> {
        let _quiet = self.errors_disabled();
        span.start()
    }

    /// A carved slot of a span, if it is live.
    fn live_slot(&self, span: SpanRef, index: usize) -> Option<NonNull<u8>> {
        let _quiet = self.errors_disabled();
        // SAFETY: the slot is carved.
        let start = unsafe { span.start().add(index * span.slot_bytes()) };
        let is_free = self.defined(self.is_free_slot(start, span.slot_bytes()));
        (!is_free && !span.is_in_hole(index)).then_some(start)
    }
}
