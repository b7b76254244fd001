//! The traits of `embedded-io` and `embedded-io-async`.
#![cfg(all(feature = "embedded-io-async", feature = "global-alloc"))]
#![allow(clippy::unwrap_used, clippy::disallowed_types, clippy::absolute_paths, reason = "tests may allocate and give up")]

use core::pin::{Pin, pin};
use core::task::{Context, Poll};
use std::sync::Arc;
use std::task::Wake;
use std::thread::{Thread, current, park, scope};

use embedded_io::{BufRead, Error, ErrorKind, Read, ReadReady, Write, WriteReady};
use tinyalloc_embedded::global::AllocatorConfig;
use tinyalloc_embedded::prelude::*;

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// Runs a future on this thread, which sleeps while the future waits.
fn block_on<F: Future>(future: F) -> F::Output {
    let waker = Arc::new(Unpark(current())).into();
    let mut future = pin!(future);
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(output) => return output,
            Poll::Pending => park(),
        }
    }
}

fn is_pending<F: Future>(future: Pin<&mut F>) -> bool {
    future.poll(&mut Context::from_waker(&Arc::new(Unpark(current())).into())).is_pending()
}

#[test]
fn a_buffer_is_a_writer_and_a_reader_that_ends() {
    let (mut slab, mut buf) = (TinySlabAllocator::<64, 8>::new(), ByteBuffer::new());
    let mut stream = buf.attach(&mut slab);
    stream.write_all(b"one line\n").unwrap();
    stream.flush().unwrap();
    assert_eq!(stream.fill_buf().unwrap(), b"one line");
    stream.consume(4);
    let mut out = [0; 9];
    assert_eq!((stream.read(&mut out).unwrap(), &out[..5]), (5, &b"line\n"[..]));
    assert_eq!((stream.read(&mut out).unwrap(), stream.fill_buf().unwrap()), (0, &[][..]));
    assert_eq!(stream.write(&[0; 65]).unwrap_err().kind(), ErrorKind::OutOfMemory);
    assert!(stream.read_ready().unwrap() && stream.write_ready().unwrap());
}

#[test]
fn a_buffer_on_the_programs_slab_is_a_stream_within_a_closure() {
    AllocatorConfig::Slab1K32.init();
    let mut buf = ByteBuffer::new();
    buf.with(|stream| stream.write_all(b"from anywhere")).unwrap().unwrap();
    let mut out = [0; 13];
    buf.with(|stream| stream.read_exact(&mut out)).unwrap().unwrap();
    assert_eq!(&out, b"from anywhere");
}

#[test]
fn a_queue_is_a_reader_and_a_writer() {
    static QUEUE: GlobalDeque<8> = GlobalDeque::new();
    let mut ends = (&QUEUE, &QUEUE);
    assert!(!ends.0.read_ready().unwrap() && ends.1.write_ready().unwrap());
    scope(|scope| {
        scope.spawn(move || Write::write_all(&mut ends.1, b"more than it has room for").unwrap());
        let mut out = [0; 25];
        ends.0.read_exact(&mut out).unwrap();
        assert_eq!(&out, b"more than it has room for");
    });
}

#[test]
fn an_asynchronous_buffer_never_waits() {
    let (mut slab, mut buf) = (TinySlabAllocator::<64, 8>::new(), ByteBuffer::new());
    let mut stream = buf.attach(&mut slab);
    let mut out = [0; 4];
    block_on(async {
        embedded_io_async::Write::write_all(&mut stream, b"data").await.unwrap();
        embedded_io_async::Read::read_exact(&mut stream, &mut out).await.unwrap();
    });
    assert_eq!(&out, b"data");
}

#[test]
fn an_asynchronous_reader_waits_for_the_interrupt_that_pushes() {
    static QUEUE: GlobalDeque<8> = GlobalDeque::new();
    const BYTES: u32 = 50_000;
    let mut reader = &QUEUE;
    {
        let mut out = [0; 4];
        assert!(is_pending(pin!(embedded_io_async::Read::read(&mut reader, &mut out))));
    }
    scope(|scope| {
        scope.spawn(|| (0..BYTES).for_each(|at| while QUEUE.push(at.to_le_bytes()[0]).is_err() {}));
        block_on(async {
            let mut at = 0;
            while at < BYTES {
                let mut out = [0; 3];
                let read = embedded_io_async::Read::read(&mut reader, &mut out).await.unwrap();
                for byte in &out[..read] {
                    assert_eq!(*byte, at.to_le_bytes()[0]);
                    at += 1;
                }
            }
        });
    });
}

#[test]
fn an_asynchronous_writer_waits_for_room() {
    static QUEUE: GlobalDeque<3> = GlobalDeque::new();
    const BYTES: usize = 5000;
    let data: Vec<u8> = (0..BYTES).map(|at| at.to_le_bytes()[0]).collect();
    scope(|scope| {
        scope.spawn(|| block_on(embedded_io_async::Write::write_all(&mut &QUEUE, &data)).unwrap());
        for expected in &data {
            let mut out = [0];
            block_on(embedded_io_async::Read::read_exact(&mut &QUEUE, &mut out)).unwrap();
            assert_eq!(out[0], *expected);
        }
    });
}

#[test]
fn bytes_that_cannot_be_read_are_not_an_end() {
    let (mut ours, mut theirs) = (TinySlabAllocator::<64, 8>::with_tag::<1>(), TinySlabAllocator::<64, 8>::with_tag::<2>());
    let mut buf = ByteBuffer::new();
    buf.write(&mut ours, b"ours").unwrap();
    let mut stream = buf.attach(&mut theirs);
    assert_eq!(stream.read(&mut [0; 4]), Err(ByteBufferError::Foreign));
    assert_eq!(stream.fill_buf(), Err(ByteBufferError::Foreign));
    assert_eq!((stream.read(&mut []), stream.len()), (Ok(0), 4));
    let mut out = [0; 4];
    assert_eq!(buf.attach(&mut ours).read_exact(&mut out), Ok(()));
    assert_eq!(&out, b"ours");
}
