//! Chunks in a row, as a line of bytes.

#![forbid(unsafe_code)]

use core::fmt::{Debug, Formatter, Result as FmtResult};
use core::iter::FusedIterator;
use core::ops::{Deref, DerefMut};

use crate::allocator::{ChunkSource, Origin};
use crate::chunk::ChunkId;
use crate::error::{ByteBufferError, Corruption};

/// A line of bytes in chunks of one allocator.
///
/// Invariants:
/// - C1: the bytes begin at `head` in `first`, fill every chunk between, and end before `tail` in
///   `last`; there are `bytes` of them;
/// - C2: from `first` the links lead to `last`; the link of `last` means nothing;
/// - C3: the chunks are from `origin`, and no other chain has them;
/// - C4: `first` and `last` are there both or neither, whatever the allocator says: without chunks
///   it may go on with any other one.
#[derive(Debug)]
pub(crate) struct Chain {
    first: Option<ChunkId>,
    last: Option<ChunkId>,
    head: u16,
    tail: u16,
    origin: Origin,
    bytes: usize,
}

impl Chain {
    pub(crate) const fn new() -> Self {
        Self { first: None, last: None, head: 0, tail: 0, origin: Origin::tagged(0), bytes: 0 }
    }

    #[inline]
    pub(crate) const fn bytes(&self) -> usize {
        self.bytes
    }

    /// Whether it has chunks, and they are from there.
    pub(crate) fn is_from(&self, origin: Origin) -> bool {
        self.first.is_some() && self.origin == origin
    }

    /// Whether it has no chunks from anywhere else.
    #[inline]
    fn admit(&self, source: &(impl ChunkSource + ?Sized)) -> Result<(), ByteBufferError> {
        if self.first.is_none() || self.origin == source.origin() { Ok(()) } else { Err(ByteBufferError::Foreign) }
    }

    #[inline]
    pub(crate) fn push(&mut self, source: &mut (impl ChunkSource + ?Sized), byte: u8) -> Result<(), ByteBufferError> {
        let grant = self.reserve(source, 1)?;
        grant.write(byte);
        Ok(())
    }

    #[inline]
    pub(crate) fn pop(&mut self, source: &mut (impl ChunkSource + ?Sized)) -> Option<u8> {
        self.admit(source).ok()?;
        if self.bytes == 0 {
            return None;
        }
        let end = source.chunk_bytes();
        if self.head >= end {
            self.drop_spent_chunk(source);
        }
        let byte = *source.chunk(self.first?)?.get(usize::from(self.head))?;
        self.bytes -= 1;
        self.head += 1;
        if self.bytes == 0 || self.head >= end {
            self.settle(source);
        }
        Some(byte)
    }

    /// Appends all of the bytes or none.
    pub(crate) fn write(&mut self, source: &mut (impl ChunkSource + ?Sized), data: &[u8]) -> Result<(), ByteBufferError> {
        self.admit(source)?;
        let room = self.room(source);
        let mut added = Added::default();
        while room + added.bytes < data.len() {
            if let Err(error) = added.grow(source, self.last) {
                added.abandon(source);
                return Err(error);
            }
        }
        let rest = self.last.filter(|_| room > 0).map(|last| (last, self.tail));
        match fill(source, rest.or(added.first.map(|first| (first, 0))), data) {
            Ok(tail) => {
                self.adopt(source, &added);
                (self.tail, self.bytes) = (tail.unwrap_or(self.tail), self.bytes + data.len());
                Ok(())
            }
            Err(error) => {
                added.abandon(source);
                Err(error)
            }
        }
    }

    /// Moves bytes from the front to `out`; returns how many.
    pub(crate) fn read(&mut self, source: &mut (impl ChunkSource + ?Sized), out: &mut [u8]) -> usize {
        let mut read = 0;
        while let Some(rest) = out.get_mut(read..).filter(|rest| !rest.is_empty()) {
            let copied = self.front(source).map_or(0, |front| copy(rest, front));
            if copied == 0 {
                break;
            }
            self.consume(source, copied);
            read += copied;
        }
        read
    }

    /// The bytes at the front that lie in one chunk.
    #[inline]
    pub(crate) fn front<'source>(&mut self, source: &'source mut (impl ChunkSource + ?Sized)) -> Option<&'source [u8]> {
        self.admit(source).ok()?;
        self.drop_spent_chunk(source);
        let first = self.first?;
        let end = if self.first == self.last { self.tail } else { source.chunk_bytes() };
        source.chunk(first)?.get(usize::from(self.head)..usize::from(end))
    }

    /// Drops bytes of the front's from it. Chunks that become empty are freed.
    #[inline]
    pub(crate) fn consume(&mut self, source: &mut (impl ChunkSource + ?Sized), bytes: usize) {
        let Ok(step) = u16::try_from(bytes) else { return };
        self.head = self.head.saturating_add(step);
        self.bytes = self.bytes.saturating_sub(bytes);
        self.settle(source);
    }

    /// Frees the chunks that are empty now.
    #[inline]
    fn settle(&mut self, source: &mut (impl ChunkSource + ?Sized)) {
        if self.bytes == 0 {
            // At most two: the one that was read, and one that was reserved and never written.
            let _ = self.clear(source);
        } else {
            self.drop_spent_chunk(source);
        }
    }

    /// Frees all chunks.
    pub(crate) fn clear(&mut self, source: &mut (impl ChunkSource + ?Sized)) -> Result<(), ByteBufferError> {
        self.admit(source)?;
        self.bytes = 0;
        // What cannot be freed now is kept, and is freed next time.
        while let Some(first) = self.first {
            self.head = if self.first == self.last { self.tail } else { source.chunk_bytes() };
            let next = source.give_chunk(first)?;
            if self.first == self.last {
                *self = Self::new();
            } else {
                self.follow(next);
            }
        }
        Ok(())
    }

    /// Frees all chunks, for good.
    pub(crate) fn abandon(&mut self, source: &mut (impl ChunkSource + ?Sized)) {
        if let Some((first, last)) = self.first.zip(self.last) {
            source.abandon(first, last);
        }
        *self = Self::new();
    }

    /// Room for up to `bytes_max` bytes in one piece: what is left of the last chunk, or a new one.
    #[inline]
    pub(crate) fn reserve<'chain>(
        &'chain mut self,
        source: &'chain mut (impl ChunkSource + ?Sized),
        bytes_max: usize,
    ) -> Result<Grant<'chain>, ByteBufferError> {
        self.admit(source)?;
        if self.room(source) == 0 {
            let mut added = Added::default();
            added.grow(source, self.last)?;
            self.adopt(source, &added);
        }
        let last = self.last.ok_or(ByteBufferError::Foreign)?;
        let rest = source.chunk_mut(last).and_then(|chunk| chunk.get_mut(usize::from(self.tail)..));
        let rest = rest.ok_or(ByteBufferError::Foreign)?;
        let length = rest.len().min(bytes_max);
        let room = rest.get_mut(..length).ok_or(ByteBufferError::Foreign)?;
        Ok(Grant { room, tail: &mut self.tail, bytes: &mut self.bytes })
    }

    pub(crate) fn chunks<'source, S: ChunkSource + ?Sized>(&self, source: &'source S) -> Chunks<'source, S> {
        let bytes = if self.admit(source).is_ok() { self.bytes } else { 0 };
        Chunks { source, next: self.first, offset: self.head, bytes }
    }

    /// The byte at an index. Takes time for every chunk before it.
    pub(crate) fn get(&self, source: &(impl ChunkSource + ?Sized), index: usize) -> Option<u8> {
        let mut before = 0;
        for chunk in self.chunks(source) {
            if let Some(byte) = index.checked_sub(before).and_then(|at| chunk.get(at)) {
                return Some(*byte);
            }
            before += chunk.len();
        }
        None
    }

    /// Whether C1 holds. Takes time for every chunk.
    pub(crate) fn check(&self, source: &(impl ChunkSource + ?Sized)) -> Result<(), Corruption> {
        let found: usize = self.chunks(source).map(<[u8]>::len).sum();
        let ends_agree = self.first.is_some() == self.last.is_some();
        if found == self.bytes && ends_agree { Ok(()) } else { Err(Corruption::Chain) }
    }

    /// What is left of the last chunk.
    #[inline]
    fn room(&self, source: &(impl ChunkSource + ?Sized)) -> usize {
        match self.last {
            Some(_) => usize::from(source.chunk_bytes().saturating_sub(self.tail)),
            None => 0,
        }
    }

    #[inline]
    fn adopt(&mut self, source: &(impl ChunkSource + ?Sized), added: &Added) {
        let Some(first) = added.first else { return };
        if self.first.is_none() {
            (self.first, self.head, self.origin) = (Some(first), 0, source.origin());
        }
        (self.last, self.tail) = (added.last, 0);
    }

    #[inline]
    fn drop_spent_chunk(&mut self, source: &mut (impl ChunkSource + ?Sized)) {
        let Some(first) = self.first else { return };
        if self.first == self.last || self.head < source.chunk_bytes() {
            return;
        }
        if let Ok(next) = source.give_chunk(first) {
            self.head = 0;
            self.follow(next);
        }
    }

    /// Begins with this chunk from now on.
    #[inline]
    fn follow(&mut self, next: Option<ChunkId>) {
        self.first = next;
        if next.is_none() {
            self.lose();
        }
    }

    /// Keeps no chunk (C4): the links ended before `last`, so they were those of another allocator
    /// with the same tag.
    #[cold]
    fn lose(&mut self) {
        *self = Self::new();
    }

    /// Why there was nothing to read, although there are bytes.
    #[cfg(feature = "embedded-io")]
    #[cold]
    pub(crate) fn refusal(&mut self, source: &mut (impl ChunkSource + ?Sized)) -> ByteBufferError {
        if self.front(source).is_some() { ByteBufferError::Busy } else { ByteBufferError::Foreign }
    }
}

/// Chunks that a chain is about to get.
#[derive(Default)]
struct Added {
    first: Option<ChunkId>,
    last: Option<ChunkId>,
    bytes: usize,
}

impl Added {
    #[inline]
    fn grow(&mut self, source: &mut (impl ChunkSource + ?Sized), after: Option<ChunkId>) -> Result<(), ByteBufferError> {
        let chunk = source.take_chunk(self.last.or(after))?;
        self.first = self.first.or(Some(chunk));
        self.last = Some(chunk);
        self.bytes += usize::from(source.chunk_bytes());
        Ok(())
    }

    #[cold]
    fn abandon(self, source: &mut (impl ChunkSource + ?Sized)) {
        if let Some((first, last)) = self.first.zip(self.last) {
            source.abandon(first, last);
        }
    }
}

/// Writes the bytes from a place on, to chunks that are there; returns where they end in the last
/// one.
fn fill(
    source: &mut (impl ChunkSource + ?Sized),
    mut place: Option<(ChunkId, u16)>,
    mut data: &[u8],
) -> Result<Option<u16>, ByteBufferError> {
    while let Some((chunk, offset)) = place {
        let room = source.chunk_mut(chunk).and_then(|bytes| bytes.get_mut(usize::from(offset)..));
        let copied = copy(room.ok_or(ByteBufferError::Foreign)?, data);
        data = data.get(copied..).unwrap_or_default();
        if data.is_empty() {
            return Ok(Some(offset.saturating_add(u16::try_from(copied).unwrap_or(u16::MAX))));
        }
        place = source.next_chunk(chunk).map(|next| (next, 0));
    }
    if data.is_empty() { Ok(None) } else { Err(ByteBufferError::Busy) }
}

/// Copies as many bytes as fit; returns how many. By hand: `copy_from_slice` has a panic path that
/// small code keeps.
#[inline]
pub(crate) fn copy(into: &mut [u8], from: &[u8]) -> usize {
    into.iter_mut().zip(from).for_each(|(into, from)| *into = *from);
    into.len().min(from.len())
}

/// Room at the end of a buffer, in one piece: fill it, from the front, by hand or by DMA, and
/// commit. Dropped, it adds nothing.
#[derive(Debug)]
#[must_use = "what is not committed is not added"]
pub struct Grant<'buffer> {
    room: &'buffer mut [u8],
    tail: &'buffer mut u16,
    bytes: &'buffer mut usize,
}

impl Grant<'_> {
    /// Adds the first `bytes` bytes of the room to the buffer, all of it at most; returns how many.
    #[inline]
    pub fn commit(self, bytes: usize) -> usize {
        let bytes = bytes.min(self.room.len());
        *self.tail = self.tail.saturating_add(u16::try_from(bytes).unwrap_or(u16::MAX));
        *self.bytes += bytes;
        bytes
    }

    #[inline]
    fn write(self, byte: u8) {
        if let Some(first) = self.room.first_mut() {
            *first = byte;
            self.commit(1);
        }
    }
}

impl Deref for Grant<'_> {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        self.room
    }
}

impl DerefMut for Grant<'_> {
    #[inline]
    fn deref_mut(&mut self) -> &mut [u8] {
        self.room
    }
}

/// The bytes of a buffer where they lie, chunk by chunk; none of them is empty.
pub struct Chunks<'source, S: ChunkSource + ?Sized> {
    source: &'source S,
    next: Option<ChunkId>,
    offset: u16,
    bytes: usize,
}

impl<'source, S: ChunkSource + ?Sized> Iterator for Chunks<'source, S> {
    type Item = &'source [u8];

    fn next(&mut self) -> Option<&'source [u8]> {
        while self.bytes > 0 {
            let chunk = self.next?;
            let rest = self.source.chunk(chunk)?.get(usize::from(self.offset)..)?;
            let piece = rest.get(..rest.len().min(self.bytes))?;
            self.bytes -= piece.len();
            (self.next, self.offset) = (self.source.next_chunk(chunk), 0);
            if !piece.is_empty() {
                return Some(piece);
            }
        }
        None
    }
}

impl<S: ChunkSource + ?Sized> FusedIterator for Chunks<'_, S> {}

impl<S: ChunkSource + ?Sized> Clone for Chunks<'_, S> {
    fn clone(&self) -> Self {
        Self { ..*self }
    }
}

impl<S: ChunkSource + ?Sized> Debug for Chunks<'_, S> {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> FmtResult {
        formatter.debug_list().entries(self.clone()).finish()
    }
}
