//! Buffers against a deque of bytes, on slabs that run out, and on another back end.
#![cfg(all(feature = "bytebuffer", feature = "bytebuffer-deque"))]
#![allow(clippy::unwrap_used, clippy::disallowed_types, reason = "tests may allocate and give up")]

use core::fmt::Write;
use std::collections::VecDeque;

use proptest::collection::vec;
use proptest::prelude::{ProptestConfig, any, prop_assert_eq, proptest};
use tinyalloc_embedded::prelude::*;

fn bytes_of<S: ChunkSource>(buf: &ByteBuffer, source: &S) -> Vec<u8> {
    buf.chunks(source).flatten().copied().collect()
}

/// The fewest chunks that hold so many bytes from an offset.
fn chunks_for(offset: usize, bytes: usize, chunk_bytes: usize) -> usize {
    if bytes == 0 { 0 } else { (offset + bytes).div_ceil(chunk_bytes) }
}

/// A queue and what must be in it.
struct Pair {
    deque: ByteBufferDeque,
    model: VecDeque<u8>,
    /// Where in the first chunk the front is.
    offset: usize,
}

const CHUNK_BYTES: usize = 5;
const CHUNKS: usize = 9;
type Slab = TinySlabAllocator<{ CHUNK_BYTES * CHUNKS }, CHUNKS>;

impl Pair {
    const fn new() -> Self {
        Self { deque: ByteBufferDeque::new(), model: VecDeque::new(), offset: 0 }
    }

    fn chunks(&self) -> usize {
        chunks_for(self.offset, self.model.len(), CHUNK_BYTES)
    }

    fn popped(&mut self, bytes: usize) {
        self.model.drain(..bytes);
        self.offset = if self.model.is_empty() { 0 } else { (self.offset + bytes) % CHUNK_BYTES };
    }

    /// Writes all, or nothing when that takes more chunks than there are.
    fn write(&mut self, slab: &mut Slab, data: &[u8]) {
        let grown = chunks_for(self.offset, self.model.len() + data.len(), CHUNK_BYTES);
        let fits = grown - self.chunks() <= slab.stats().free;
        let written = if data.len() == 1 { self.deque.push_back(slab, data[0]) } else { self.deque.write(slab, data) };
        assert_eq!(written, if fits { Ok(()) } else { Err(ByteBufferError::AllocationFailed) });
        if fits {
            self.model.extend(data);
        }
    }

    fn read(&mut self, slab: &mut Slab, bytes: usize) {
        let mut out = vec![0; bytes];
        let read = self.deque.read(slab, &mut out);
        assert_eq!(read, bytes.min(self.model.len()));
        assert!(out[..read].iter().eq(self.model.iter().take(read)));
        self.popped(read);
    }

    fn pop(&mut self, slab: &mut Slab) {
        let popped = self.deque.pop_front(slab);
        assert_eq!(popped, self.model.front().copied());
        self.popped(usize::from(popped.is_some()));
    }

    fn consume(&mut self, slab: &mut Slab, bytes: usize) {
        let front = self.deque.front(slab).map(<[u8]>::len);
        let shown = self.model.len().min(CHUNK_BYTES - self.offset);
        assert_eq!(front, (shown > 0).then_some(shown));
        assert_eq!(self.deque.consume(slab, bytes), shown.min(bytes));
        self.popped(shown.min(bytes));
    }

    fn clear(&mut self, slab: &mut Slab) {
        self.deque.clear(slab).unwrap();
        self.popped(self.model.len());
    }

    fn step(&mut self, slab: &mut Slab, operation: u8, data: &[u8]) {
        match operation % 7 {
            0..=2 => self.write(slab, data),
            3 => self.read(slab, data.len()),
            4 => self.pop(slab),
            5 => self.consume(slab, data.len()),
            _ if operation < 20 => self.clear(slab),
            _ => {}
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn two_queues_on_one_slab_hold_their_bytes_in_as_few_chunks_as_there_can_be(
        steps in vec((any::<bool>(), any::<u8>(), vec(any::<u8>(), 0..24)), 0..120)
    ) {
        let (mut slab, mut pairs) = (Slab::new(), [Pair::new(), Pair::new()]);
        for (second, operation, data) in steps {
            pairs[usize::from(second)].step(&mut slab, operation, &data);
            prop_assert_eq!(slab.stats().live, pairs[0].chunks() + pairs[1].chunks());
            for pair in &pairs {
                prop_assert_eq!((pair.deque.check(&slab), slab.check()), (Ok(()), Ok(())));
                prop_assert_eq!(pair.deque.len(), pair.model.len());
                let bytes: VecDeque<u8> = pair.deque.chunks(&slab).flatten().copied().collect();
                prop_assert_eq!(&bytes, &pair.model);
            }
        }
    }

    #[test]
    fn a_buffer_is_filled_through_grants_as_through_writes(pieces in vec((0..9usize, any::<u8>(), 0..9usize), 0..40)) {
        let (mut slab, mut buf, mut model) = (TinySlabAllocator::<400, 60>::new(), ByteBuffer::new(), Vec::new());
        for (wanted, mark, used) in pieces {
            let mut grant = buf.reserve(&mut slab, wanted).unwrap();
            grant.fill(mark);
            let added = grant.commit(used);
            model.resize(model.len() + added, mark);
            prop_assert_eq!(buf.check(&slab), Ok(()));
        }
        prop_assert_eq!(bytes_of(&buf, &slab), model);
    }
}

#[test]
fn a_grant_that_is_dropped_adds_nothing() {
    let (mut slab, mut buf) = (TinySlabAllocator::<16, 2>::new(), ByteBuffer::new());
    drop(buf.reserve(&mut slab, 8).unwrap());
    assert!(buf.is_empty());
    buf.write(&mut slab, b"the room is used").unwrap();
    assert_eq!((bytes_of(&buf, &slab), buf.get(&slab, 15)), (b"the room is used".to_vec(), Some(b'd')));
    assert_eq!(buf.get(&slab, 16), None);
    buf.clear(&mut slab).unwrap();
    assert_eq!(slab.stats().live, 0);
}

#[test]
fn a_reserved_chunk_is_given_back_with_the_last_byte() {
    let (mut slab, mut deque) = (TinySlabAllocator::<16, 4>::new(), ByteBufferDeque::new());
    deque.write(&mut slab, b"full").unwrap();
    drop(deque.reserve(&mut slab, 4).unwrap());
    assert_eq!(slab.stats().live, 2);
    let mut out = [0; 9];
    assert_eq!((deque.read(&mut slab, &mut out), slab.stats().live), (4, 0));
    deque.write(&mut slab, b"again").unwrap();
    assert_eq!((deque.read(&mut slab, &mut out), &out[..5]), (5, &b"again"[..]));
}

#[test]
fn out_of_memory_leaves_the_buffer_and_the_slab_as_they_were() {
    let (mut slab, mut buf) = (TinySlabAllocator::<40, 4>::new(), ByteBuffer::new());
    buf.write(&mut slab, b"begun").unwrap();
    assert_eq!(buf.write(&mut slab, &[7; 36]), Err(ByteBufferError::AllocationFailed));
    assert_eq!((bytes_of(&buf, &slab), slab.stats().live), (b"begun".to_vec(), 1));
    buf.write(&mut slab, &[7; 35]).unwrap();
    assert_eq!((buf.len(), slab.stats().free), (40, 0));
    assert_eq!(buf.reserve(&mut slab, 1).err(), Some(ByteBufferError::AllocationFailed));
}

#[test]
fn writing_nothing_takes_nothing() {
    let (mut slab, mut buf) = (TinySlabAllocator::<40, 4>::new(), ByteBuffer::new());
    buf.write(&mut slab, b"").unwrap();
    assert_eq!((buf.len(), buf.read(&mut slab, &mut []), slab.stats().live), (0, 0, 0));
    assert_eq!(buf.chunks(&slab).count(), 0);
}

#[test]
fn another_slab_is_refused() {
    let (mut slab, mut other) = (TinySlabAllocator::<40, 4>::with_tag::<1>(), TinySlabAllocator::<40, 4>::with_tag::<2>());
    let (mut buf, mut deque) = (ByteBuffer::new(), ByteBufferDeque::new());
    buf.write(&mut slab, b"mine").unwrap();
    deque.push_back(&mut slab, 1).unwrap();
    assert_eq!(buf.write(&mut other, b"x"), Err(ByteBufferError::Foreign));
    assert_eq!(buf.clear(&mut other), Err(ByteBufferError::Foreign));
    assert_eq!((buf.chunks(&other).count(), buf.read(&mut other, &mut [0; 4])), (0, 0));
    assert_eq!(deque.push_back(&mut other, 2), Err(ByteBufferError::Foreign));
    assert_eq!((deque.pop_front(&mut other), deque.pop_front(&mut slab)), (None, Some(1)));
    deque.push_back(&mut other, 3).unwrap();
}

#[test]
fn without_tags_another_slab_without_the_chunk_is_refused_before_anything_is_written() {
    let (mut slab, mut other) = (TinySlabAllocator::<40, 4>::new(), TinySlabAllocator::<40, 4>::new());
    let mut buf = ByteBuffer::new();
    buf.write(&mut slab, b"mine").unwrap();
    for data in [&b"x"[..], b"more than one chunk"] {
        assert_eq!(buf.write(&mut other, data), Err(ByteBufferError::Foreign));
    }
    assert_eq!((bytes_of(&buf, &slab), other.stats().live), (b"mine".to_vec(), 0));
}

#[test]
fn text_is_formatted_into_a_buffer() {
    let (mut slab, mut buf) = (TinySlabAllocator::<64, 8>::new(), ByteBuffer::new());
    let answer = 42;
    write!(buf.attach(&mut slab), "{answer:>6}|true").unwrap();
    assert_eq!(bytes_of(&buf, &slab), b"    42|true");
    assert!(buf.attach(&mut slab).write_str("longer than the 53 bytes that are left in this small slab").is_err());
    assert_eq!(buf.len(), 11);
    assert!(write!(buf.attach(&mut slab), "{:64}", "text is formatted piece by piece, and ends with the memory").is_err());
    assert_eq!(buf.check(&slab), Ok(()));
}

/// A back end that is not a slab: chunks of a vector, which is never returned.
#[derive(Default)]
struct Heap {
    chunks: Vec<([u8; 3], Option<ChunkId>, bool)>,
}

impl Heap {
    fn held(&self, chunk: ChunkId) -> Option<&([u8; 3], Option<ChunkId>, bool)> {
        self.chunks.get(usize::from(chunk.index())).filter(|chunk| chunk.2)
    }
}

impl ChunkSource for Heap {
    fn chunk_bytes(&self) -> u16 {
        3
    }

    fn take_chunk(&mut self, after: Option<ChunkId>) -> Result<ChunkId, AllocError> {
        let chunk = u16::try_from(self.chunks.len()).ok().and_then(ChunkId::new).ok_or(AllocError::OutOfSlots)?;
        self.chunks.push(([0; 3], None, true));
        if let Some(after) = after {
            self.chunks[usize::from(after.index())].1 = Some(chunk);
        }
        Ok(chunk)
    }

    fn give_chunk(&mut self, chunk: ChunkId) -> Result<Option<ChunkId>, AllocError> {
        let (_, next, held) = self.chunks.get_mut(usize::from(chunk.index())).ok_or(AllocError::Foreign)?;
        *held = false;
        Ok(*next)
    }

    fn next_chunk(&self, chunk: ChunkId) -> Option<ChunkId> {
        self.held(chunk)?.1
    }

    fn chunk(&self, chunk: ChunkId) -> Option<&[u8]> {
        self.held(chunk).map(|chunk| &chunk.0[..])
    }

    fn chunk_mut(&mut self, chunk: ChunkId) -> Option<&mut [u8]> {
        self.held(chunk)?;
        Some(&mut self.chunks[usize::from(chunk.index())].0)
    }
}

#[test]
fn another_back_end_takes_the_place_of_the_slab() {
    let (mut heap, mut buf) = (Heap::default(), ByteBuffer::new());
    let source: &mut dyn ChunkSource = &mut heap;
    buf.write(source, b"in pieces of three").unwrap();
    assert_eq!(buf.chunks(source).map(<[u8]>::len).max(), Some(3));
    assert_eq!(bytes_of(&buf, &heap), b"in pieces of three");
    buf.clear(&mut heap).unwrap();
    assert!(heap.chunks.iter().all(|chunk| !chunk.2));
}
