//! The allocator: which heap, and is it small, large or huge?

use core::ptr::{NonNull, null_mut};
use core::sync::atomic::{AtomicPtr, AtomicUsize, Ordering};

use tinyalloc_sys::Mapper;

use super::emergency::Emergency;
use super::local::Local;
use super::request::Request;
use super::settled::Settled;
use crate::config::checks::Checks;
use crate::config::tunables::Tunables;
use crate::hardening::empty::EmptyBlocks;
use crate::hardening::guard::{GuardRange, Guards};
use crate::heap::pool::Pool;
use crate::space::Space;
use crate::span::bins::{Bins, EMPTY_BINS};
use crate::span::class::{SLICE_SHIFT, SLOT_ALIGN, SizeClass};
use crate::span::free_list::Freed;
use crate::span::slot::Secret;
use crate::span::span_ref::SpanRef;
use crate::support::lock::{Lock, Ranked};

/// How many bytes of the first region's slices are committed: what every free reads besides what is settled, on a cache line that changes
/// only when the region grows. Where every call is to be checked, the hit path is told of no slice at all, so that it finds nothing.
#[repr(C, align(64))]
struct Reach {
    hit_bytes: AtomicUsize,
    bytes: AtomicUsize,
}

/// One allocator: the global heap of a process, say. Lives in a `static`, or as long as every block it gave out.
///
/// Locks are taken in this order: pool, space, guards.
#[repr(C)]
pub struct Allocator<M> {
    reach: Reach,
    mapper: M,
    guard_range: GuardRange,
    pool: Lock<Pool>,
    guards: Lock<Guards>,
    empty: EmptyBlocks,
    abandoned: AtomicPtr<Bins>,
    emergency: Emergency,
    // The largest comes here, with what is always touched first: a small process touches one page of all this, and the one behind it.
    space: Lock<Space>,
    // At the end of what the program's file is mapped for: whoever protects it splits one mapping in two, not in three.
    settled: Settled,
}

impl<M: Mapper> Allocator<M> {
    /// An allocator that has asked the system for nothing yet.
    pub const fn new(mapper: M) -> Allocator<M> {
        Allocator {
            settled: Settled::new(),
            reach: Reach { hit_bytes: AtomicUsize::new(0), bytes: AtomicUsize::new(0) },
            mapper,
            guard_range: GuardRange::new(),
            guards: Lock::new(Guards::new()),
            empty: EmptyBlocks::new(),
            space: Lock::new(Space::new()),
            pool: Lock::new(Pool::new()),
            abandoned: AtomicPtr::new(null_mut()),
            emergency: Emergency::new(),
        }
    }

    /// At least `bytes` bytes, aligned to 16, or `None` when no memory is to be had.
    #[inline(always)]
    pub fn allocate<L: Local>(&self, local: L, bytes: usize) -> Option<NonNull<u8>> {
        self.allocate_hit(local, bytes).or_else(|| self.allocate_slow(local, bytes))
    }

    /// As [`Allocator::allocate`], but only if a free slot lies ready. What it cannot serve, [`Allocator::allocate_slow`] can.
    #[inline(always)]
    pub fn allocate_hit<L: Local>(&self, local: L, bytes: usize) -> Option<NonNull<u8>> {
        self.take_slot(local, SizeClass::at_hand(bytes)?)
    }

    /// As [`Allocator::allocate`], for what [`Allocator::allocate_hit`] could not serve.
    pub fn allocate_slow<L: Local>(&self, local: L, bytes: usize) -> Option<NonNull<u8>> {
        if bytes == 0
            && let Some(start) = self.allocate_nothing(local, SLOT_ALIGN)
        {
            return Some(start);
        }
        if self.checks_all(local) {
            return self.take_checked(local, bytes).or_else(|| self.allocate_checked(local, Request::new(bytes)));
        }
        if self.checks().guard_every > 0
            && let Some(start) = self.sampled_at_refill(local, bytes)
        {
            return Some(start);
        }
        match SizeClass::of(bytes) {
            Some(class) => self.allocate_small_slow(local, class),
            None => self.allocate_large(local, bytes),
        }
    }

    #[inline(always)]
    pub(crate) fn take_slot<L: Local>(&self, local: L, class: SizeClass) -> Option<NonNull<u8>> {
        self.take_slot_of(local.bins(), class)
    }

    #[inline(always)]
    pub(crate) fn take_slot_of(&self, bins: NonNull<Bins>, class: SizeClass) -> Option<NonNull<u8>> {
        self.take_slot_with(bins, class, self.settled.hit_secret())
    }

    #[inline(always)]
    pub(crate) fn take_slot_with(&self, bins: NonNull<Bins>, class: SizeClass, secret: Secret) -> Option<NonNull<u8>> {
        // SAFETY: bins are a heap's, which stays mapped (H2), or the static empty ones.
        let bins = unsafe { bins.as_ref() };
        let bin = bins.head(class);
        let slot = bin.get();
        if !slot.holds(secret) {
            return None;
        }
        // SAFETY: the seal holds.
        bin.set(unsafe { slot.next_unchecked() });
        slot.unseal();
        Some(slot.start())
    }

    /// Frees a block. Anything else than the start of a live block is reported, and changes nothing.
    ///
    /// # Safety
    /// If `start` is the start of a live block, nobody uses the block any more.
    #[inline(always)]
    pub unsafe fn free<L: Local>(&self, local: L, start: *mut u8) {
        let Some(span) = self.span_in_first_region(start.addr()) else {
            return self.free_outside(start, local);
        };
        if !local.is(span.owner_bins()) {
            return self.free_elsewhere(start, local, span);
        }
        // SAFETY: the first region is never at null.
        let start = unsafe { NonNull::new_unchecked(start) };
        // SAFETY: its owner is this thread's heap (H1).
        match unsafe { span.owned() }.free_local(start, self.settled.hit_secret()) {
            Freed::Quiet => {}
            Freed::CreditSpent => self.free_settle(local, span),
            Freed::Sealed | Freed::NotASlot => self.free_misused(start, local, span),
        }
    }

    /// The record behind an address of the first region. The comparison sends null and every foreign pointer away in one branch.
    #[inline(always)]
    pub(crate) fn span_in_first_region(&self, address: usize) -> Option<SpanRef> {
        let offset = address.wrapping_sub(self.settled.slices_start());
        if offset >= self.reach.hit_bytes.load(Ordering::Relaxed) {
            return None;
        }
        Some(self.named(offset))
    }

    /// As [`Allocator::span_in_first_region`], whatever the hit path was told.
    pub(crate) fn span_of(&self, address: usize) -> Option<SpanRef> {
        let offset = address.wrapping_sub(self.settled.slices_start());
        (offset < self.reach.bytes.load(Ordering::Relaxed)).then(|| self.named(offset))
    }

    /// The record behind a committed slice of the first region.
    #[inline(always)]
    fn named(&self, offset: usize) -> SpanRef {
        let page_map = self.settled.page_map();
        // SAFETY: the slice is committed, so its entry is (R2).
        let entry = unsafe { page_map.add(offset >> SLICE_SHIFT) };
        // SAFETY: as above.
        let record = unsafe { &*entry }.load(Ordering::Relaxed);
        // SAFETY: entries of committed slices name records (R3).
        unsafe { SpanRef::from_raw(record) }
    }

    pub(crate) fn secret(&self) -> Secret {
        self.settled.secret()
    }

    /// What canaries are made of.
    pub(crate) fn canary_secret(&self) -> u64 {
        self.settled.canary()
    }

    pub(crate) fn checks(&self) -> Checks {
        self.settled.checks()
    }

    /// Whether every call is looked at. Known once there is a block, and for good: see [`Checks`].
    #[inline(always)]
    pub fn checks_any(&self) -> bool {
        self.settled.checks_any()
    }

    /// Tells the hit path what the first region covers now.
    pub(crate) fn publish(&self, space: &Space) {
        let Some(region) = space.first_region() else {
            return;
        };
        if self.settled.page_map().is_null() {
            self.settled.settle_region(region.slices_start().as_ptr().addr(), region.page_map().as_ptr());
        }
        let bytes = region.slices_committed_bytes();
        self.reach.bytes.store(bytes, Ordering::Release);
        if !self.checks_any() {
            self.reach.hit_bytes.store(bytes, Ordering::Release);
        }
    }

    pub(crate) fn mapper(&self) -> &M {
        &self.mapper
    }

    pub(crate) fn space(&self) -> Ranked<'_, Space> {
        Ranked::new(&self.space, [Some(&self.guards), None])
    }

    pub(crate) fn pool(&self) -> Ranked<'_, Pool> {
        Ranked::new(&self.pool, [Some(&self.space), Some(&self.guards)])
    }

    /// How often a thread was refused because another one forks: see [`Lock::lock`].
    pub(crate) fn refusals(&self) -> usize {
        self.pool.refusals().wrapping_add(self.space.refusals()).wrapping_add(self.guards.refusals())
    }

    /// Whether threads are being refused because another one forks.
    pub(crate) fn is_stalled(&self) -> bool {
        self.pool.is_stalled() || self.space.is_stalled() || self.guards.is_stalled()
    }

    /// Heaps of threads that ended beside a fork, linked as pooled ones are.
    pub(crate) fn abandoned(&self) -> &AtomicPtr<Bins> {
        &self.abandoned
    }

    pub(crate) fn emergency(&self) -> &Emergency {
        &self.emergency
    }

    pub(crate) fn empty(&self) -> &EmptyBlocks {
        &self.empty
    }

    pub(crate) fn guards(&self) -> &Lock<Guards> {
        &self.guards
    }

    pub(crate) fn guard_range(&self) -> &GuardRange {
        &self.guard_range
    }

    /// The allocator starts: from here on there is a secret, and what is checked is settled.
    pub(crate) fn settle(&self, secret: Secret, canary: u64, checks: Checks) {
        self.settled.settle(secret, canary, checks);
    }

    /// What is settled is protected as the thread's allocator may be.
    pub(crate) fn seal<L: Local>(&self, local: L) {
        // SAFETY: an allocator of which any page may be sealed lives as long as the process; A1.
        unsafe { self.settled.seal(self.mapper(), local.sealing()) };
    }

    /// Changes what a user may set; false for a signal handler that interrupted the allocator.
    pub fn tune<L: Local>(&self, local: L, change: impl FnOnce(&mut Tunables)) -> bool {
        let Some(mut space) = self.space.lock_patiently(local.id()) else {
            return false;
        };
        change(space.tunables());
        true
    }

    /// The bins that a thread without a heap reads.
    pub(crate) const NO_BINS: NonNull<Bins> = NonNull::from_ref(&EMPTY_BINS);
}
