//! A mapper that refuses on demand.

use crate::call::Call;
use crate::mapper::{MapError, Mapper, Placement, Protection};
use core::ffi::CStr;
use core::ptr::NonNull;
use core::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// Passes calls on to another mapper, and refuses those that a test picks; switchable at any time
/// and from any thread.
///
/// Calls are counted over all kinds in [`Call`], from 1. Refused calls never reach the inner
/// mapper.
#[derive(Debug, Default)]
pub struct FailingMapper<M> {
    inner: M,
    calls: AtomicUsize,
    /// The number of the one call to refuse; 0 for none.
    refused_call: AtomicUsize,
    /// The number of the first call from which all are refused; 0 for none.
    refused_from: AtomicUsize,
    /// One bit for each kind to refuse.
    refused_kinds: AtomicUsize,
    unavailable: AtomicBool,
}

impl<M> FailingMapper<M> {
    /// Refuses nothing yet.
    pub const fn new(inner: M) -> Self {
        Self {
            inner,
            calls: AtomicUsize::new(0),
            refused_call: AtomicUsize::new(0),
            refused_from: AtomicUsize::new(0),
            refused_kinds: AtomicUsize::new(0),
            unavailable: AtomicBool::new(false),
        }
    }

    /// The mapper behind.
    pub fn inner(&self) -> &M {
        &self.inner
    }

    /// How many calls were made so far, refused ones included.
    pub fn calls(&self) -> usize {
        self.calls.load(Ordering::SeqCst)
    }

    /// Refuses one call: the `nth` from now, 1 being the next.
    pub fn fail_nth(&self, nth: usize) {
        self.refused_call.store(self.calls() + nth, Ordering::SeqCst);
    }

    /// Refuses every call from the `nth` from now on, 1 being the next.
    pub fn fail_from(&self, nth: usize) {
        self.refused_from.store(self.calls() + nth, Ordering::SeqCst);
    }

    /// Refuses every call of this kind, beside kinds already refused.
    pub fn fail_every(&self, kind: Call) {
        self.refused_kinds.fetch_or(1 << kind.index(), Ordering::SeqCst);
    }

    /// Which error refused calls report; [`MapError::OutOfMemory`] unless set.
    pub fn fail_with(&self, error: MapError) {
        self.unavailable.store(error == MapError::Unavailable, Ordering::SeqCst);
    }

    /// Refuses nothing any more.
    pub fn succeed(&self) {
        self.refused_call.store(0, Ordering::SeqCst);
        self.refused_from.store(0, Ordering::SeqCst);
        self.refused_kinds.store(0, Ordering::SeqCst);
    }

    fn admit(&self, kind: Call) -> Result<&M, MapError> {
        let number = self.calls.fetch_add(1, Ordering::SeqCst) + 1;
        let from = self.refused_from.load(Ordering::SeqCst);
        let refused = self.refused_call.load(Ordering::SeqCst) == number
            || (from != 0 && number >= from)
            || self.refused_kinds.load(Ordering::SeqCst) & (1 << kind.index()) != 0;
        match (refused, self.unavailable.load(Ordering::SeqCst)) {
            (false, _) => Ok(&self.inner),
            (true, false) => Err(MapError::OutOfMemory),
            (true, true) => Err(MapError::Unavailable),
        }
    }
}

// SAFETY: ranges come from the inner mapper, which promises the same.
unsafe impl<M: Mapper> Mapper for FailingMapper<M> {
    const RECOMMITS: bool = M::RECOMMITS;
    const LOCKED_BY_FORKS: bool = M::LOCKED_BY_FORKS;
    const REMAPS: bool = M::REMAPS;

    fn page_bytes(&self) -> usize {
        self.inner.page_bytes()
    }

    fn address_space_bytes(&self) -> usize {
        self.inner.address_space_bytes()
    }

    fn reserve(&self, bytes: usize, align: usize) -> Result<NonNull<u8>, MapError> {
        self.admit(Call::Reserve)?.reserve(bytes, align)
    }

    fn room(&self, bytes: usize, align: usize) -> Option<NonNull<u8>> {
        self.inner.room(bytes, align)
    }

    unsafe fn claim(&self, start: NonNull<u8>, bytes: usize) -> Result<(), MapError> {
        // SAFETY: the caller's promises are those of the inner mapper.
        unsafe { self.admit(Call::Claim)?.claim(start, bytes) }
    }

    fn map(&self, bytes: usize, align: usize) -> Result<NonNull<u8>, MapError> {
        self.admit(Call::Map)?.map(bytes, align)
    }

    fn map_apart(&self, bytes: usize, align: usize) -> Result<NonNull<u8>, MapError> {
        self.admit(Call::Map)?.map_apart(bytes, align)
    }

    unsafe fn commit(&self, start: NonNull<u8>, bytes: usize) -> Result<(), MapError> {
        // SAFETY: the caller's promises are those of the inner mapper.
        unsafe { self.admit(Call::Commit)?.commit(start, bytes) }
    }

    unsafe fn decommit(&self, start: NonNull<u8>, bytes: usize) -> Result<(), MapError> {
        // SAFETY: the caller's promises are those of the inner mapper.
        unsafe { self.admit(Call::Decommit)?.decommit(start, bytes) }
    }

    fn node(&self) -> u32 {
        self.inner.node()
    }

    fn nodes(&self) -> u64 {
        self.inner.nodes()
    }

    unsafe fn place(&self, start: NonNull<u8>, bytes: usize, placement: Placement) -> Result<(), MapError> {
        // SAFETY: the caller's promises are those of the inner mapper.
        unsafe { self.admit(Call::Advise)?.place(start, bytes, placement) }
    }

    unsafe fn prefer_huge_pages(&self, start: NonNull<u8>, bytes: usize, preferred: bool) -> Result<(), MapError> {
        // SAFETY: the caller's promises are those of the inner mapper.
        unsafe { self.admit(Call::Advise)?.prefer_huge_pages(start, bytes, preferred) }
    }

    unsafe fn trap(&self, start: NonNull<u8>, bytes: usize) -> Result<(), MapError> {
        // SAFETY: the caller's promises are those of the inner mapper.
        unsafe { self.admit(Call::Trap)?.trap(start, bytes) }
    }

    unsafe fn trap_by_rights(&self, start: NonNull<u8>, bytes: usize) -> Result<(), MapError> {
        // SAFETY: the caller's promises are those of the inner mapper.
        unsafe { self.admit(Call::Trap)?.trap_by_rights(start, bytes) }
    }

    unsafe fn untrap(&self, start: NonNull<u8>, bytes: usize) -> Result<(), MapError> {
        // SAFETY: the caller's promises are those of the inner mapper.
        unsafe { self.admit(Call::Untrap)?.untrap(start, bytes) }
    }

    unsafe fn protect(&self, start: NonNull<u8>, bytes: usize, protection: Protection) -> Result<(), MapError> {
        // SAFETY: the caller's promises are those of the inner mapper.
        unsafe { self.admit(Call::Protect)?.protect(start, bytes, protection) }
    }

    unsafe fn seal(&self, start: NonNull<u8>, bytes: usize) -> Result<(), MapError> {
        // SAFETY: the caller's promises are those of the inner mapper.
        unsafe { self.admit(Call::Seal)?.seal(start, bytes) }
    }

    /// Not counted as a call, for it cannot fail.
    fn name(&self, start: NonNull<u8>, bytes: usize, name: &CStr) -> bool {
        self.refused_kinds.load(Ordering::SeqCst) & (1 << Call::Name.index()) == 0 && self.inner.name(start, bytes, name)
    }

    unsafe fn release(&self, start: NonNull<u8>, bytes: usize) -> Result<(), MapError> {
        // SAFETY: the caller's promises are those of the inner mapper.
        unsafe { self.admit(Call::Release)?.release(start, bytes) }
    }

    unsafe fn release_apart(&self, start: NonNull<u8>, bytes: usize) -> Result<(), MapError> {
        // SAFETY: the caller's promises are those of the inner mapper.
        unsafe { self.admit(Call::Release)?.release_apart(start, bytes) }
    }

    unsafe fn remap(&self, start: NonNull<u8>, bytes: usize, new_bytes: usize) -> Result<NonNull<u8>, MapError> {
        // SAFETY: the caller's promises are those of the inner mapper.
        unsafe { self.admit(Call::Remap)?.remap(start, bytes, new_bytes) }
    }

    fn now_milliseconds(&self) -> u64 {
        self.inner.now_milliseconds()
    }

    fn random(&self) -> u64 {
        self.inner.random()
    }
}
