//! The queue between an interrupt and main.

use core::fmt::{Debug, Formatter, Result as FmtResult};
use core::ops::{Deref, DerefMut};

use crate::error::QueueError;
use crate::lock::Claim;
use crate::shared_bytes::SharedBytes;
use crate::sync::{AtomicUsize, Ordering};
use crate::wakers::Wakers;

/// A first-in-first-out queue of up to `BYTES` bytes in a plain `static`: bytes go in at one end,
/// in an interrupt, say, and come out at the other, in main. It brings its own bytes, so it needs
/// no slab and no initialising, and no other context can use them up.
///
/// [`GlobalDeque::push`] and [`GlobalDeque::pop`] may be called by any context, and take constant
/// time. With the feature `critical-section` each is one critical section of constant length.
/// Without it the two ends still do not hinder each other; two contexts that meet at the same end
/// do not wait: the second gets [`QueueError::Busy`], or `None`.
///
/// The context that has an end to itself, and takes it as [`Producer`] or [`Consumer`], needs no
/// critical section at all, and moves many bytes at once: by copying, or in place, by DMA, through
/// a grant.
///
/// ```
/// # use tinyalloc_embedded as tinyalloc;
/// use tinyalloc::prelude::*;
///
/// static UART: GlobalDeque<64> = GlobalDeque::new();
///
/// fn on_receive(byte: u8) {
///     UART.push(byte).ok();
/// }
///
/// on_receive(b'!');
/// assert_eq!(UART.pop(), Some(b'!'));
/// assert_eq!(UART.pop(), None);
/// ```
pub struct GlobalDeque<const BYTES: usize = 1024> {
    /// Where the oldest byte is. There are more positions than bytes, so that full and empty
    /// differ.
    head: AtomicUsize,
    /// Where the next byte goes.
    tail: AtomicUsize,
    producer: Claim,
    consumer: Claim,
    wakers: Wakers,
    bytes: SharedBytes<BYTES>,
}

/// Invariants:
/// - Q1: both positions are below `2 * BYTES`, unless `BYTES` is a power of two; at most `BYTES`
///   bytes lie from `head` to `tail`;
/// - Q2: only the holder of the claim `producer` stores `tail`, and touches the bytes from `tail`
///   to `head`;
/// - Q3: only the holder of the claim `consumer` stores `head`, and touches the bytes from `head`
///   to `tail`.
impl<const BYTES: usize> GlobalDeque<BYTES> {
    const POSITIONS: usize = {
        assert!(BYTES > 0 && BYTES <= usize::MAX / 4, "a queue has room for at least one byte");
        2 * BYTES
    };

    /// An empty queue.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            head: AtomicUsize::new(0),
            tail: AtomicUsize::new(0),
            producer: Claim::new(),
            consumer: Claim::new(),
            wakers: Wakers::new(),
            bytes: SharedBytes::new(),
        }
    }

    /// Adds a byte at the back.
    ///
    /// # Errors
    /// [`QueueError::Full`], or [`QueueError::Busy`]: another context has this end.
    #[inline]
    pub fn push(&self, byte: u8) -> Result<(), QueueError> {
        // SAFETY: the claim.
        let pushed = self.producer.hold(|| unsafe { self.push_claimed(byte) }).unwrap_or(Err(QueueError::Busy));
        self.wakers.wake_reader();
        pushed
    }

    /// Takes the byte at the front; `None` if there is none, or another context has this end.
    #[inline]
    pub fn pop(&self) -> Option<u8> {
        // SAFETY: the claim.
        let popped = self.consumer.hold(|| unsafe { self.pop_claimed() }).flatten();
        self.wakers.wake_writer();
        popped
    }

    /// Adds bytes of `data` at the back, and returns how many: fewer than all if the queue gets
    /// full, none if another context has this end. They are copied outside of critical sections;
    /// another context that pushes meanwhile gets [`QueueError::Busy`].
    pub fn write(&self, data: &[u8]) -> usize {
        self.producer().map_or(0, |mut producer| producer.write(data))
    }

    /// Moves bytes from the front to `out`, and returns how many; none if another context has this
    /// end.
    pub fn read(&self, out: &mut [u8]) -> usize {
        self.consumer().map_or(0, |mut consumer| consumer.read(out))
    }

    /// The back end, until it is dropped; `None` if another context has it.
    #[inline]
    pub fn producer(&self) -> Option<Producer<'_, BYTES>> {
        if self.producer.take() { Some(Producer { queue: self }) } else { None }
    }

    /// The front end, until it is dropped; `None` if another context has it.
    #[inline]
    pub fn consumer(&self) -> Option<Consumer<'_, BYTES>> {
        if self.consumer.take() { Some(Consumer { queue: self }) } else { None }
    }

    /// Both ends at once. Needs neither a critical section nor compare-and-swap, because no other
    /// context refers to the queue.
    #[inline]
    pub fn split(&mut self) -> (Producer<'_, BYTES>, Consumer<'_, BYTES>) {
        self.producer.take_alone();
        self.consumer.take_alone();
        (Producer { queue: self }, Consumer { queue: self })
    }

    /// How many bytes it has, at this moment. Exact for the context that has an end, and an
    /// estimate while others use both.
    #[inline]
    #[must_use]
    pub fn len(&self) -> usize {
        // The head may be from long before the tail.
        Self::distance(self.head.load(Ordering::Acquire), self.tail.load(Ordering::Acquire)).min(BYTES)
    }

    /// Whether it has none, at this moment.
    #[inline]
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many bytes there is room for.
    #[inline]
    #[must_use]
    pub const fn capacity(&self) -> usize {
        BYTES
    }

    #[cfg(feature = "embedded-io-async")]
    pub(crate) fn wakers(&self) -> &Wakers {
        &self.wakers
    }

    /// # Safety
    /// The caller has the claim `producer`.
    #[inline]
    unsafe fn push_claimed(&self, byte: u8) -> Result<(), QueueError> {
        let tail = self.tail.load(Ordering::Relaxed);
        if Self::distance(self.head.load(Ordering::Acquire), tail) >= BYTES {
            return Err(QueueError::Full);
        }
        // SAFETY: Q1, Q2.
        unsafe { self.bytes.write(Self::index(tail), byte) };
        self.tail.store(Self::moved(tail, 1), Ordering::Release);
        Ok(())
    }

    /// # Safety
    /// The caller has the claim `consumer`.
    #[inline]
    unsafe fn pop_claimed(&self) -> Option<u8> {
        let head = self.head.load(Ordering::Relaxed);
        if self.tail.load(Ordering::Acquire) == head {
            return None;
        }
        // SAFETY: Q1, Q3.
        let byte = unsafe { self.bytes.read(Self::index(head)) };
        self.head.store(Self::moved(head, 1), Ordering::Release);
        Some(byte)
    }

    /// Where the free bytes begin, and how many lie in one piece.
    #[inline]
    fn free_run(&self) -> (usize, usize) {
        let tail = self.tail.load(Ordering::Relaxed);
        let free = BYTES - Self::distance(self.head.load(Ordering::Acquire), tail);
        let index = Self::index(tail);
        (index, free.min(BYTES - index))
    }

    /// Where the queue's bytes begin, and how many lie in one piece.
    #[inline]
    fn used_run(&self) -> (usize, usize) {
        let head = self.head.load(Ordering::Relaxed);
        let used = Self::distance(head, self.tail.load(Ordering::Acquire));
        let index = Self::index(head);
        (index, used.min(BYTES - index))
    }

    // Where `BYTES` is a power of two it divides all numbers of a word: then positions just count,
    // and wrap with the word.

    #[inline]
    const fn index(position: usize) -> usize {
        if BYTES.is_power_of_two() {
            position & (BYTES - 1)
        } else if position < BYTES {
            position
        } else {
            position - BYTES
        }
    }

    #[inline]
    const fn distance(head: usize, tail: usize) -> usize {
        if BYTES.is_power_of_two() {
            tail.wrapping_sub(head)
        } else if head <= tail {
            tail - head
        } else {
            tail + Self::POSITIONS - head
        }
    }

    #[inline]
    const fn moved(position: usize, bytes: usize) -> usize {
        let moved = position.wrapping_add(bytes);
        if BYTES.is_power_of_two() || moved < Self::POSITIONS { moved } else { moved - Self::POSITIONS }
    }
}

impl<const BYTES: usize> Default for GlobalDeque<BYTES> {
    fn default() -> Self {
        Self::new()
    }
}

impl<const BYTES: usize> Debug for GlobalDeque<BYTES> {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> FmtResult {
        formatter.debug_struct("GlobalDeque").field("len", &self.len()).field("capacity", &BYTES).finish()
    }
}

/// The back end of a queue. It is released on drop; no other context can push before.
#[derive(Debug)]
pub struct Producer<'queue, const BYTES: usize> {
    queue: &'queue GlobalDeque<BYTES>,
}

impl<'queue, const BYTES: usize> Producer<'queue, BYTES> {
    /// Adds a byte at the back.
    ///
    /// # Errors
    /// [`QueueError::Full`].
    #[inline]
    pub fn push(&mut self, byte: u8) -> Result<(), QueueError> {
        // SAFETY: a producer has the claim.
        let pushed = unsafe { self.queue.push_claimed(byte) };
        self.queue.wakers.wake_reader();
        pushed
    }

    /// Adds bytes of `data` at the back, and returns how many: fewer than all if the queue gets
    /// full.
    pub fn write(&mut self, data: &[u8]) -> usize {
        let mut written = 0;
        // The free bytes lie in two pieces at most.
        for _ in 0..2 {
            let (index, free) = self.queue.free_run();
            let rest = data.get(written..).unwrap_or_default();
            let bytes = free.min(rest.len());
            // SAFETY: Q1, Q2.
            unsafe { self.queue.bytes.write_all(index, rest, bytes) };
            self.advance(bytes);
            written += bytes;
            if bytes == rest.len() {
                break;
            }
        }
        self.queue.wakers.wake_reader();
        written
    }

    /// Room for up to `bytes_max` bytes in one piece, to fill by hand or by DMA. It may be shorter,
    /// down to nothing: it ends where the free bytes do, and at the end of the queue's memory.
    /// Transfers of one size, which divides `BYTES`, are never cut short by that.
    ///
    /// ```
    /// # use tinyalloc_embedded as tinyalloc;
    /// # use tinyalloc::prelude::*;
    /// static SAMPLES: GlobalDeque<64> = GlobalDeque::new();
    ///
    /// let producer = SAMPLES.producer().unwrap();
    /// let mut grant = producer.reserve(16); // hand it to the DMA controller
    /// grant.fill(7);
    /// let producer = grant.commit(16); // when that is done
    /// # drop(producer);
    /// assert_eq!(SAMPLES.len(), 16);
    /// ```
    #[inline]
    pub fn reserve(self, bytes_max: usize) -> WriteGrant<'queue, BYTES> {
        let (index, free) = self.queue.free_run();
        WriteGrant { producer: self, index, bytes: free.min(bytes_max) }
    }

    #[inline]
    fn advance(&mut self, bytes: usize) {
        let tail = self.queue.tail.load(Ordering::Relaxed);
        self.queue.tail.store(GlobalDeque::<BYTES>::moved(tail, bytes), Ordering::Release);
    }
}

impl<const BYTES: usize> Drop for Producer<'_, BYTES> {
    #[inline]
    fn drop(&mut self) {
        self.queue.producer.release();
    }
}

/// The front end of a queue. It is released on drop; no other context can pop before.
#[derive(Debug)]
pub struct Consumer<'queue, const BYTES: usize> {
    queue: &'queue GlobalDeque<BYTES>,
}

impl<'queue, const BYTES: usize> Consumer<'queue, BYTES> {
    /// Takes the byte at the front.
    #[inline]
    pub fn pop(&mut self) -> Option<u8> {
        // SAFETY: a consumer has the claim.
        let popped = unsafe { self.queue.pop_claimed() };
        self.queue.wakers.wake_writer();
        popped
    }

    /// Moves bytes from the front to `out`, and returns how many.
    pub fn read(&mut self, out: &mut [u8]) -> usize {
        let mut read = 0;
        // The bytes lie in two pieces at most.
        for _ in 0..2 {
            let (index, used) = self.queue.used_run();
            let rest = out.get_mut(read..).unwrap_or_default();
            let bytes = used.min(rest.len());
            // SAFETY: Q1, Q3.
            unsafe { self.queue.bytes.read_all(index, rest, bytes) };
            self.advance(bytes);
            read += bytes;
            if read == out.len() {
                break;
            }
        }
        self.queue.wakers.wake_writer();
        read
    }

    /// The bytes at the front that lie in one piece, to read by hand or by DMA.
    #[inline]
    pub fn fetch(self) -> ReadGrant<'queue, BYTES> {
        let (index, used) = self.queue.used_run();
        ReadGrant { consumer: self, index, bytes: used }
    }

    #[inline]
    fn advance(&mut self, bytes: usize) {
        let head = self.queue.head.load(Ordering::Relaxed);
        self.queue.head.store(GlobalDeque::<BYTES>::moved(head, bytes), Ordering::Release);
    }
}

impl<const BYTES: usize> Drop for Consumer<'_, BYTES> {
    #[inline]
    fn drop(&mut self) {
        self.queue.consumer.release();
    }
}

/// Room at the back of a queue, in one piece. Dropped, it adds nothing.
#[derive(Debug)]
#[must_use = "what is not committed is not added"]
pub struct WriteGrant<'queue, const BYTES: usize> {
    producer: Producer<'queue, BYTES>,
    // Not a slice: as an argument of `commit` or `drop` it would claim the bytes until these
    // return, and others have them before.
    index: usize,
    bytes: usize,
}

impl<'queue, const BYTES: usize> WriteGrant<'queue, BYTES> {
    /// Adds the first `bytes` bytes of the room to the queue, all of it at most.
    #[inline]
    pub fn commit(mut self, bytes: usize) -> Producer<'queue, BYTES> {
        self.producer.advance(bytes.min(self.bytes));
        self.producer.queue.wakers.wake_reader();
        self.producer
    }
}

impl<const BYTES: usize> Deref for WriteGrant<'_, BYTES> {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        // SAFETY: Q1, Q2: the grant has the claim, and lends the bytes as itself is lent.
        unsafe { self.producer.queue.bytes.slice(self.index, self.bytes) }
    }
}

impl<const BYTES: usize> DerefMut for WriteGrant<'_, BYTES> {
    #[inline]
    fn deref_mut(&mut self) -> &mut [u8] {
        // SAFETY: Q1, Q2: the grant has the claim, and lends the bytes as itself is lent.
        unsafe { self.producer.queue.bytes.slice_mut(self.index, self.bytes) }
    }
}

/// Bytes at the front of a queue, in one piece. Dropped, it leaves them there.
#[derive(Debug)]
#[must_use = "what is not released stays in the queue"]
pub struct ReadGrant<'queue, const BYTES: usize> {
    consumer: Consumer<'queue, BYTES>,
    // Not a slice, for the same reason.
    index: usize,
    bytes: usize,
}

impl<'queue, const BYTES: usize> ReadGrant<'queue, BYTES> {
    /// Takes the first `bytes` bytes off the queue, all that the grant shows at most.
    #[inline]
    pub fn release(mut self, bytes: usize) -> Consumer<'queue, BYTES> {
        self.consumer.advance(bytes.min(self.bytes));
        self.consumer.queue.wakers.wake_writer();
        self.consumer
    }
}

impl<const BYTES: usize> Deref for ReadGrant<'_, BYTES> {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        // SAFETY: Q1, Q3: the grant has the claim, and lends the bytes as itself is lent.
        unsafe { self.consumer.queue.bytes.slice(self.index, self.bytes) }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::{AtomicUsize, GlobalDeque};

    #[test]
    fn positions_wrap_with_the_word_unseen() {
        let mut queue = GlobalDeque::<8>::new();
        (queue.head, queue.tail) = (AtomicUsize::new(usize::MAX - 4), AtomicUsize::new(usize::MAX - 4));
        for round in 0..20 {
            assert_eq!(queue.write(&[round; 9]), 8);
            assert_eq!((queue.len(), queue.pop(), queue.len()), (8, Some(round), 7));
            let grant = queue.consumer().map(|consumer| consumer.fetch().len());
            assert!(grant.is_some_and(|bytes| bytes > 0 && bytes < 8));
            assert_eq!(queue.read(&mut [0; 5]), 5);
            assert_eq!((queue.push(round), queue.read(&mut [0; 9])), (Ok(()), 3));
        }
    }
}
