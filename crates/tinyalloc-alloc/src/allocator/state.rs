//! The allocator's state, what every layer above reads of it, and the part of the hit paths that
//! calls nothing.

use core::mem::offset_of;
use core::ptr::{NonNull, null_mut};
use core::str::from_utf8;
use core::sync::atomic::{AtomicBool, AtomicPtr, AtomicU32, AtomicU64, AtomicUsize, Ordering};

use tinyalloc_sys::Mapper;

use super::emergency::Emergency;
use super::read_only_state::ReadOnlyState;
use super::thread_context::ThreadContext;
use super::tokens::{Routes, Tokens};
use crate::config::tunables::Tunables;
use crate::hardening::guard::{GuardRange, Guards};
use crate::hardening::hardening_policy::HardeningPolicy;
use crate::hardening::zero_size::ZeroSizeBlocks;
use crate::heap::heap_record::HeapOptions;
use crate::profile::Profile;
use crate::report::heap_name::HeapName;
use crate::space::Space;
use crate::span::bins::{Bins, EMPTY_BINS};
use crate::span::class::{SLICE_SHIFT, SizeClass};
use crate::span::slot::Secret;
use crate::span::span_ref::SpanRef;
use crate::support::fields::{Field, fields};
use crate::support::index::index_of;
use crate::support::lock::{Lock, Ranked, Ranking, ThreadId};
use crate::support::pointer::pointer_to;
use crate::thread_heap::pool::Pool;

/// How many bytes of the first region's slices are committed: what every free reads besides the
/// read-only state, on a cache line that changes only when the region grows. Where every call is to
/// be checked, the hit path knows no slice at all, so that it finds nothing.
#[repr(C, align(64))]
struct Reach {
    hit_bytes: AtomicUsize,
    bytes: AtomicUsize,
    are_nodes_several: AtomicBool,
}

/// One allocator: the global heap of a process, say. Lives in a `static`, or as long as every block
/// it gave out.
///
/// Locks are taken in this order: profile, pool, space, guards.
#[repr(C)]
pub struct Allocator<M> {
    reach: Reach,
    mapper: M,
    guard_range: GuardRange,
    pool: Lock<Pool>,
    guards: Lock<Guards>,
    zero_size: ZeroSizeBlocks,
    abandoned: AtomicPtr<Bins>,
    attached: AtomicUsize,
    epochs: AtomicU32,
    interval: AtomicUsize,
    profile_bins: AtomicPtr<Bins>,
    lost_samples: AtomicUsize,
    lost_frees: AtomicUsize,
    draws: AtomicU64,
    profiled: AtomicU64,
    profile: Lock<Profile>,
    emergency: Emergency,
    // The largest comes here, with what is always touched first: a small process touches one page
    // of all this, and the one behind it.
    space: Lock<Space>,
    // At the end of what the program's file is mapped for: protecting it splits one mapping in two,
    // not in three.
    read_only: ReadOnlyState,
}

impl<M: Mapper> Allocator<M> {
    /// An allocator that has asked the system for nothing yet.
    pub const fn new(mapper: M) -> Allocator<M> {
        Allocator {
            read_only: ReadOnlyState::new(),
            reach: Reach {
                hit_bytes: AtomicUsize::new(0),
                bytes: AtomicUsize::new(0),
                are_nodes_several: AtomicBool::new(false),
            },
            mapper,
            guard_range: GuardRange::new(),
            guards: Lock::new(Guards::new()),
            zero_size: ZeroSizeBlocks::new(),
            space: Lock::new(Space::new()),
            pool: Lock::new(Pool::new()),
            abandoned: AtomicPtr::new(null_mut()),
            attached: AtomicUsize::new(0),
            epochs: AtomicU32::new(0),
            interval: AtomicUsize::new(0),
            profile_bins: AtomicPtr::new(null_mut()),
            lost_samples: AtomicUsize::new(0),
            lost_frees: AtomicUsize::new(0),
            draws: AtomicU64::new(0),
            profiled: AtomicU64::new(0),
            profile: Lock::new(Profile::new()),
            emergency: Emergency::new(),
        }
    }

    /// The bins that a thread without a heap reads.
    pub(crate) const NO_BINS: NonNull<Bins> = pointer_to(&EMPTY_BINS);
}

/// The hit paths' parts.
impl<M: Mapper> Allocator<M> {
    /// This allocator, by the address that the thread has at hand.
    #[inline(always)]
    pub(crate) fn near<C: ThreadContext>(&self, context: C) -> &Allocator<M> {
        match context.allocator() {
            // SAFETY: what an implementor promises.
            Some(address) => unsafe { address.cast().as_ref() },
            None => self,
        }
    }

    #[inline(always)]
    pub(crate) fn take_slot<C: ThreadContext>(&self, context: C, class: SizeClass) -> Option<NonNull<u8>> {
        self.take_slot_of(context.bins(), class)
    }

    #[inline(always)]
    pub(crate) fn take_slot_of(&self, bins: NonNull<Bins>, class: SizeClass) -> Option<NonNull<u8>> {
        self.take_slot_with(bins, class, self.read_only.hit_secret())
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
        // SAFETY: the signature holds.
        bin.set(unsafe { slot.next_unchecked() });
        slot.unsign();
        Some(slot.start())
    }

    /// As [`Allocator::allocate`], but only if a free slot lies ready. What it cannot serve,
    /// [`Allocator::allocate_slow`] can.
    #[inline(always)]
    pub fn allocate_hit<C: ThreadContext>(&self, context: C, bytes: usize) -> Option<NonNull<u8>> {
        self.take_slot(context, SizeClass::at_hand(bytes)?)
    }

    /// The record behind an address of the first region. The comparison sends null and every
    /// foreign pointer away in one branch.
    #[inline(always)]
    pub(crate) fn span_in_first_region(&self, address: usize) -> Option<SpanRef> {
        let offset = address.wrapping_sub(self.read_only.slices_start());
        if offset >= self.reach.hit_bytes.load(Ordering::Relaxed) {
            return None;
        }
        Some(self.named(offset))
    }

    /// As [`Allocator::span_in_first_region`], whatever the hit path knows.
    pub(crate) fn span_of(&self, address: usize) -> Option<SpanRef> {
        let offset = address.wrapping_sub(self.read_only.slices_start());
        (offset < self.reach.bytes.load(Ordering::Relaxed)).then(|| self.named(offset))
    }

    /// The record behind a committed slice of the first region.
    #[inline(always)]
    fn named(&self, offset: usize) -> SpanRef {
        let page_map = self.read_only.page_map();
        // SAFETY: the slice is committed, so its entry is (R2).
        let entry = unsafe { page_map.add(index_of(offset, SLICE_SHIFT)) };
        // SAFETY: as above.
        let record = unsafe { &*entry }.load(Ordering::Relaxed);
        // SAFETY: entries of committed slices name records (R3).
        unsafe { SpanRef::from_raw(record) }
    }
}

/// What the layers above read.
impl<M: Mapper> Allocator<M> {
    /// What slots are signed with, for the hit path.
    #[inline(always)]
    pub(crate) fn hit_secret(&self) -> Secret {
        self.read_only.hit_secret()
    }

    pub(crate) fn secret(&self) -> Secret {
        self.read_only.secret()
    }

    /// What canaries are made of.
    pub(crate) fn canary_secret(&self) -> u64 {
        self.read_only.canary()
    }

    /// What is done beyond the default.
    #[inline(always)]
    pub(crate) fn policy(&self) -> HardeningPolicy {
        self.read_only.policy()
    }

    /// Whether every call is looked at. Known once there is a block, and for good: see
    /// [`crate::Checks`].
    #[inline(always)]
    pub fn checks_any(&self) -> bool {
        self.read_only.checks_any()
    }

    /// How requests with a token are divided.
    #[inline(always)]
    pub(crate) fn tokens(&self) -> Tokens {
        self.read_only.tokens()
    }

    /// The heaps of partitions.
    #[inline(always)]
    pub(crate) fn routes(&self) -> &Routes {
        self.read_only.routes()
    }

    pub(crate) fn mapper(&self) -> &M {
        &self.mapper
    }

    pub(crate) fn space(&self) -> Ranked<'_, Allocator<M>, Space> {
        Ranked::new(self)
    }

    pub(crate) fn pool(&self) -> Ranked<'_, Allocator<M>, Pool> {
        Ranked::new(self)
    }

    pub(crate) fn profile(&self) -> Ranked<'_, Allocator<M>, Profile> {
        Ranked::new(self)
    }

    /// The lock of the profile, whatever the thread is inside: for the child of a fork.
    pub(crate) fn profile_lock(&self) -> &Lock<Profile> {
        &self.profile
    }

    /// Bytes to a sample, 0 if there are none.
    pub(crate) fn interval(&self) -> &AtomicUsize {
        &self.interval
    }

    /// The bins of the heap of sampled blocks, if there is one. The lock of the profile is held to
    /// change them.
    pub(crate) fn profile_bins(&self) -> &AtomicPtr<Bins> {
        &self.profile_bins
    }

    /// Samples that did not get to the profile.
    pub(crate) fn lost_samples(&self) -> &AtomicUsize {
        &self.lost_samples
    }

    /// Frees of sampled blocks that the profile does not know of.
    pub(crate) fn lost_frees(&self) -> &AtomicUsize {
        &self.lost_frees
    }

    /// The live bytes that the profile estimates.
    pub(crate) fn profiled(&self) -> &AtomicU64 {
        &self.profiled
    }

    /// What large blocks are drawn by.
    pub(crate) fn draws(&self) -> &AtomicU64 {
        &self.draws
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

    /// How many threads have a heap, about.
    pub(crate) fn attached(&self) -> &AtomicUsize {
        &self.attached
    }

    /// How many epochs began.
    pub(crate) fn epochs(&self) -> &AtomicU32 {
        &self.epochs
    }

    pub(crate) fn emergency(&self) -> &Emergency {
        &self.emergency
    }

    pub(crate) fn zero_size(&self) -> &ZeroSizeBlocks {
        &self.zero_size
    }

    pub(crate) fn guards(&self) -> &Lock<Guards> {
        &self.guards
    }

    pub(crate) fn guard_range(&self) -> &GuardRange {
        &self.guard_range
    }
}

/// The order of the locks.
impl<M> Ranking<Profile> for Allocator<M> {
    fn ranked(&self) -> &Lock<Profile> {
        &self.profile
    }

    fn is_inside_later(&self, thread: ThreadId) -> bool {
        self.pool.is_inside(thread) || self.space.is_inside(thread) || self.guards.is_inside(thread)
    }

    #[cold]
    fn wake_overlooked_later(&self) {
        self.pool.wake_overlooked();
        self.space.wake_overlooked();
        self.guards.wake_overlooked();
    }
}

impl<M> Ranking<Pool> for Allocator<M> {
    fn ranked(&self) -> &Lock<Pool> {
        &self.pool
    }

    fn is_inside_later(&self, thread: ThreadId) -> bool {
        self.space.is_inside(thread) || self.guards.is_inside(thread)
    }

    #[cold]
    fn wake_overlooked_later(&self) {
        self.space.wake_overlooked();
        self.guards.wake_overlooked();
    }
}

impl<M> Ranking<Space> for Allocator<M> {
    fn ranked(&self) -> &Lock<Space> {
        &self.space
    }

    fn is_inside_later(&self, thread: ThreadId) -> bool {
        self.guards.is_inside(thread)
    }

    #[cold]
    fn wake_overlooked_later(&self) {
        self.guards.wake_overlooked();
    }
}

/// Starting.
impl<M: Mapper> Allocator<M> {
    /// The allocator starts: from here on there is a secret, and the policy is fixed.
    pub(crate) fn fix_policy(&self, secret: Secret, canary: u64, policy: HardeningPolicy) {
        self.read_only.fix_policy(secret, canary, policy);
    }

    /// Tells the hit path what the first region covers now.
    #[cfg_attr(target_os = "linux", unsafe(link_section = ".text"))]
    pub(crate) fn publish(&self, space: &Space) {
        let Some(region) = space.first_region() else {
            return;
        };
        if self.read_only.page_map().is_null() {
            self.read_only.fix_region(region.slices_start().as_ptr().addr(), region.page_map().as_ptr());
        }
        self.reach.are_nodes_several.store(space.are_nodes_several(), Ordering::Relaxed);
        let bytes = region.slices_committed_bytes();
        self.reach.bytes.store(bytes, Ordering::Release);
        if !self.checks_any() {
            self.reach.hit_bytes.store(bytes, Ordering::Release);
        }
    }

    /// Whether threads of this process were seen on several nodes of memory.
    pub(crate) fn are_nodes_several(&self) -> bool {
        self.reach.are_nodes_several.load(Ordering::Relaxed)
    }

    /// Protects the read-only state as the thread's allocator may be.
    pub(crate) fn seal<C: ThreadContext>(&self, context: C) {
        // SAFETY: an allocator of which any page may be sealed lives as long as the process; A1.
        unsafe { self.read_only.seal(self.mapper(), context.seal_policy()) };
    }

    /// Makes sure that there is a region, and a secret.
    #[cfg_attr(target_os = "linux", unsafe(link_section = ".text"))]
    pub(crate) fn start<C: ThreadContext>(&self, context: C, space: &mut Space) -> Option<()> {
        if self.secret().is_none() {
            context.configure(space.tunables());
            let policy = HardeningPolicy::new(space.tunables().checks);
            self.read_only.fix_tokens(Tokens::new(space.tunables().partitions, space.tunables().tokens));
            let canary = if policy.has_canaries() { self.mapper().random() } else { 0 };
            self.fix_policy(Secret::new(self.mapper().random()), canary, policy);
        }
        space.start(self.mapper(), self.policy().has_canaries())?;
        self.open_partitions(space)?;
        if let Some(slots) = space.emergency() {
            // Known to the hit path first: a signal handler may ask for the size of the slot it
            // gets.
            self.publish(space);
            self.emergency().set_slots(slots);
            self.seal(context);
        }
        Some(())
    }

    /// Makes the heaps of partitions, if there are to be any.
    #[cfg_attr(target_os = "linux", unsafe(link_section = ".text"))]
    fn open_partitions(&self, space: &mut Space) -> Option<()> {
        let tokens = self.tokens();
        if !tokens.count() {
            return Some(());
        }
        self.routes().open(tokens, |partition| {
            let mut name = *b"partition 0";
            name[10] += partition.number();
            let name = HeapName::new(from_utf8(&name).unwrap_or_default());
            let options = HeapOptions { name, ..HeapOptions::default() };
            space.new_partition(self.mapper(), partition, &options, self.policy())
        })
    }

    /// Whether every call is to be checked: known once the allocator has started, and so it does.
    #[cfg_attr(target_os = "linux", unsafe(link_section = ".text"))]
    pub(crate) fn checks_all<C: ThreadContext>(&self, context: C) -> bool {
        if self.secret().is_none() {
            if let Some(mut space) = self.space().lock(context.id()) {
                let _ = self.start(context, &mut space);
            }
        }
        self.policy().checks_frees()
    }

    /// Changes what a user may set; false for a signal handler that interrupted the allocator.
    pub fn tune<C: ThreadContext>(&self, context: C, change: impl FnOnce(&mut Tunables)) -> bool {
        let Some(mut space) = self.space.lock_patiently(context.id()) else {
            return false;
        };
        change(space.tunables());
        true
    }
}

/// For debuggers.
impl<M> Allocator<M> {
    pub(crate) const FIELDS: &'static [Field] = fields!("allocator", Allocator<M>: read_only guard_range zero_size);
    pub(crate) const NUMBERS: &'static [Field] = &[
        ("allocator.space", offset_of!(Allocator<M>, space) + Lock::<Space>::VALUE_AT),
        ("allocator.space_holder", offset_of!(Allocator<M>, space) + Lock::<Space>::HOLDER_AT),
        ("allocator.guards", offset_of!(Allocator<M>, guards) + Lock::<Guards>::VALUE_AT),
        ("allocator.profile", offset_of!(Allocator<M>, profile) + Lock::<Profile>::VALUE_AT + Profile::TABLES_AT),
    ];
}
