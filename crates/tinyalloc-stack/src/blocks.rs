//! The blocks of a buffer, one above the other. The topmost is freed and resized in place; what is
//! freed below is reclaimed with whatever lies above it.

use core::alloc::Layout;
use core::ptr::NonNull;
use core::sync::atomic::{AtomicU32, Ordering};

use crate::buffer::Buffer;
use crate::lock::{Leaving, Lock};

/// No block: there is a header below every first byte, so none is at offset zero.
const NONE: u32 = 0;
/// Headers are aligned, so that offsets leave this bit.
const FREED: u32 = 1;
/// How often a thread tries to enter before it gives up: hundreds of milliseconds, for what takes
/// tens of nanoseconds. Only who interrupted the holder itself, and so waits in vain, gets that
/// far.
const ATTEMPTS: u32 = 1 << if cfg!(test) { 10 } else { 23 };

/// Invariants:
/// - B1: from `last` down, blocks are linked by headers that were written when they were placed;
///   each lies within the first `used` bytes, and above the `used_below` bytes that the others lie
///   in;
/// - B2: `last`, `used` and the headers are written only inside the lock, except that who frees a
///   block sets `FREED`, once;
/// - B3: when the lock is free, the topmost block is live, or who freed it is on the way in.
pub(crate) struct Blocks {
    lock: Lock,
    last: AtomicU32,
    used: AtomicU32,
    used_most: AtomicU32,
}

/// That is not a live block.
pub(crate) struct Misuse;

impl Blocks {
    pub(crate) const fn new() -> Blocks {
        Blocks { lock: Lock::new(), last: AtomicU32::new(NONE), used: AtomicU32::new(0), used_most: AtomicU32::new(0) }
    }

    pub(crate) fn used(&self) -> usize {
        self.used.load(Ordering::Relaxed) as usize
    }

    pub(crate) fn used_most(&self) -> usize {
        self.used_most.load(Ordering::Relaxed) as usize
    }

    #[inline]
    pub(crate) fn allocate(&self, buffer: Buffer, layout: Layout) -> Option<NonNull<u8>> {
        let inside = self.enter(buffer)?;
        let used = self.used.load(Ordering::Relaxed);
        let (first, end) = buffer.place(used as usize, layout.align(), layout.size())?;
        // SAFETY: beyond what is used, no other thread is (B1).
        unsafe { buffer.write_header(first, self.last.load(Ordering::Relaxed), used) };
        self.last.store(u32::try_from(first).ok()?, Ordering::Relaxed);
        inside.use_up_to(end);
        // SAFETY: it fits.
        Some(unsafe { buffer.at(first) })
    }

    /// Frees a block, at once or with what lies above it. Never waits.
    ///
    /// # Safety
    /// If it is a live block, no thread uses it any more. (Otherwise this says so where it can.)
    #[inline]
    pub(crate) unsafe fn free(&self, buffer: Buffer, start: NonNull<u8>) -> Result<(), Misuse> {
        let first = buffer.offset(start.addr().get());
        // Who frees a live block has seen `used` cover it.
        if !buffer.is_above_a_header(first) || first >= self.used() {
            return Err(Misuse);
        }
        // SAFETY: the caller's promise.
        let below = unsafe { buffer.below(first) };
        // Release: who reclaims the block comes after all that was done in it.
        if below.fetch_or(FREED, Ordering::Release) & FREED != 0 {
            return Err(Misuse);
        }
        if self.lock.enter_or_leave_news() {
            Inside { blocks: self, buffer }.reclaim();
        }
        Ok(())
    }

    /// Gives the topmost block another size; false if it is not the topmost, or has no room.
    ///
    /// # Safety
    /// It is a live block, and no thread resizes or frees it meanwhile.
    #[inline]
    pub(crate) unsafe fn resize(&self, buffer: Buffer, start: NonNull<u8>, bytes: usize) -> bool {
        let first = buffer.offset(start.addr().get());
        let Some(inside) = self.enter(buffer) else {
            return false;
        };
        if self.last.load(Ordering::Relaxed) as usize != first {
            return false;
        }
        let end = buffer.end(first, bytes);
        end.inspect(|end| inside.use_up_to(*end)).is_some()
    }

    /// Forgets all blocks; false if the lock was held all the time.
    ///
    /// # Safety
    /// No thread uses any of them any more, or will free it.
    pub(crate) unsafe fn forget(&self, buffer: Buffer) -> bool {
        let inside = self.enter(buffer);
        if inside.is_some() {
            self.last.store(NONE, Ordering::Relaxed);
            self.used.store(0, Ordering::Relaxed);
        }
        inside.is_some()
    }

    #[inline]
    fn enter(&self, buffer: Buffer) -> Option<Inside<'_>> {
        self.lock.enter(ATTEMPTS).then(|| Inside { blocks: self, buffer })
    }
}

/// Being inside the lock, until dropped.
struct Inside<'blocks> {
    blocks: &'blocks Blocks,
    buffer: Buffer,
}

impl Inside<'_> {
    #[inline]
    fn use_up_to(&self, end: usize) {
        // An end lies within the buffer, whose size was checked when it was made.
        #[allow(clippy::cast_possible_truncation, reason = "see above")]
        let used = end as u32;
        self.blocks.used.store(used, Ordering::Relaxed);
        if used > self.blocks.used_most.load(Ordering::Relaxed) {
            self.blocks.used_most.store(used, Ordering::Relaxed);
        }
    }

    /// Takes freed blocks off the top, until one is live.
    #[inline]
    fn reclaim(&self) {
        loop {
            let last = self.blocks.last.load(Ordering::Relaxed);
            if last == NONE {
                return;
            }
            // SAFETY: B1.
            let below = unsafe { self.buffer.below(last as usize) }.load(Ordering::Acquire);
            if below & FREED == 0 {
                return;
            }
            // SAFETY: B1, and no thread but us is inside.
            let used_below = unsafe { self.buffer.used_below(last as usize) };
            self.blocks.last.store(below & !FREED, Ordering::Relaxed);
            self.blocks.used.store(used_below, Ordering::Relaxed);
        }
    }
}

impl Drop for Inside<'_> {
    #[inline]
    fn drop(&mut self) {
        while self.blocks.lock.leave() == Leaving::News {
            self.reclaim();
        }
    }
}

#[cfg(test)]
#[path = "blocks_tests.rs"]
mod tests;
