//! What the engine's tests share: threads that are actors, mappers with limits, and a world that
//! cleans up after itself.
#![allow(dead_code, reason = "every test uses a part of it")]
#![allow(clippy::disallowed_types, clippy::unwrap_used, reason = "tests may allocate and give up")]
#![allow(clippy::cast_possible_truncation, reason = "the numbers are small")]
#![allow(unreachable_pub, reason = "every test is a crate of its own")]

pub mod model;

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::ffi::CStr;
use std::ops::{Deref, Range};
use std::ptr::{NonNull, null};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize, Ordering};

use tinyalloc_alloc::{Allocator, Bins, EMPTY_BINS, HeapTable, Misuse, Mode, SealPolicy, ThreadContext, ThreadId};
use tinyalloc_sys::{CountingMapper, FailingMapper, MapError, Mapper, Placement, Protection, SystemMapper};

pub const MIB: usize = 1024 * 1024;
/// Plenty for one test, and little enough for thousands of them.
pub const ADDRESS_SPACE_BYTES: usize = 8 * 1024 * MIB;

/// A thread as the engine sees it; several of them may take turns on one thread of the system.
#[derive(Clone, Copy)]
pub struct Actor(&'static ActorState);

struct ActorState {
    bins: Cell<NonNull<Bins>>,
    heap_table: Cell<*const HeapTable>,
    mode: Cell<Mode>,
    visits: Cell<usize>,
    id: ThreadId,
    armed: Cell<usize>,
    seal_policy: Cell<SealPolicy>,
    misuses: RefCell<Vec<Misuse>>,
    caller: Cell<usize>,
}

impl Actor {
    pub fn new() -> Actor {
        static IDS: AtomicUsize = AtomicUsize::new(1);
        Actor(Box::leak(Box::new(ActorState {
            bins: Cell::new(NonNull::from(&EMPTY_BINS)),
            heap_table: Cell::new(null()),
            mode: Cell::new(Mode::Unattached),
            visits: Cell::new(usize::MAX),
            id: ThreadId(IDS.fetch_add(1, Ordering::Relaxed) * 16),
            armed: Cell::new(0),
            seal_policy: Cell::new(SealPolicy::Writable),
            misuses: RefCell::default(),
            caller: Cell::new(0),
        })))
    }

    /// A thread that can tell how often it borrowed a heap.
    pub fn visiting() -> Actor {
        let actor = Actor::new();
        actor.0.visits.set(0);
        actor
    }

    /// What was reported since the last call.
    pub fn misuses(self) -> Vec<Misuse> {
        self.0.misuses.take()
    }

    /// What calls from here on, as traces tell.
    pub fn call_from(self, caller: usize) {
        self.0.caller.set(caller);
    }

    pub fn times_armed(self) -> usize {
        self.0.armed.get()
    }

    /// What becomes of the read-only state of its worlds, from now on.
    pub fn seal(self, seal_policy: SealPolicy) {
        self.0.seal_policy.set(seal_policy);
    }
}

// SAFETY: an actor is not `Send`, so its tls is used by one thread; it starts as asked and holds
// what was set. Worlds never free their allocators.
unsafe impl ThreadContext for Actor {
    fn bins(self) -> NonNull<Bins> {
        self.0.bins.get()
    }

    fn set_bins(self, bins: NonNull<Bins>) {
        self.0.bins.set(bins);
    }

    fn heap_table(self) -> *const HeapTable {
        self.0.heap_table.get()
    }

    fn set_heap_table(self, heap_table: *const HeapTable) {
        self.0.heap_table.set(heap_table);
    }

    fn mode(self) -> Mode {
        self.0.mode.get()
    }

    fn set_mode(self, mode: Mode) {
        self.0.mode.set(mode);
    }

    fn visits(self) -> usize {
        self.0.visits.get()
    }

    fn set_visits(self, visits: usize) {
        self.set_mode(Mode::Unattached);
        self.0.visits.set(visits);
    }

    fn id(self) -> ThreadId {
        self.0.id
    }

    fn arm_detach(self) {
        self.0.armed.set(self.0.armed.get() + 1);
    }

    fn seal_policy(self) -> SealPolicy {
        self.0.seal_policy.get()
    }

    fn trace(self, callers: &mut [usize]) {
        callers[0] = self.0.caller.get();
    }

    fn report(self, misuse: Misuse) {
        self.0.misuses.borrow_mut().push(misuse);
    }
}

/// The system's mapper within limits, with a clock that tests set; knows what is mapped, so that a
/// test can return it.
#[derive(Debug)]
pub struct LimitedMapper {
    pub address_space_bytes: usize,
    pub reserve_bytes_max: usize,
    /// At least the system's. Whole pages of that size alone may be asked for.
    page_bytes: usize,
    pub milliseconds: AtomicU64,
    /// What the allocator takes for random.
    pub random: AtomicU64,
    /// Ranges of several pages are decommitted by half and then refused, as if a page in the middle
    /// were locked.
    pub decommits_half: AtomicBool,
    /// Where the thread runs, and what nodes there are, a bit each.
    pub node: AtomicU32,
    pub nodes: AtomicU64,
    placements: Mutex<Vec<(Range<usize>, Placement)>>,
    mapped: Mutex<BTreeMap<usize, usize>>,
    /// If names are shown, which were given to what.
    names: Mutex<Option<Vec<(usize, usize, String)>>>,
}

impl LimitedMapper {
    pub fn new(address_space_bytes: usize, reserve_bytes_max: usize, page_bytes: usize) -> LimitedMapper {
        LimitedMapper {
            address_space_bytes,
            reserve_bytes_max,
            page_bytes: page_bytes.max(SystemMapper.page_bytes()),
            milliseconds: AtomicU64::new(1_000_000),
            random: AtomicU64::new(0x0123_4567_89ab_cdef),
            decommits_half: AtomicBool::new(false),
            node: AtomicU32::new(0),
            nodes: AtomicU64::new(1),
            placements: Mutex::default(),
            mapped: Mutex::default(),
            names: Mutex::default(),
        }
    }

    /// Mappings may have names, from now on.
    pub fn show_names(&self, is_on: bool) {
        *self.names.lock().unwrap() = is_on.then(Vec::new);
    }

    /// The names given since the last call, each with the range.
    pub fn take_names(&self) -> Vec<(usize, usize, String)> {
        self.names.lock().unwrap().as_mut().map(std::mem::take).unwrap_or_default()
    }

    /// Where the page at an address is to come from, by the last call about it.
    pub fn placement(&self, address: usize) -> Option<Placement> {
        let placements = self.placements.lock().unwrap();
        placements.iter().rev().find(|(range, _)| range.contains(&address)).map(|(_, placement)| *placement)
    }

    /// Ranges mapped and not released.
    pub fn mappings(&self) -> usize {
        self.mapped.lock().unwrap().len()
    }

    fn check_pages(&self, start: NonNull<u8>, bytes: usize) {
        let is_whole = start.addr().get() % self.page_bytes == 0 && bytes % self.page_bytes == 0;
        assert!(is_whole, "{start:?} and {bytes} bytes are whole pages of {}", self.page_bytes);
    }

    fn note(&self, start: NonNull<u8>, bytes: usize) {
        let mut mapped = self.mapped.lock().unwrap();
        let address = start.addr().get();
        if let Some((before, bytes)) = mapped.range(..=address).next_back() {
            assert!(before + bytes <= address, "a mapping was handed out twice");
        }
        mapped.insert(address, bytes);
    }

    fn forget(&self, start: NonNull<u8>, bytes: usize) {
        let known = self.mapped.lock().unwrap().remove(&start.addr().get());
        assert_eq!(known, Some(bytes), "a mapping is released whole, and once");
    }

    fn release_all(&self) {
        for (address, bytes) in std::mem::take(&mut *self.mapped.lock().unwrap()) {
            let start = NonNull::new(std::ptr::with_exposed_provenance_mut(address)).unwrap();
            // SAFETY: the world ends; no thread uses its memory any more.
            unsafe { SystemMapper.release(start, bytes) }.unwrap();
        }
    }
}

// SAFETY: as `SystemMapper`.
unsafe impl Mapper for LimitedMapper {
    const RECOMMITS: bool = SystemMapper::RECOMMITS;
    const REMAPS: bool = SystemMapper::REMAPS;

    fn page_bytes(&self) -> usize {
        self.page_bytes
    }

    fn address_space_bytes(&self) -> usize {
        self.address_space_bytes
    }

    fn reserve(&self, bytes: usize, align: usize) -> Result<NonNull<u8>, MapError> {
        if bytes > self.reserve_bytes_max {
            return Err(MapError::OutOfMemory);
        }
        let start = SystemMapper.reserve(bytes, align.max(self.page_bytes))?;
        self.check_pages(start, bytes);
        start.as_ptr().expose_provenance();
        self.note(start, bytes);
        Ok(start)
    }

    fn map(&self, bytes: usize, align: usize) -> Result<NonNull<u8>, MapError> {
        let start = SystemMapper.map(bytes, align.max(self.page_bytes))?;
        self.check_pages(start, bytes);
        start.as_ptr().expose_provenance();
        self.note(start, bytes);
        Ok(start)
    }

    unsafe fn commit(&self, start: NonNull<u8>, bytes: usize) -> Result<(), MapError> {
        self.check_pages(start, bytes);
        // SAFETY: the caller's promise.
        unsafe { SystemMapper.commit(start, bytes) }
    }

    unsafe fn decommit(&self, start: NonNull<u8>, bytes: usize) -> Result<(), MapError> {
        self.check_pages(start, bytes);
        if self.decommits_half.load(Ordering::Relaxed) && bytes > self.page_bytes() {
            // SAFETY: the caller's promise.
            unsafe { SystemMapper.decommit(start, (bytes / 2).next_multiple_of(self.page_bytes())) }?;
            return Err(MapError::Unavailable);
        }
        // SAFETY: the caller's promise.
        unsafe { SystemMapper.decommit(start, bytes) }
    }

    unsafe fn prefer_huge_pages(&self, start: NonNull<u8>, bytes: usize, preferred: bool) -> Result<(), MapError> {
        self.check_pages(start, bytes);
        // SAFETY: the caller's promise.
        unsafe { SystemMapper.prefer_huge_pages(start, bytes, preferred) }
    }

    fn node(&self) -> u32 {
        self.node.load(Ordering::Relaxed)
    }

    fn nodes(&self) -> u64 {
        self.nodes.load(Ordering::Relaxed)
    }

    unsafe fn place(&self, start: NonNull<u8>, bytes: usize, placement: Placement) -> Result<(), MapError> {
        self.check_pages(start, bytes);
        let start = start.addr().get();
        self.placements.lock().unwrap().push((start..start + bytes, placement));
        Ok(())
    }

    unsafe fn trap(&self, start: NonNull<u8>, bytes: usize) -> Result<(), MapError> {
        self.check_pages(start, bytes);
        // SAFETY: the caller's promise.
        unsafe { SystemMapper.trap(start, bytes) }
    }

    unsafe fn trap_by_rights(&self, start: NonNull<u8>, bytes: usize) -> Result<(), MapError> {
        self.check_pages(start, bytes);
        // SAFETY: the caller's promise.
        unsafe { SystemMapper.trap_by_rights(start, bytes) }
    }

    unsafe fn untrap(&self, start: NonNull<u8>, bytes: usize) -> Result<(), MapError> {
        self.check_pages(start, bytes);
        // SAFETY: the caller's promise.
        unsafe { SystemMapper.untrap(start, bytes) }
    }

    unsafe fn protect(&self, start: NonNull<u8>, bytes: usize, protection: Protection) -> Result<(), MapError> {
        self.check_pages(start, bytes);
        // SAFETY: the caller's promise.
        unsafe { SystemMapper.protect(start, bytes, protection) }
    }

    /// Nothing is sealed in earnest: the process runs other tests as well.
    unsafe fn seal(&self, _start: NonNull<u8>, _bytes: usize) -> Result<(), MapError> {
        Ok(())
    }

    fn name(&self, start: NonNull<u8>, bytes: usize, name: &CStr) -> bool {
        let mut names = self.names.lock().unwrap();
        if let Some(names) = names.as_mut() {
            names.push((start.addr().get(), bytes, name.to_str().unwrap().to_owned()));
        }
        names.is_some()
    }

    unsafe fn release(&self, start: NonNull<u8>, bytes: usize) -> Result<(), MapError> {
        self.forget(start, bytes);
        // SAFETY: the caller's promise.
        unsafe { SystemMapper.release(start, bytes) }
    }

    unsafe fn remap(&self, start: NonNull<u8>, bytes: usize, new_bytes: usize) -> Result<NonNull<u8>, MapError> {
        self.check_pages(start, new_bytes);
        if new_bytes > bytes && self.page_bytes > SystemMapper.page_bytes() {
            // It could be moved to a page of the system's.
            return Err(MapError::Unavailable);
        }
        // SAFETY: the caller's promise.
        let moved = unsafe { SystemMapper.remap(start, bytes, new_bytes) }?;
        moved.as_ptr().expose_provenance();
        self.forget(start, bytes);
        self.note(moved, new_bytes);
        Ok(moved)
    }

    fn now_milliseconds(&self) -> u64 {
        self.milliseconds.load(Ordering::Relaxed)
    }

    fn random(&self) -> u64 {
        self.random.load(Ordering::Relaxed)
    }
}

/// A mapper that a world can be built on.
pub trait WorldMapper: Mapper + Sync + 'static {
    fn over(limited: LimitedMapper) -> Self;
    fn limited(&self) -> &LimitedMapper;
}

impl WorldMapper for LimitedMapper {
    fn over(limited: LimitedMapper) -> Self {
        limited
    }

    fn limited(&self) -> &LimitedMapper {
        self
    }
}

impl WorldMapper for FailingMapper<LimitedMapper> {
    fn over(limited: LimitedMapper) -> Self {
        FailingMapper::new(limited)
    }

    fn limited(&self) -> &LimitedMapper {
        self.inner()
    }
}

impl WorldMapper for CountingMapper<LimitedMapper> {
    fn over(limited: LimitedMapper) -> Self {
        CountingMapper::new(limited)
    }

    fn limited(&self) -> &LimitedMapper {
        self.inner()
    }
}

/// One allocator and its mapper. Both live as long as the program; their memory as long as the
/// world.
pub struct World<M: WorldMapper> {
    allocator: &'static Allocator<Shared<M>>,
    pub mapper: &'static M,
}

/// A mapper that another thread looks at as well.
pub struct Shared<M: 'static>(&'static M);

impl<M: WorldMapper> World<M> {
    pub fn new() -> World<M> {
        World::with_limits(ADDRESS_SPACE_BYTES, usize::MAX)
    }

    pub fn with_limits(address_space_bytes: usize, reserve_bytes_max: usize) -> World<M> {
        World::over(LimitedMapper::new(address_space_bytes, reserve_bytes_max, 0))
    }

    /// Of a system with pages of that size, if its own are smaller.
    pub fn with_pages(page_bytes: usize) -> World<M> {
        World::over(LimitedMapper::new(ADDRESS_SPACE_BYTES, usize::MAX, page_bytes))
    }

    fn over(limited: LimitedMapper) -> World<M> {
        let mapper: &'static M = Box::leak(Box::new(M::over(limited)));
        World { allocator: Box::leak(Box::new(Allocator::new(Shared(mapper)))), mapper }
    }

    pub fn allocator(&self) -> &'static Allocator<Shared<M>> {
        self.allocator
    }

    /// Time passes.
    pub fn wait(&self, milliseconds: u64) {
        self.mapper.limited().milliseconds.fetch_add(milliseconds, Ordering::Relaxed);
    }
}

impl<M: WorldMapper> Deref for World<M> {
    type Target = Allocator<Shared<M>>;

    fn deref(&self) -> &Self::Target {
        self.allocator
    }
}

impl<M: WorldMapper> Drop for World<M> {
    fn drop(&mut self) {
        self.mapper.limited().release_all();
    }
}

// SAFETY: as the mapper itself.
unsafe impl<M: Mapper> Mapper for Shared<M> {
    const RECOMMITS: bool = M::RECOMMITS;
    const LOCKED_BY_FORKS: bool = M::LOCKED_BY_FORKS;
    const REMAPS: bool = M::REMAPS;

    fn page_bytes(&self) -> usize {
        self.0.page_bytes()
    }

    fn address_space_bytes(&self) -> usize {
        self.0.address_space_bytes()
    }

    fn reserve(&self, bytes: usize, align: usize) -> Result<NonNull<u8>, MapError> {
        self.0.reserve(bytes, align)
    }

    fn map(&self, bytes: usize, align: usize) -> Result<NonNull<u8>, MapError> {
        self.0.map(bytes, align)
    }

    fn map_apart(&self, bytes: usize, align: usize) -> Result<NonNull<u8>, MapError> {
        self.0.map_apart(bytes, align)
    }

    unsafe fn commit(&self, start: NonNull<u8>, bytes: usize) -> Result<(), MapError> {
        // SAFETY: the caller's promise.
        unsafe { self.0.commit(start, bytes) }
    }

    unsafe fn decommit(&self, start: NonNull<u8>, bytes: usize) -> Result<(), MapError> {
        // SAFETY: the caller's promise.
        unsafe { self.0.decommit(start, bytes) }
    }

    unsafe fn prefer_huge_pages(&self, start: NonNull<u8>, bytes: usize, preferred: bool) -> Result<(), MapError> {
        // SAFETY: the caller's promise.
        unsafe { self.0.prefer_huge_pages(start, bytes, preferred) }
    }

    fn node(&self) -> u32 {
        self.0.node()
    }

    fn nodes(&self) -> u64 {
        self.0.nodes()
    }

    unsafe fn place(&self, start: NonNull<u8>, bytes: usize, placement: Placement) -> Result<(), MapError> {
        // SAFETY: the caller's promise.
        unsafe { self.0.place(start, bytes, placement) }
    }

    unsafe fn trap(&self, start: NonNull<u8>, bytes: usize) -> Result<(), MapError> {
        // SAFETY: the caller's promise.
        unsafe { self.0.trap(start, bytes) }
    }

    unsafe fn trap_by_rights(&self, start: NonNull<u8>, bytes: usize) -> Result<(), MapError> {
        // SAFETY: the caller's promise.
        unsafe { self.0.trap_by_rights(start, bytes) }
    }

    unsafe fn untrap(&self, start: NonNull<u8>, bytes: usize) -> Result<(), MapError> {
        // SAFETY: the caller's promise.
        unsafe { self.0.untrap(start, bytes) }
    }

    unsafe fn protect(&self, start: NonNull<u8>, bytes: usize, protection: Protection) -> Result<(), MapError> {
        // SAFETY: the caller's promise.
        unsafe { self.0.protect(start, bytes, protection) }
    }

    unsafe fn seal(&self, start: NonNull<u8>, bytes: usize) -> Result<(), MapError> {
        // SAFETY: the caller's promise.
        unsafe { self.0.seal(start, bytes) }
    }

    fn name(&self, start: NonNull<u8>, bytes: usize, name: &CStr) -> bool {
        self.0.name(start, bytes, name)
    }

    unsafe fn release(&self, start: NonNull<u8>, bytes: usize) -> Result<(), MapError> {
        // SAFETY: the caller's promise.
        unsafe { self.0.release(start, bytes) }
    }

    unsafe fn release_apart(&self, start: NonNull<u8>, bytes: usize) -> Result<(), MapError> {
        // SAFETY: the caller's promise.
        unsafe { self.0.release_apart(start, bytes) }
    }

    unsafe fn remap(&self, start: NonNull<u8>, bytes: usize, new_bytes: usize) -> Result<NonNull<u8>, MapError> {
        // SAFETY: the caller's promise.
        unsafe { self.0.remap(start, bytes, new_bytes) }
    }

    fn now_milliseconds(&self) -> u64 {
        self.0.now_milliseconds()
    }

    fn random(&self) -> u64 {
        self.0.random()
    }
}
