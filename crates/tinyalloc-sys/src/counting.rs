//! A mapper that keeps count.

use crate::call::Call;
use crate::mapper::{MapError, Mapper, Placement, Protection};
use core::ffi::CStr;
use core::ptr::NonNull;
use core::sync::atomic::{AtomicUsize, Ordering};

/// Passes calls on to another mapper and counts them: every call by its kind, and the bytes of
/// those that succeeded.
#[derive(Debug, Default)]
pub struct CountingMapper<M> {
    inner: M,
    calls: [AtomicUsize; Call::COUNT],
    bytes_reserved: AtomicUsize,
    bytes_committed: AtomicUsize,
    bytes_decommitted: AtomicUsize,
    bytes_released: AtomicUsize,
}

impl<M> CountingMapper<M> {
    /// Everything at zero.
    pub const fn new(inner: M) -> Self {
        Self {
            inner,
            calls: [const { AtomicUsize::new(0) }; Call::COUNT],
            bytes_reserved: AtomicUsize::new(0),
            bytes_committed: AtomicUsize::new(0),
            bytes_decommitted: AtomicUsize::new(0),
            bytes_released: AtomicUsize::new(0),
        }
    }

    /// The mapper behind.
    pub fn inner(&self) -> &M {
        &self.inner
    }

    /// Calls of one kind, failed ones included.
    pub fn calls(&self, kind: Call) -> usize {
        self.calls[kind.index()].load(Ordering::SeqCst)
    }

    /// Calls of all kinds, failed ones included.
    pub fn calls_total(&self) -> usize {
        Call::ALL.into_iter().map(|kind| self.calls(kind)).sum()
    }

    /// Bytes ever reserved, mapped, or gained by remapping.
    pub fn bytes_reserved(&self) -> usize {
        self.bytes_reserved.load(Ordering::SeqCst)
    }

    /// Bytes ever committed, mapped, or gained by remapping; again for those that were decommitted
    /// between.
    pub fn bytes_committed(&self) -> usize {
        self.bytes_committed.load(Ordering::SeqCst)
    }

    /// Bytes ever decommitted.
    pub fn bytes_decommitted(&self) -> usize {
        self.bytes_decommitted.load(Ordering::SeqCst)
    }

    /// Bytes ever released, or lost by remapping.
    pub fn bytes_released(&self) -> usize {
        self.bytes_released.load(Ordering::SeqCst)
    }

    /// Bytes of address space held now.
    pub fn bytes_held(&self) -> usize {
        self.bytes_reserved().wrapping_sub(self.bytes_released())
    }

    /// Counts the call, and the bytes towards `counters` if it succeeded.
    fn count<R>(&self, kind: Call, bytes: usize, counters: &[&AtomicUsize], result: Result<R, MapError>) -> Result<R, MapError> {
        self.calls[kind.index()].fetch_add(1, Ordering::SeqCst);
        if result.is_ok() {
            counters.iter().for_each(|counter| _ = counter.fetch_add(bytes, Ordering::SeqCst));
        }
        result
    }
}

// SAFETY: ranges come from the inner mapper, which promises the same.
unsafe impl<M: Mapper> Mapper for CountingMapper<M> {
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
        self.count(Call::Reserve, bytes, &[&self.bytes_reserved], self.inner.reserve(bytes, align))
    }

    fn room(&self, bytes: usize, align: usize) -> Option<NonNull<u8>> {
        self.inner.room(bytes, align)
    }

    unsafe fn claim(&self, start: NonNull<u8>, bytes: usize) -> Result<(), MapError> {
        // SAFETY: the caller's promises are those of the inner mapper.
        let result = unsafe { self.inner.claim(start, bytes) };
        self.count(Call::Claim, bytes, &[&self.bytes_reserved, &self.bytes_committed], result)
    }

    fn map(&self, bytes: usize, align: usize) -> Result<NonNull<u8>, MapError> {
        let counters = [&self.bytes_reserved, &self.bytes_committed];
        self.count(Call::Map, bytes, &counters, self.inner.map(bytes, align))
    }

    fn map_apart(&self, bytes: usize, align: usize) -> Result<NonNull<u8>, MapError> {
        let counters = [&self.bytes_reserved, &self.bytes_committed];
        self.count(Call::Map, bytes, &counters, self.inner.map_apart(bytes, align))
    }

    unsafe fn commit(&self, start: NonNull<u8>, bytes: usize) -> Result<(), MapError> {
        // SAFETY: the caller's promises are those of the inner mapper.
        let result = unsafe { self.inner.commit(start, bytes) };
        self.count(Call::Commit, bytes, &[&self.bytes_committed], result)
    }

    unsafe fn decommit(&self, start: NonNull<u8>, bytes: usize) -> Result<(), MapError> {
        // SAFETY: the caller's promises are those of the inner mapper.
        let result = unsafe { self.inner.decommit(start, bytes) };
        self.count(Call::Decommit, bytes, &[&self.bytes_decommitted], result)
    }

    fn node(&self) -> u32 {
        self.inner.node()
    }

    fn nodes(&self) -> u64 {
        self.inner.nodes()
    }

    unsafe fn place(&self, start: NonNull<u8>, bytes: usize, placement: Placement) -> Result<(), MapError> {
        // SAFETY: the caller's promises are those of the inner mapper.
        let result = unsafe { self.inner.place(start, bytes, placement) };
        self.count(Call::Advise, bytes, &[], result)
    }

    unsafe fn prefer_huge_pages(&self, start: NonNull<u8>, bytes: usize, preferred: bool) -> Result<(), MapError> {
        // SAFETY: the caller's promises are those of the inner mapper.
        let result = unsafe { self.inner.prefer_huge_pages(start, bytes, preferred) };
        self.count(Call::Advise, bytes, &[], result)
    }

    unsafe fn trap(&self, start: NonNull<u8>, bytes: usize) -> Result<(), MapError> {
        // SAFETY: the caller's promises are those of the inner mapper.
        let result = unsafe { self.inner.trap(start, bytes) };
        self.count(Call::Trap, bytes, &[&self.bytes_decommitted], result)
    }

    unsafe fn trap_by_rights(&self, start: NonNull<u8>, bytes: usize) -> Result<(), MapError> {
        // SAFETY: the caller's promises are those of the inner mapper.
        let result = unsafe { self.inner.trap_by_rights(start, bytes) };
        self.count(Call::Trap, bytes, &[&self.bytes_decommitted], result)
    }

    unsafe fn untrap(&self, start: NonNull<u8>, bytes: usize) -> Result<(), MapError> {
        // SAFETY: the caller's promises are those of the inner mapper.
        let result = unsafe { self.inner.untrap(start, bytes) };
        self.count(Call::Untrap, bytes, &[], result)
    }

    unsafe fn protect(&self, start: NonNull<u8>, bytes: usize, protection: Protection) -> Result<(), MapError> {
        // SAFETY: the caller's promises are those of the inner mapper.
        let result = unsafe { self.inner.protect(start, bytes, protection) };
        self.count(Call::Protect, bytes, &[], result)
    }

    unsafe fn seal(&self, start: NonNull<u8>, bytes: usize) -> Result<(), MapError> {
        // SAFETY: the caller's promises are those of the inner mapper.
        let result = unsafe { self.inner.seal(start, bytes) };
        self.count(Call::Seal, bytes, &[], result)
    }

    fn name(&self, start: NonNull<u8>, bytes: usize, name: &CStr) -> bool {
        let named = self.inner.name(start, bytes, name);
        if named {
            self.calls[Call::Name.index()].fetch_add(1, Ordering::SeqCst);
        }
        named
    }

    unsafe fn release(&self, start: NonNull<u8>, bytes: usize) -> Result<(), MapError> {
        // SAFETY: the caller's promises are those of the inner mapper.
        let result = unsafe { self.inner.release(start, bytes) };
        self.count(Call::Release, bytes, &[&self.bytes_released], result)
    }

    unsafe fn release_apart(&self, start: NonNull<u8>, bytes: usize) -> Result<(), MapError> {
        // SAFETY: the caller's promises are those of the inner mapper.
        let result = unsafe { self.inner.release_apart(start, bytes) };
        self.count(Call::Release, bytes, &[&self.bytes_released], result)
    }

    unsafe fn remap(&self, start: NonNull<u8>, bytes: usize, new_bytes: usize) -> Result<NonNull<u8>, MapError> {
        // SAFETY: the caller's promises are those of the inner mapper.
        let result = unsafe { self.inner.remap(start, bytes, new_bytes) };
        if new_bytes >= bytes {
            let counters = [&self.bytes_reserved, &self.bytes_committed];
            return self.count(Call::Remap, new_bytes - bytes, &counters, result);
        }
        self.count(Call::Remap, bytes - new_bytes, &[&self.bytes_released], result)
    }

    fn now_milliseconds(&self) -> u64 {
        self.inner.now_milliseconds()
    }

    fn random(&self) -> u64 {
        self.inner.random()
    }
}
