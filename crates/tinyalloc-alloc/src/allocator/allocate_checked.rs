//! Requests of a program that wants more checks than the default: every call comes here, and not to the hit path.

use core::ptr::NonNull;

use tinyalloc_sys::Mapper;

use super::caller::{current, trace};
use super::local::{Local, Mode};
use super::request::Request;
use super::state::Allocator;
use crate::heap::HeapRef;
use crate::isolated::isolated_heap::IsolatedRef;
use crate::span::class::{SLOT_ALIGN, SizeClass};
use crate::support::lock::Patience;

impl<M: Mapper> Allocator<M> {
    /// A slot of the current heap that lies ready, for what is asked for most: no guards, no alignment.
    #[inline(never)]
    pub(crate) fn take_checked<L: Local>(&self, local: L, bytes: usize) -> Option<NonNull<u8>> {
        let policy = self.policy();
        if policy.guarded_one_in() > 0 || local.mode() != Mode::Attached {
            return None;
        }
        let class = SizeClass::of(policy.slot_need(bytes)?)?;
        let start = self.take_whole(local, current(local), class)?;
        if policy.has_canaries() {
            self.begin_life(local, start, class.bytes(), bytes);
        }
        Some(start)
    }

    /// Serves a request from the current heap.
    #[cold]
    pub(crate) fn allocate_checked<L: Local>(&self, local: L, request: Request) -> Option<NonNull<u8>> {
        let _quiet = self.quiet();
        let _ = self.attach_in_time(local, Patience::None);
        if local.mode() != Mode::Attached {
            let class = self.class_of(request);
            return self.cleared(
                local,
                request,
                match class {
                    Some(class) => self.allocate_small_slow(local, class).inspect(|start| {
                        self.begin_any_life(local, *start, request.bytes());
                        self.announce(local, *start, request.bytes());
                    }),
                    None => self.allocate_large_aligned(local, None, request.bytes(), request.align()),
                },
            );
        }
        self.allocate_checked_on(local, current(local), request)
    }

    /// As [`Allocator::allocate_checked`], from one of this thread's heaps.
    pub(crate) fn allocate_checked_on<L: Local>(&self, local: L, heap: HeapRef, request: Request) -> Option<NonNull<u8>> {
        let _quiet = self.quiet();
        if IsolatedRef::of(heap).is_none()
            && let Some(start) = self.sampled(local, heap, request)
        {
            return self.cleared(local, request, Some(start));
        }
        let Some(class) = self.class_of(request) else {
            let start = self.allocate_large_aligned(local, IsolatedRef::of(heap), request.bytes(), request.align());
            return self.cleared(local, request, start);
        };
        let start = match self.take_whole(local, heap, class) {
            Some(start) => {
                if self.policy().has_canaries() {
                    self.begin_life(local, start, class.bytes(), request.bytes());
                }
                start
            }
            None => {
                let start = self.allocate_attached(local, heap, class)?;
                self.begin_any_life(local, start, request.bytes());
                start
            }
        };
        self.announce(local, start, request.bytes());
        self.cleared(local, request, Some(start))
    }

    pub(crate) fn cleared<L: Local>(&self, local: L, request: Request, start: Option<NonNull<u8>>) -> Option<NonNull<u8>> {
        if let Some(start) = start.filter(|_| request.is_zeroed()) {
            self.clear(local, start, request.bytes());
        }
        start
    }

    /// A guarded block, for one in so many.
    pub(crate) fn sampled<L: Local>(&self, local: L, heap: HeapRef, request: Request) -> Option<NonNull<u8>> {
        let every = self.policy().guarded_one_in();
        if every == 0 || !heap.is_sampled(every) {
            return None;
        }
        let maker = (local.id().0, trace(local));
        self.guards().lock(local.id())?.allocate(self.mapper(), self.guard_range(), request.bytes(), request.align(), maker)
    }

    /// As [`Allocator::sampled`], for a request that found no free slot: it stands for all those that did since the last one.
    pub(crate) fn sampled_at_refill<L: Local>(&self, local: L, bytes: usize) -> Option<NonNull<u8>> {
        if local.mode() != Mode::Attached || self.current_heap(local).is_some() {
            return None;
        }
        let heap = current(local);
        let slots = SizeClass::of(bytes).map_or(1, |class| self.mapper().page_bytes() / class.bytes()).max(1);
        if !heap.is_sampled_among(u32::try_from(slots).unwrap_or(1), self.policy().guarded_one_in()) {
            return None;
        }
        let maker = (local.id().0, trace(local));
        self.guards().lock(local.id())?.allocate(self.mapper(), self.guard_range(), bytes, SLOT_ALIGN, maker)
    }
}
