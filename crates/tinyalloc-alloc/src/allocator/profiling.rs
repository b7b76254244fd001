//! Sampled blocks: the slow path of a request that got a marked slot, or that is large and was
//! drawn; and what a free does of one.

use core::ptr::NonNull;
use core::sync::atomic::{AtomicUsize, Ordering};

use tinyalloc_sys::Mapper;

use super::request::{Request, SmallRequest};
use super::state::Allocator;
use super::thread_context::ThreadContext;
use crate::heap::heap_record::HeapRef;
use crate::profile::estimate::Estimate;
use crate::profile::heap_summary::HeapSummary;
use crate::profile::site::{CALLERS_MAX, SiteProfile};
use crate::profile::tables::LiveBlock;
use crate::profile::{Profile, ProfileSummary};
use crate::space::spans_in_use::SpanCursor;
use crate::span::class::{SLICE_BYTES, SizeClass};
use crate::span::owner::Owner;
use crate::span::slot::MARKS_WORK;
use crate::span::state::SpanState;
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
        if interval > 0 && !self.begin_profile(context) {
            return false;
        }
        self.interval().store(interval.min(INTERVAL_MAX), Ordering::Relaxed);
        true
    }

    /// As [`Allocator::set_profile_interval`], for the blocks of one isolated heap; `None` samples
    /// them as those of the process.
    pub fn set_heap_profile_interval<C: ThreadContext>(&self, context: C, heap: HeapRef, interval: Option<usize>) -> bool {
        let is_possible = interval.is_none_or(|interval| interval == 0 || self.begin_profile(context));
        if is_possible {
            heap.set_profile_interval(interval.map(|interval| interval.min(INTERVAL_MAX)));
        }
        is_possible
    }

    /// Whether there can be a profile: not where every call is checked.
    pub fn has_profile<C: ThreadContext>(&self, context: C) -> bool {
        MARKS_WORK && !self.checks_all(context)
    }

    fn begin_profile<C: ThreadContext>(&self, context: C) -> bool {
        self.has_profile(context) && self.profile().lock(context.id()).is_some_and(|mut profile| profile.begin(self.mapper()))
    }

    /// What the profile says beside its sites; nothing for a signal handler that interrupted it.
    pub fn profile_summary<C: ThreadContext>(&self, context: C) -> ProfileSummary {
        let interval = self.interval().load(Ordering::Relaxed);
        let lost = |count: &AtomicUsize| count.load(Ordering::Relaxed) as u64;
        let lost = (lost(self.lost_samples()), lost(self.lost_frees()));
        self.profile().lock(context.id()).map_or(ProfileSummary::default(), |mut profile| profile.summary(interval, lost))
    }

    /// Forgets every sample and every site: blocks that are sampled already are in no dump again.
    /// False for a signal handler that interrupted the allocator.
    pub fn reset_profile<C: ThreadContext>(&self, context: C) -> bool {
        let Some(mut profile) = self.profile().lock(context.id()) else {
            return false;
        };
        profile.clear();
        self.profiled().store(0, Ordering::Relaxed);
        self.lost_frees().store(0, Ordering::Relaxed);
        self.lost_samples().store(0, Ordering::Relaxed);
        true
    }

    /// Whether the profile can be read: not by a signal handler that interrupted the allocator.
    pub fn profile_is_at_hand<C: ThreadContext>(&self, context: C) -> bool {
        !self.is_inside(context) && self.profile().lock(context.id()).is_some()
    }

    /// The live bytes that the profile estimates.
    pub fn profiled_bytes(&self) -> u64 {
        self.profiled().load(Ordering::Relaxed)
    }

    /// How many bytes of the span that a sampled block would be in are free in memory, for each
    /// block that keeps the span: what goes back to the system if all of those are freed. None for
    /// a large block, and where the span is in use for further blocks.
    pub fn pinned_bytes<C: ThreadContext>(&self, context: C, block: &LiveBlock) -> usize {
        let span = self.find_span(context, block.origin);
        match span.filter(|span| span.has_heap() && span.slot_bytes() == block.bytes) {
            Some(span) if matches!(span.state(), SpanState::Current | SpanState::Lending) => 0,
            Some(span) => {
                let live = span.live() as usize;
                span.active_bytes(self.mapper().page_bytes()).saturating_sub(live * block.bytes) / (live + 1)
            }
            // The span is gone: but for the sample, this block alone would have kept it.
            None => block.span_bytes.saturating_sub(block.bytes),
        }
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

/// Isolated heaps with samples.
impl<M: Mapper> Allocator<M> {
    /// Those with the highest numbers below `before` that have, or had, a sampled block, the
    /// highest first, as many as there is room for. Yields how many there are.
    pub fn sampled_heaps_before<C: ThreadContext>(&self, context: C, before: usize, room: &mut [HeapSummary]) -> usize {
        let Some(space) = self.space().look(context.id()) else {
            return 0;
        };
        // The latest first, which has the highest number.
        let heaps = space.isolated().filter(|heap| heap.id() < before && heap.has_samples());
        let summary = |heap: HeapRef| HeapSummary {
            number: heap.id(),
            name: heap.name(),
            limit: heap.quota().limit_bytes(),
            charged: heap.quota().charged_bytes(),
        };
        room.iter_mut().zip(heaps.map(summary)).map(|(place, heap)| *place = heap).count()
    }
}

/// For the slow paths.
impl<M: Mapper> Allocator<M> {
    /// A thread heap, in whose slow path the caller is, marks as it should from here on.
    #[inline]
    pub(crate) fn follow_profile<C: ThreadContext>(&self, context: C, heap: ThreadHeapRef) {
        let interval = self.interval_in(HeapRef::of(heap));
        if heap.interval() != interval {
            self.follow_interval(context, heap, interval);
        }
    }

    #[cold]
    #[inline(never)]
    fn follow_interval<C: ThreadContext>(&self, context: C, heap: ThreadHeapRef, interval: usize) {
        heap.follow_interval(interval, self.draw(), self.secret());
        if interval == 0 || !SizeClass::all().any(|class| heap.spans(class) > 0) {
            return;
        }
        let secret = self.secret();
        let mut cursor = Some(SpanCursor::START);
        // A part at a time: other threads wait for the lock.
        while let (Some(at), Some(space)) = (cursor, self.space().look(context.id())) {
            cursor = space.visit_spans(at, &mut |span| heap.follow_interval_in(span, secret));
        }
    }

    /// One sample represents about so many bytes of an isolated heap, or of the global one.
    fn interval_in(&self, heap: Option<HeapRef>) -> usize {
        let of_heap = heap.and_then(|heap| heap.profile_interval());
        of_heap.unwrap_or_else(|| self.interval().load(Ordering::Relaxed))
    }

    /// A random number; each differs from those before.
    fn draw(&self) -> u64 {
        mixed(self.draws().fetch_add(WEYL, Ordering::Relaxed) ^ self.secret().word() as u64)
    }

    /// A sampled block, instead of the one at `origin`; `None` if there is none to be had.
    #[cold]
    #[inline(never)]
    pub(crate) fn sample_small<C: ThreadContext>(
        &self,
        context: C,
        heap: Option<HeapRef>,
        request: SmallRequest,
        origin: NonNull<u8>,
    ) -> Option<NonNull<u8>> {
        let interval = self.interval_in(heap);
        if interval == 0 {
            return None;
        }
        let callers = callers(context);
        let mut profile = self.profile_for_sample(context)?;
        let Some(start) = self.profiled_slot(context, heap, request.class()) else {
            profile.lose_sample();
            return None;
        };
        let (bytes, requested) = (request.class().bytes(), request.bytes());
        let (align, origin) = (request.align(), origin.as_ptr().addr());
        let span_bytes = self.find_span(context, origin).map_or(0, |span| span.slices() as usize * SLICE_BYTES);
        let block = LiveBlock { bytes, requested, align, origin, span_bytes, ..self.made(context, heap) };
        self.add_sample(context, &mut profile, start, block, (&callers, interval));
        Some(start)
    }

    /// What is known of a block wherever it will be, made here and now.
    fn made<C: ThreadContext>(&self, context: C, heap: Option<HeapRef>) -> LiveBlock {
        let heap = heap.inspect(|heap| heap.note_sample()).map_or(0, |heap| heap.id());
        let (thread, made_at) = (context.id().0, self.mapper().now_milliseconds());
        LiveBlock { site: 0, bytes: 0, represents: 0, requested: 0, align: 1, heap, origin: 0, span_bytes: 0, thread, made_at }
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

    /// Notes a block down, with its callers and the interval.
    fn add_sample<C: ThreadContext>(
        &self,
        context: C,
        profile: &mut Profile,
        start: NonNull<u8>,
        block: LiveBlock,
        (callers, interval): (&[usize], usize),
    ) {
        let (address, represents) = (start.as_ptr().addr(), Estimate::new(block.bytes, interval).bytes());
        profile.add(address, LiveBlock { represents, ..block }, callers);
        self.profiled().store(profile.live_bytes(), Ordering::Relaxed);
        context.sampled(address, block.bytes, represents);
    }

    /// A slot for a sampled block; the lock of the profile is held.
    fn profiled_slot<C: ThreadContext>(&self, context: C, isolated: Option<HeapRef>, class: SizeClass) -> Option<NonNull<u8>> {
        let heap = self.sampled_heap(isolated).or_else(|| self.new_sampled_heap(context, isolated))?;
        let slow_path = self.begin_slow_path_on(context, heap);
        if !heap.has_room_for_sample(class) {
            // What other threads freed of it comes home, and empty spans go.
            let purged = self.purge_thread_heap(context, heap);
            if purged.is_err() || !heap.has_room_for_sample(class) {
                self.end_slow_path(context, slow_path);
                return None;
            }
        }
        let slot = self.refill(context, heap, class);
        let _ = self.release_spare(context, heap, SpareLimit::Usual);
        self.end_slow_path(context, slow_path);
        Some(slot.ok()??.start())
    }

    fn new_sampled_heap<C: ThreadContext>(&self, context: C, isolated: Option<HeapRef>) -> Option<ThreadHeapRef> {
        let _pool = self.pool().lock(context.id())?;
        let mut space = self.space().lock(context.id())?;
        let heap = match isolated {
            None => space.new_heap(self.mapper(), self.policy())?,
            Some(isolated) => {
                let page = space.pages().take(self.mapper())?;
                // SAFETY: the page was taken just now; pages stay mapped (I1).
                unsafe { isolated.add_thread_heap(page, self.policy()) }
            }
        };
        self.publish(&space);
        self.set_sampled_heap(isolated, heap);
        Some(heap)
    }

    /// A large block is new, for that request: is it sampled?
    #[inline]
    pub(crate) fn draw_large<C: ThreadContext>(&self, context: C, heap: Option<HeapRef>, start: NonNull<u8>, request: Request) {
        if self.interval_in(heap) > 0 {
            self.draw_large_slow(context, heap, start, request);
        }
    }

    #[cold]
    #[inline(never)]
    fn draw_large_slow<C: ThreadContext>(
        &self,
        context: C,
        heap: Option<HeapRef>,
        start: NonNull<u8>,
        request: Request,
    ) -> Option<()> {
        // Another thread may have ended the profile since.
        let interval = Some(self.interval_in(heap)).filter(|interval| *interval > 0)?;
        let span = self.find_span(context, start.as_ptr().addr()).filter(|span| span.owner() == Owner::Large)?;
        let bytes = span.slot_bytes();
        mark_at(self.draw(), 1, bytes, interval)?;
        let callers = callers(context);
        let mut profile = self.profile_for_sample(context)?;
        let (requested, align) = (request.bytes(), request.align());
        let block = LiveBlock { bytes, requested, align, ..self.made(context, heap) };
        self.add_sample(context, &mut profile, start, block, (&callers, interval));
        span.set_sampled(true);
        Some(())
    }

    /// A sampled block is about to be freed; false if the profile does not learn of it.
    #[cold]
    #[inline(never)]
    pub(crate) fn end_sample<C: ThreadContext>(&self, context: C, address: usize) -> bool {
        context.sample_freed(address);
        let Some(mut profile) = self.profile().lock(context.id()) else {
            self.lost_frees().fetch_add(1, Ordering::Relaxed);
            return false;
        };
        profile.remove(address, context.id().0, self.mapper().now_milliseconds());
        self.profiled().store(profile.live_bytes(), Ordering::Relaxed);
        true
    }

    /// The blocks of the isolated heap of that number end with it.
    pub(crate) fn end_samples<C: ThreadContext>(&self, context: C, heap: HeapRef, number: usize) {
        if heap.has_samples() {
            if let Some(mut profile) = self.profile().lock_patiently(context.id()) {
                profile.remove_heap(number, self.mapper().now_milliseconds());
                self.profiled().store(profile.live_bytes(), Ordering::Relaxed);
            }
        }
    }

    /// After a fork, in the child, before any other thread is there.
    pub(crate) fn restart_profile<C: ThreadContext>(&self, context: C) {
        let _ = self.reset_profile(context);
    }
}

fn callers<C: ThreadContext>(context: C) -> [usize; CALLERS_MAX] {
    let mut callers = [0; CALLERS_MAX];
    context.trace(&mut callers);
    callers
}
