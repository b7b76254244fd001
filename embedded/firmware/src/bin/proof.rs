//! Every public operation, with inputs that the compiler cannot know. The panic handler calls a
//! function that does not exist: if the linker is satisfied, no panic path is left. With the
//! feature `panicking` there is one, and the linker must object.
#![no_std]
#![no_main]

use core::fmt::Write;
use core::hint::black_box;
use core::num::NonZeroU32;
use core::panic::PanicInfo;

use firmware as _;
use tinyalloc_embedded::global::{AllocatorConfig, block, stats};
use tinyalloc_embedded::prelude::*;

#[panic_handler]
fn a_panic(_: &PanicInfo<'_>) -> ! {
    unsafe extern "C" {
        safe fn a_panic_path_is_left() -> !;
    }
    a_panic_path_is_left()
}

/// On the host, `memcpy` and the start of the program.
#[cfg(not(target_os = "none"))]
#[link(name = "c")]
unsafe extern "C" {}

type Slab = TinySlabAllocator<1000, 7, 4>;

#[inline(never)]
fn slab(slab: &mut Slab, handle: Handle, number: usize) {
    if let Ok((handle, block)) = slab.alloc_uninit(number) {
        black_box((handle, block));
    }
    black_box(slab.alloc(number).is_ok());
    black_box(slab.get(handle));
    black_box(slab.get_mut(handle));
    black_box(slab.verify(handle).is_ok());
    black_box(slab.resize(handle, number).is_ok());
    black_box(slab.free(handle).is_ok());
    black_box((slab.handles().next(), slab.handles().count(), slab.stats(), slab.check().is_ok()));
    slab.clear();
    slab.renew_retired();
    black_box(Handle::from_bits(handle.to_bits()));
    #[cfg(feature = "panicking")]
    black_box(slab.get(handle).unwrap());
}

#[inline(never)]
fn values(slab: &mut Slab, handle: Handle, number: usize) {
    let value = (number.to_le_bytes(), (1.5f32, (true, handle)));
    if let Ok(typed) = slab.alloc_value(black_box(&value)) {
        black_box(slab.value(black_box(typed)));
        black_box(slab.set_value(black_box(typed), &value).is_ok());
        black_box(slab.take_value(black_box(typed)).is_ok());
        black_box(typed.handle());
    }
    let allocator: &mut Slab = slab;
    black_box((Allocator::alloc(allocator, number).is_ok(), allocator.block_bytes_max()));
}

#[inline(never)]
fn chunks(source: &mut impl ChunkSource, index: u16) {
    let Some(chunk) = ChunkId::new(index) else { return };
    black_box((source.chunk_bytes(), source.tag(), source.take_chunk(Some(chunk)).is_ok()));
    black_box((source.next_chunk(chunk), source.chunk(chunk)));
    black_box(source.chunk_mut(chunk));
    black_box(source.give_chunk(chunk).is_ok());
}

#[inline(never)]
fn buffer(slab: &mut Slab, buf: &mut ByteBuffer, data: &[u8], out: &mut [u8], number: usize) {
    black_box(buf.write(slab, data).is_ok());
    black_box(buf.read(slab, out));
    if let Ok(mut grant) = buf.reserve(slab, number) {
        grant.fill(1);
        black_box(grant.commit(number));
    }
    black_box((buf.get(slab, number), buf.len(), buf.is_empty(), buf.check(slab).is_ok()));
    buf.chunks(slab).for_each(|chunk| {
        black_box(chunk);
    });
    let mut stream = buf.attach(slab);
    black_box((stream.write_str("text").is_ok(), stream.append(data).is_ok(), stream.take(out)));
    stream.skip(number);
    black_box(stream.front());
    black_box((stream.chunks().count(), stream.len(), stream.is_empty()));
    black_box(buf.clear(slab).is_ok());
}

#[inline(never)]
fn deque(slab: &mut Slab, deque: &mut ByteBufferDeque, data: &[u8], out: &mut [u8], number: usize) {
    black_box((deque.push_back(slab, 1).is_ok(), deque.write(slab, data).is_ok()));
    black_box((deque.pop_front(slab), deque.read(slab, out)));
    black_box(deque.front(slab));
    black_box(deque.consume(slab, number));
    if let Ok(grant) = deque.reserve(slab, number) {
        black_box(grant.commit(number));
    }
    black_box((deque.chunks(slab).count(), deque.len(), deque.is_empty(), deque.check(slab).is_ok()));
    black_box(deque.attach(slab).len());
    black_box(deque.clear(slab).is_ok());
}

static QUEUE: GlobalDeque<100> = GlobalDeque::new();

#[inline(never)]
fn queue(data: &[u8], out: &mut [u8], number: usize) {
    black_box((QUEUE.push(1).is_ok(), QUEUE.pop(), QUEUE.write(data), QUEUE.read(out)));
    black_box((QUEUE.len(), QUEUE.is_empty(), QUEUE.capacity()));
    if let Some(mut producer) = QUEUE.producer() {
        black_box((producer.push(1).is_ok(), producer.write(data)));
        let mut grant = producer.reserve(number);
        grant.fill(1);
        drop(grant.commit(number));
    }
    if let Some(mut consumer) = QUEUE.consumer() {
        black_box((consumer.pop(), consumer.read(out)));
        let grant = consumer.fetch();
        black_box(&*grant);
        drop(grant.release(number));
    }
    let mut own = GlobalDeque::<10>::new();
    let (mut producer, mut consumer) = own.split();
    black_box((producer.push(1).is_ok(), consumer.pop()));
}

static SHARED: Shared<u32> = Shared::new(0);
static SLAB: SharedSlab<1000, 7> = SharedSlab::new();

#[inline(never)]
fn shared(number: usize) {
    black_box(SHARED.with(|value| *value = value.wrapping_add(1)).is_ok());
    if let Ok(mut held) = SLAB.block(number) {
        held.fill(1);
        black_box(held.resize(number / 2).is_ok());
        black_box(&*held);
    }
    black_box((SLAB.stats().is_ok(), SLAB.check().is_ok()));
}

#[inline(never)]
fn global(data: &[u8], out: &mut [u8], number: usize) {
    black_box(AllocatorConfig::custom(&SLAB).init());
    black_box((block(number).is_ok(), stats().is_ok()));
    let mut buf = ByteBuffer::new();
    black_box((buf.extend(data).is_ok(), buf.take(out), buf.write_str("text").is_ok()));
    black_box(buf.with(|buf| buf.chunks().count()).is_ok());
    black_box(buf.discard().is_ok());
    let mut deque = ByteBufferDeque::new();
    black_box((deque.extend(data).is_ok(), deque.push(1).is_ok(), deque.pop(), deque.take(out)));
    black_box((deque.with(|deque| deque.len()).is_ok(), deque.discard().is_ok()));
}

#[unsafe(no_mangle)]
extern "C" fn main() -> i32 {
    let mut memory = black_box(Slab::new());
    let (mut data, mut out) = ([1; 300], [0; 300]);
    let number = black_box(7);
    let (data, out) = (black_box(&mut data[..]), black_box(&mut out[..]));
    let Some(bits) = NonZeroU32::new(black_box(9)) else { return 1 };
    slab(&mut memory, Handle::from_bits(bits), number);
    values(&mut memory, Handle::from_bits(bits), number);
    chunks(&mut memory, black_box(3));
    buffer(&mut memory, &mut black_box(ByteBuffer::new()), data, out, number);
    deque(&mut memory, &mut black_box(ByteBufferDeque::new()), data, out, number);
    queue(data, out, number);
    shared(number);
    global(data, out, number);
    0
}
