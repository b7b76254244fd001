//! The allocator: which heap, and is it small, large or huge?

use core::cell::Cell;
use core::ptr::{NonNull, null};
use core::sync::atomic::{AtomicPtr, AtomicUsize, Ordering};

use tinyalloc_sys::Mapper;

use crate::bins::{Bins, EMPTY_BINS};
use crate::checked::Wish;
use crate::checks::Checks;
use crate::class::{SLICE_SHIFT, SizeClass};
use crate::emergency::Emergency;
use crate::empty::EmptyBlocks;
use crate::guard::{GuardRange, Guards};
use crate::local::Local;
use crate::lock::Lock;
use crate::pool::Pool;
use crate::slot::Secret;
use crate::space::Space;
use crate::span::{Freed, Span, SpanRef};
use crate::tunables::Tunables;

/// What every free reads: one cache line.
///
/// Invariant A1: the cells are set once, under the lock of the space, before any block exists; only `slices_bytes` changes later, when
/// the first region grows. (Plain cells, because compilers do not fold an atomic load into the instruction that uses it.)
#[repr(C, align(64))]
struct Hot {
    slices_start: Cell<usize>,
    slices_bytes: AtomicUsize,
    page_map: Cell<*const AtomicPtr<Span>>,
    secret: Cell<Secret>,
}

// SAFETY: A1.
unsafe impl Sync for Hot {}

/// What the slow paths read: as [`Hot`], but always true. Where every call is to be checked, the hit path is told another secret, and of no
/// slice at all, so that it finds nothing.
///
/// Invariant A2: as A1; `slices_bytes` changes as that of [`Hot`] does.
struct Cold {
    secret: Cell<Secret>,
    checks: Cell<Checks>,
    canary: Cell<u64>,
    slices_bytes: AtomicUsize,
}

// SAFETY: A2.
unsafe impl Sync for Cold {}

/// One allocator: the global heap of a process, say. Lives in a `static`, or as long as every block it gave out.
///
/// Locks are taken in this order: pool, space.
#[repr(C)]
pub struct Allocator<M> {
    hot: Hot,
    cold: Cold,
    mapper: M,
    guard_range: GuardRange,
    pool: Lock<Pool>,
    guards: Lock<Guards>,
    empty: EmptyBlocks,
    emergency: Emergency,
    // The largest comes last, with what is always touched first: a small process touches one page of all this.
    space: Lock<Space>,
}

impl<M: Mapper> Allocator<M> {
    /// An allocator that has asked the system for nothing yet.
    pub const fn new(mapper: M) -> Allocator<M> {
        Allocator {
            hot: Hot {
                slices_start: Cell::new(0),
                slices_bytes: AtomicUsize::new(0),
                page_map: Cell::new(null()),
                secret: Cell::new(Secret::NONE),
            },
            cold: Cold {
                secret: Cell::new(Secret::NONE),
                checks: Cell::new(Checks::NONE),
                canary: Cell::new(0),
                slices_bytes: AtomicUsize::new(0),
            },
            mapper,
            guard_range: GuardRange::new(),
            guards: Lock::new(Guards::new()),
            empty: EmptyBlocks::new(),
            space: Lock::new(Space::new()),
            pool: Lock::new(Pool::new()),
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
            && let Some(start) = self.allocate_nothing(local)
        {
            return Some(start);
        }
        if self.checks_all(local) {
            return self.allocate_checked(local, Wish::new(bytes));
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
        self.take_slot_with(bins, class, self.hot.secret.get())
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
        match span.free_local(start, self.hot.secret.get()) {
            Freed::Quiet => {}
            Freed::CreditSpent => self.free_settle(local, span),
            Freed::Sealed | Freed::NotASlot => self.free_misused(start, local, span),
        }
    }

    /// The record behind an address of the first region. The comparison sends null and every foreign pointer away in one branch.
    #[inline(always)]
    pub(crate) fn span_in_first_region(&self, address: usize) -> Option<SpanRef> {
        let offset = address.wrapping_sub(self.hot.slices_start.get());
        if offset >= self.hot.slices_bytes.load(Ordering::Relaxed) {
            return None;
        }
        Some(self.named(offset))
    }

    /// As [`Allocator::span_in_first_region`], whatever the hit path was told.
    pub(crate) fn span_of(&self, address: usize) -> Option<SpanRef> {
        let offset = address.wrapping_sub(self.hot.slices_start.get());
        (offset < self.cold.slices_bytes.load(Ordering::Relaxed)).then(|| self.named(offset))
    }

    /// The record behind a committed slice of the first region.
    #[inline(always)]
    fn named(&self, offset: usize) -> SpanRef {
        let page_map = self.hot.page_map.get();
        // SAFETY: the slice is committed, so its entry is (R2).
        let entry = unsafe { page_map.add(offset >> SLICE_SHIFT) };
        // SAFETY: as above.
        let record = unsafe { &*entry }.load(Ordering::Relaxed);
        // SAFETY: entries of committed slices name records (R3).
        unsafe { SpanRef::from_raw(record) }
    }

    pub(crate) fn secret(&self) -> Secret {
        self.cold.secret.get()
    }

    /// What canaries are made of.
    pub(crate) fn canary_secret(&self) -> u64 {
        self.cold.canary.get()
    }

    pub(crate) fn checks(&self) -> Checks {
        self.cold.checks.get()
    }

    /// Tells the hit path what the first region covers now.
    pub(crate) fn publish(&self, space: &Space) {
        let Some(region) = space.first_region() else {
            return;
        };
        if self.hot.page_map.get().is_null() {
            self.hot.slices_start.set(region.slices_start().as_ptr().addr());
            self.hot.page_map.set(region.page_map().as_ptr());
        }
        let bytes = region.slices_committed_bytes();
        self.cold.slices_bytes.store(bytes, Ordering::Release);
        if !self.checks().any() {
            self.hot.slices_bytes.store(bytes, Ordering::Release);
        }
    }

    pub(crate) fn mapper(&self) -> &M {
        &self.mapper
    }

    pub(crate) fn space(&self) -> &Lock<Space> {
        &self.space
    }

    pub(crate) fn pool(&self) -> &Lock<Pool> {
        &self.pool
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
        self.cold.canary.set(canary);
        self.cold.secret.set(secret);
        self.cold.checks.set(checks);
        self.hot.secret.set(if checks.any() { secret.other() } else { secret });
    }

    /// Changes what a user may set; false for a signal handler that interrupted the allocator.
    pub fn tune<L: Local>(&self, local: L, change: impl FnOnce(&mut Tunables)) -> bool {
        let Some(mut space) = self.space.lock(local.id()) else {
            return false;
        };
        change(space.tunables());
        true
    }

    /// The bins that a thread without a heap reads.
    pub(crate) const NO_BINS: NonNull<Bins> = NonNull::from_ref(&EMPTY_BINS);
}
