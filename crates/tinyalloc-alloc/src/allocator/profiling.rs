//! Sampled blocks: the slow path of a request that got a marked slot, or that is large and was
//! drawn; and what a free does of one.
//!
//! A sampled small block lies in a thread heap that is no thread's: who frees it comes to the slow
//! path, as with every block of another thread.

use core::ptr::{NonNull, null_mut};
use core::sync::atomic::{AtomicUsize, Ordering};

use tinyalloc_sys::Mapper;

use super::state::Allocator;
use super::thread_context::ThreadContext;
use crate::heap::heap_record::HeapRef;
use crate::profile::estimate::Estimate;
use crate::profile::site::{CALLERS_MAX, SiteProfile};
use crate::profile::tables::LiveBlock;
use crate::profile::{Profile, ProfileSummary};
use crate::span::class::SizeClass;
use crate::span::owner::Owner;
use crate::span::slot::MARKS_WORK;
use crate::span::span_ref::SpanRef;
use crate::support::exponential::mark_at;
use crate::support::lock::Guard;
use crate::support::random::mixed;
use crate::thread_heap::ThreadHeapRef;
use crate::thread_heap::spare::SpareLimit;

/// No interval is longer.
const INTERVAL_MAX: usize = u32::MAX as usize;
/// An odd number whose multiples are all numbers: the golden ratio.
const WEYL: u64 = 0x9e37_79b9_7f4a_7c15;

/// For the program.
impl<M: Mapper> Allocator<M> {
    /// Samples one block for about so many bytes from here on; none, if that is 0. Threads follow
    /// at their next slow path. False, and nothing was changed, where that cannot be: every call is
    /// checked, there is no memory for it, or the caller is a signal handler that interrupted it.
    pub fn set_profile_interval<C: ThreadContext>(&self, context: C, interval: usize) -> bool {
        if interval > 0 {
            if !MARKS_WORK || self.checks_all(context) {
                return false;
            }
            let begun = self.profile().lock_patiently(context.id()).is_some_and(|mut profile| profile.begin(self.mapper()));
            if !begun {
                return false;
            }
        }
        self.interval().store(interval.min(INTERVAL_MAX), Ordering::Relaxed);
        true
    }

    /// What the profile says beside its sites; nothing for a signal handler that interrupted it.
    pub fn profile_summary<C: ThreadContext>(&self, context: C) -> ProfileSummary {
        let interval = self.interval().load(Ordering::Relaxed);
        let lost = |count: &AtomicUsize| count.load(Ordering::Relaxed) as u64;
        let lost = (lost(self.lost_samples()), lost(self.lost_frees()));
        self.profile().lock(context.id()).map_or(ProfileSummary::default(), |mut profile| profile.summary(interval, lost))
    }

    /// Whether the profile can be read: not by a signal handler that interrupted the allocator.
    pub fn profile_is_at_hand<C: ThreadContext>(&self, context: C) -> bool {
        !self.is_inside(context) && self.profile().lock(context.id()).is_some()
    }

    /// The live bytes that the profile estimates.
    pub fn profiled_bytes(&self) -> u64 {
        self.profiled().load(Ordering::Relaxed)
    }

    /// A copy of the call site of that number, below the number of them.
    pub fn profile_site<C: ThreadContext>(&self, context: C, index: usize) -> Option<SiteProfile> {
        self.profile().lock(context.id())?.site(index)
    }

    /// The sampled block in the place of that number; `None` beyond the last place.
    pub fn profile_block<C: ThreadContext>(&self, context: C, index: usize) -> Option<LiveBlock> {
        self.profile().lock(context.id())?.live_block(index)
    }
}

/// For the slow paths.
impl<M: Mapper> Allocator<M> {
    /// A thread heap, in whose slow path the caller is, marks as it should from here on.
    #[inline]
    pub(crate) fn follow_profile(&self, heap: ThreadHeapRef) {
        let interval = self.interval().load(Ordering::Relaxed);
        if heap.interval() != interval {
            self.follow_interval(heap, interval);
        }
    }

    #[cold]
    #[inline(never)]
    fn follow_interval(&self, heap: ThreadHeapRef, interval: usize) {
        // What isolated heaps hold stays in them.
        if HeapRef::of(heap).is_none() {
            heap.follow_interval(interval, self.draw(), self.secret());
        }
    }

    /// A random number; each differs from those before.
    fn draw(&self) -> u64 {
        mixed(self.draws().fetch_add(WEYL, Ordering::Relaxed) ^ self.secret().word() as u64)
    }

    /// A sampled block of `class`; `None` if there is none to be had.
    #[cold]
    #[inline(never)]
    pub(crate) fn sample_small<C: ThreadContext>(&self, context: C, class: SizeClass) -> Option<NonNull<u8>> {
        let interval = self.interval().load(Ordering::Relaxed);
        if interval == 0 {
            return None;
        }
        let callers = callers(context);
        let mut profile = self.profile_for_sample(context)?;
        let start = self.profiled_slot(context, class);
        match start {
            Some(start) => self.add_sample(context, &mut profile, start, class.bytes(), (&callers, interval)),
            None => profile.lose_sample(),
        }
        start
    }

    /// The profile; `None`, and one sample is lost, for a signal handler that interrupted it, and
    /// beside a fork that lasts.
    fn profile_for_sample<C: ThreadContext>(&self, context: C) -> Option<Guard<'_, Profile>> {
        let profile = self.profile().lock(context.id());
        if profile.is_none() {
            self.lost_samples().fetch_add(1, Ordering::Relaxed);
        }
        profile
    }

    /// Notes a block of `bytes` down, with its callers and the interval.
    fn add_sample<C: ThreadContext>(
        &self,
        context: C,
        profile: &mut Profile,
        start: NonNull<u8>,
        bytes: usize,
        (callers, interval): (&[usize], usize),
    ) {
        let (address, made_at, estimate) =
            (start.as_ptr().addr(), self.mapper().now_milliseconds(), Estimate::new(bytes, interval));
        profile.add(address, LiveBlock { site: 0, bytes, thread: context.id().0, made_at }, callers, estimate);
        self.profiled().store(profile.live_bytes(), Ordering::Relaxed);
        context.sampled(address, bytes, estimate.bytes());
    }

    /// A slot of the heap of sampled blocks; the lock of the profile is held.
    fn profiled_slot<C: ThreadContext>(&self, context: C, class: SizeClass) -> Option<NonNull<u8>> {
        let heap = self.profile_heap(context)?;
        let slow_path = self.begin_slow_path_on(context, heap);
        let slot = self.refill(context, heap, class);
        let _ = self.release_spare(context, heap, SpareLimit::Usual);
        self.end_slow_path(context, slow_path);
        Some(slot.ok()??.start())
    }

    fn profile_heap<C: ThreadContext>(&self, context: C) -> Option<ThreadHeapRef> {
        if let Some(bins) = NonNull::new(self.profile_bins().load(Ordering::Relaxed)) {
            // SAFETY: they are a heap's (H2).
            return Some(unsafe { ThreadHeapRef::from_bins(bins) });
        }
        let mut space = self.space().lock(context.id())?;
        let heap = space.new_heap(self.mapper(), self.policy())?;
        self.publish(&space);
        self.profile_bins().store(heap.as_bins().as_ptr(), Ordering::Relaxed);
        Some(heap)
    }

    /// A large block of the global heap is new: is it sampled?
    #[inline]
    pub(crate) fn draw_large<C: ThreadContext>(&self, context: C, start: NonNull<u8>) {
        let interval = self.interval().load(Ordering::Relaxed);
        if interval > 0 {
            self.draw_large_slow(context, start, interval);
        }
    }

    #[cold]
    #[inline(never)]
    fn draw_large_slow<C: ThreadContext>(&self, context: C, start: NonNull<u8>, interval: usize) -> Option<()> {
        let span = self.find_span(context, start.as_ptr().addr()).filter(|span| span.owner() == Owner::Large)?;
        let bytes = span.slot_bytes();
        mark_at(self.draw(), 1, bytes, interval)?;
        let callers = callers(context);
        let mut profile = self.profile_for_sample(context)?;
        self.add_sample(context, &mut profile, start, bytes, (&callers, interval));
        span.set_sampled(true);
        Some(())
    }

    /// Whether the slots of these bins are sampled blocks.
    #[inline]
    pub(crate) fn is_profiled(&self, span: SpanRef) -> bool {
        span.owner_bins() == self.profile_bins().load(Ordering::Relaxed).cast_const()
    }

    /// A sampled block is about to be freed.
    #[cold]
    #[inline(never)]
    pub(crate) fn end_sample<C: ThreadContext>(&self, context: C, address: usize) {
        context.sample_freed(address);
        match self.profile().lock(context.id()) {
            Some(mut profile) => {
                profile.remove(address, context.id().0, self.mapper().now_milliseconds());
                self.profiled().store(profile.live_bytes(), Ordering::Relaxed);
            }
            None => drop(self.lost_frees().fetch_add(1, Ordering::Relaxed)),
        }
    }

    /// After a fork, in the child, before any other thread is there.
    pub(crate) fn restart_profile<C: ThreadContext>(&self, context: C) {
        if let Some(mut profile) = self.profile().lock(context.id()) {
            profile.clear();
            self.profiled().store(0, Ordering::Relaxed);
            self.lost_frees().store(0, Ordering::Relaxed);
            self.lost_samples().store(0, Ordering::Relaxed);
            // Their heap goes to the pool, as those of the threads that are gone.
            self.profile_bins().store(null_mut(), Ordering::Relaxed);
        }
    }
}

fn callers<C: ThreadContext>(context: C) -> [usize; CALLERS_MAX] {
    let mut callers = [0; CALLERS_MAX];
    context.trace(&mut callers);
    callers
}
