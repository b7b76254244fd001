//! A mapper over a buffer of the caller's, with pages of any size and a clock that tests set.

use crate::align::{is_aligned, round_up};
use crate::mapper::{MapError, Mapper, Protection};
use core::hint::spin_loop;
use core::marker::PhantomData;
use core::ops::Range;
use core::ptr::{NonNull, copy_nonoverlapping};
use core::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// What released memory is filled with, to show itself when it is used.
const POISON: u8 = 0xa5;

const RANDOM: u64 = 0x7469_6e79_616c_6c6f;

/// What a page is; one byte for each page, at the start of the buffer.
const FREE: u8 = 0;
const RESERVED: u8 = 1;
const COMMITTED: u8 = 2;

/// Hands out pages of one fixed buffer, lowest first, and panics on calls that no mapper may get.
///
/// It cannot make accesses fault. Memory that was never committed is poisoned, and so is released
/// memory.
///
/// Invariants:
/// - B1: `buffer..` has `pages` bytes of page states, and `first..` has `pages` pages of
///   `page_bytes`, both within the borrowed buffer;
/// - B2: states are read and written only while `locked`.
#[derive(Debug)]
pub struct FixedBufferMapper<'buffer> {
    states: NonNull<u8>,
    first: NonNull<u8>,
    pages: usize,
    page_bytes: usize,
    locked: AtomicBool,
    milliseconds: AtomicU64,
    buffer: PhantomData<&'buffer mut [u8]>,
}

// SAFETY: the buffer is exclusively borrowed, and B2.
unsafe impl Send for FixedBufferMapper<'_> {}
// SAFETY: B2.
unsafe impl Sync for FixedBufferMapper<'_> {}

impl<'buffer> FixedBufferMapper<'buffer> {
    /// A mapper over `buffer` with pages of `page_bytes`, a power of two. Its start, up to a page,
    /// holds the book-keeping.
    ///
    /// # Panics
    /// When `page_bytes` is not a power of two.
    #[must_use]
    pub fn new(buffer: &'buffer mut [u8], page_bytes: usize) -> Self {
        assert!(page_bytes.is_power_of_two(), "pages are a power of two");
        buffer.fill(FREE);
        let bytes = buffer.len();
        let states = NonNull::from(buffer).cast::<u8>();
        let address = states.addr().get();
        let first_offset = round_up(address + bytes / page_bytes, page_bytes).map_or(bytes, |first| first - address);
        let pages = bytes.saturating_sub(first_offset) / page_bytes;
        // SAFETY: the offset is cut to the length of the buffer.
        let first = unsafe { states.add(first_offset.min(bytes)) };
        let (locked, milliseconds) = (AtomicBool::new(false), AtomicU64::new(0));
        Self { states, first, pages, page_bytes, locked, milliseconds, buffer: PhantomData }
    }

    /// How many pages there are to hand out.
    #[must_use]
    pub fn pages(&self) -> usize {
        self.pages
    }

    /// How many pages are handed out.
    #[must_use]
    pub fn pages_held(&self) -> usize {
        self.locked(|| (0..self.pages).filter(|page| self.state(*page) != FREE).count())
    }

    /// Sets the clock.
    pub fn set_now_milliseconds(&self, milliseconds: u64) {
        self.milliseconds.store(milliseconds, Ordering::SeqCst);
    }

    fn locked<R>(&self, step: impl FnOnce() -> R) -> R {
        while self.locked.compare_exchange(false, true, Ordering::Acquire, Ordering::Relaxed).is_err() {
            spin_loop();
        }
        let _unlock = Unlock(&self.locked);
        step()
    }

    fn state(&self, page: usize) -> u8 {
        assert!(page < self.pages, "page beyond the buffer");
        // SAFETY: B1.
        let state = unsafe { self.states.add(page) };
        // SAFETY: B1 and B2.
        unsafe { state.read() }
    }

    /// Changes the state of pages and fills them.
    fn turn(&self, pages: Range<usize>, state: u8, fill: Option<u8>) {
        for page in pages {
            assert!(page < self.pages, "page beyond the buffer");
            // SAFETY: B1.
            let state_of_page = unsafe { self.states.add(page) };
            // SAFETY: B1 and B2.
            unsafe { state_of_page.write(state) };
            if let Some(byte) = fill {
                // SAFETY: B1, and the page is not in use, or its owner asked for the fill.
                unsafe { self.start_of(page).write_bytes(byte, self.page_bytes) };
            }
        }
    }

    fn start_of(&self, page: usize) -> NonNull<u8> {
        assert!(page <= self.pages, "page beyond the buffer");
        // SAFETY: B1.
        unsafe { self.first.add(page * self.page_bytes) }
    }

    /// The pages of a range that was handed out.
    fn held(&self, start: NonNull<u8>, bytes: usize) -> Range<usize> {
        let offset = start.addr().get().wrapping_sub(self.first.addr().get());
        assert!(is_aligned(offset | bytes, self.page_bytes), "not a range of whole pages");
        let pages = offset / self.page_bytes..offset / self.page_bytes + bytes / self.page_bytes;
        assert!(pages.end <= self.pages, "range beyond the buffer");
        assert!(pages.clone().all(|page| self.state(page) != FREE), "range is not handed out");
        pages
    }

    fn all_free(&self, mut pages: Range<usize>) -> bool {
        pages.end <= self.pages && pages.all(|page| self.state(page) == FREE)
    }

    fn take(&self, bytes: usize, align: usize, state: u8, fill: u8) -> Result<NonNull<u8>, MapError> {
        assert!(align.is_power_of_two(), "alignment is not a power of two");
        if bytes == 0 {
            return Err(MapError::Unavailable);
        }
        let count = bytes.div_ceil(self.page_bytes);
        let aligned = |page: &usize| is_aligned(self.start_of(*page).addr().get(), align);
        let mut starts = (0..(self.pages + 1).saturating_sub(count)).filter(aligned);
        let first = starts.find(|page| self.all_free(*page..page + count)).ok_or(MapError::OutOfMemory)?;
        self.turn(first..first + count, state, Some(fill));
        Ok(self.start_of(first))
    }

    fn resize(&self, start: NonNull<u8>, bytes: usize, new_bytes: usize) -> Result<NonNull<u8>, MapError> {
        let pages = self.held(start, bytes);
        let new_end = pages.start + new_bytes.div_ceil(self.page_bytes);
        if new_bytes == 0 {
            return Err(MapError::Unavailable);
        }
        if new_end <= pages.end {
            self.turn(new_end..pages.end, FREE, Some(POISON));
            return Ok(start);
        }
        if self.all_free(pages.end..new_end) {
            self.turn(pages.end..new_end, COMMITTED, Some(0));
            return Ok(start);
        }
        let moved = self.take(new_bytes, 1, COMMITTED, 0)?;
        // SAFETY: both ranges are handed out, apart from each other, and the new one is longer.
        unsafe { copy_nonoverlapping(start.as_ptr(), moved.as_ptr(), bytes) };
        self.turn(pages, FREE, Some(POISON));
        Ok(moved)
    }
}

// SAFETY: `take` hands out free pages only, under the lock, and they are free again only after
// their release.
unsafe impl Mapper for FixedBufferMapper<'_> {
    fn page_bytes(&self) -> usize {
        self.page_bytes
    }

    fn address_space_bytes(&self) -> usize {
        self.pages * self.page_bytes
    }

    fn reserve(&self, bytes: usize, align: usize) -> Result<NonNull<u8>, MapError> {
        self.locked(|| self.take(bytes, align, RESERVED, POISON))
    }

    fn map(&self, bytes: usize, align: usize) -> Result<NonNull<u8>, MapError> {
        self.locked(|| self.take(bytes, align, COMMITTED, 0))
    }

    unsafe fn commit(&self, start: NonNull<u8>, bytes: usize) -> Result<(), MapError> {
        self.locked(|| {
            for page in self.held(start, bytes).filter(|page| self.state(*page) == RESERVED) {
                self.turn(page..page + 1, COMMITTED, Some(0));
            }
            Ok(())
        })
    }

    unsafe fn decommit(&self, start: NonNull<u8>, bytes: usize) -> Result<(), MapError> {
        self.locked(|| {
            let pages = self.held(start, bytes);
            assert!(pages.clone().all(|page| self.state(page) == COMMITTED), "range is not committed");
            self.turn(pages, COMMITTED, Some(0));
            Ok(())
        })
    }

    unsafe fn protect(&self, start: NonNull<u8>, bytes: usize, protection: Protection) -> Result<(), MapError> {
        if protection == Protection::ReadWrite {
            // SAFETY: access to a range is what committing it gives.
            return unsafe { self.commit(start, bytes) };
        }
        self.locked(|| _ = self.held(start, bytes));
        Ok(())
    }

    unsafe fn release(&self, start: NonNull<u8>, bytes: usize) -> Result<(), MapError> {
        self.locked(|| self.turn(self.held(start, bytes), FREE, Some(POISON)));
        Ok(())
    }

    unsafe fn remap(&self, start: NonNull<u8>, bytes: usize, new_bytes: usize) -> Result<NonNull<u8>, MapError> {
        self.locked(|| self.resize(start, bytes, new_bytes))
    }

    fn now_milliseconds(&self) -> u64 {
        self.milliseconds.load(Ordering::SeqCst)
    }

    /// Always the same number, so that tests repeat.
    fn random(&self) -> u64 {
        RANDOM
    }
}

/// Unlocks also when a check panics, so that other tests of the mapper do not hang.
struct Unlock<'lock>(&'lock AtomicBool);

impl Drop for Unlock<'_> {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Release);
    }
}
