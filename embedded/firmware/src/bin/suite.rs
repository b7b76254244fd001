//! The promises, on the target: what the tests of the crate check on the host, with the sizes and
//! the instructions of a microcontroller.
#![no_std]
#![no_main]

use core::fmt::Write;
use core::num::NonZeroU32;

use firmware::host::exit;
use firmware::{end_on_panic, println};
use tinyalloc_embedded::global::{AllocatorConfig, block, stats};
use tinyalloc_embedded::prelude::*;

end_on_panic!();

/// The same sequence on every run.
struct Random(u32);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (self.0 >> 8) as usize % end
    }
}

fn a_slab_keeps_blocks_apart_and_refuses_stale_handles() {
    const SLOTS: usize = 12;
    static mut SLAB: TinySlabAllocator<400, SLOTS, 4> = TinySlabAllocator::new();
    let slab = unsafe { &mut *&raw mut SLAB };
    let mut live: [Option<(Handle, u8)>; SLOTS] = [None; SLOTS];
    let mut random = Random(1);
    for round in 0..4000u32 {
        let (nth, mark) = (random.below(SLOTS), round.to_le_bytes()[0]);
        match live[nth].take() {
            Some((handle, mark)) => {
                assert!(slab.get(handle).is_some_and(|block| block.iter().all(|byte| *byte == mark)));
                assert_eq!(slab.free(handle), Ok(()));
                assert_eq!(slab.free(handle), Err(AllocError::Stale));
                assert!(slab.get(handle).is_none());
            }
            None => {
                let (handle, block) = slab.alloc_uninit(random.below(33)).expect("there is a slot for each");
                assert_eq!(block.as_ptr().addr() % 4, 0);
                block.fill(mark);
                live[nth] = Some((handle, mark));
            }
        }
        let count = live.iter().flatten().count();
        assert!(slab.stats().live == count && slab.check().is_ok() && slab.handles().count() == count);
    }
}

fn the_defects_are_not_ours() {
    let mut slab = TinySlabAllocator::<1024, 2>::new();
    assert_eq!(slab.alloc_uninit(300).map(|(_, block)| block.len()), Ok(300));
    let mut fresh = TinySlabAllocator::<1024, 32>::new();
    for bits in 1..2000 {
        let handle = NonZeroU32::new(bits).map(Handle::from_bits).expect("not zero");
        assert_eq!(fresh.free(handle), Err(AllocError::Foreign));
    }
    assert_eq!((0..33).filter(|_| fresh.alloc(32).is_ok()).count(), 32);
    assert_eq!(fresh.alloc_uninit(64).err(), Some(AllocError::TooLarge));
    let mut worn = TinySlabAllocator::<32, 2>::new();
    let first = worn.alloc(1).expect("free");
    assert_eq!(worn.free(first), Ok(()));
    for _ in 0..2000 {
        let handle = worn.alloc(1).expect("free");
        assert!(worn.get(first).is_none() && worn.free(handle).is_ok());
    }
}

fn values_come_back_from_unaligned_slots() {
    let mut slab = TinySlabAllocator::<91, 7>::new();
    let typed = [1u64, 2, 3].map(|number| slab.alloc_value(&(number, (-7i32, true))).expect("free"));
    assert_eq!(typed.map(|typed| slab.value(typed)), [1, 2, 3].map(|number| Some((number, (-7, true)))));
}

fn buffers_hold_what_was_written() {
    let mut slab = TinySlabAllocator::<300, 20>::new();
    let (mut deque, mut random) = (ByteBufferDeque::new(), Random(2));
    let (mut sent, mut received) = (0u32, 0u32);
    for _ in 0..3000 {
        let mut data = [0; 40];
        let bytes = random.below(40);
        if random.below(2) == 0 {
            (sent..).zip(&mut data).for_each(|(at, byte)| *byte = at.to_le_bytes()[0]);
            let fits = deque.write(&mut slab, &data[..bytes]).is_ok();
            sent += if fits { bytes as u32 } else { 0 };
        } else {
            let read = deque.read(&mut slab, &mut data[..bytes]);
            assert!((received..).zip(&data[..read]).all(|(at, byte)| *byte == at.to_le_bytes()[0]));
            received += read as u32;
        }
        assert!(deque.check(&slab).is_ok() && slab.check().is_ok());
        assert_eq!(deque.len() as u32, sent - received);
    }
    assert!(sent > 10_000);
    deque.clear(&mut slab).expect("ours");
    assert_eq!(slab.stats().live, 0);
}

fn the_programs_slab_serves_buffers_and_blocks() {
    assert_eq!(ByteBuffer::new().extend(b"too early"), Err(ByteBufferError::Uninitialised));
    assert_eq!(block(1).err(), Some(AllocError::Uninitialised));
    assert!(AllocatorConfig::Slab512B16.init() && AllocatorConfig::Slab512B16.init() && !AllocatorConfig::Slab1K32.init());
    let mut buf = ByteBuffer::new();
    // `write!` needs an aligned stack, which AVR has by chance alone: see `firmware::host`.
    if cfg!(target_arch = "avr") {
        buf.extend(&[b'x'; 46]).expect("there is room");
    } else {
        write!(buf, "{} of {:>40}", 42, "text").expect("there is room");
    }
    let held = block(32).expect("free");
    assert_eq!((buf.len(), held.len(), stats().map(|stats| stats.live)), (46, 32, Ok(3)));
    assert_eq!(buf.extend(&[0; 512]), Err(ByteBufferError::AllocationFailed));
    drop((buf, held));
    assert_eq!(stats().map(|stats| stats.live), Ok(0));
}

fn a_queue_passes_bytes_and_pieces() {
    static QUEUE: GlobalDeque<100> = GlobalDeque::new();
    let (mut random, mut sent, mut received) = (Random(3), 0u32, 0u32);
    for _ in 0..4000 {
        let mut data = [0; 30];
        let bytes = random.below(30);
        (sent..).zip(&mut data).for_each(|(at, byte)| *byte = at.to_le_bytes()[0]);
        sent += match random.below(3) {
            0 => QUEUE.write(&data[..bytes]) as u32,
            1 => u32::from(QUEUE.push(sent.to_le_bytes()[0]).is_ok()),
            _ => {
                let mut grant = QUEUE.producer().expect("no other context").reserve(bytes);
                let room = grant.len();
                grant.copy_from_slice(&data[..room]);
                drop(grant.commit(room));
                room as u32
            }
        };
        let grant = QUEUE.consumer().expect("no other context").fetch();
        let take = grant.len().min(random.below(30));
        assert!((received..).zip(&grant[..take]).all(|(at, byte)| *byte == at.to_le_bytes()[0]));
        received += take as u32;
        drop(grant.release(take));
        assert_eq!(QUEUE.len() as u32, sent - received);
    }
    assert!(received > 10_000);
}

fn a_closure_has_a_value_alone() {
    static NUMBER: Shared<u32> = Shared::new(0);
    let outcome = NUMBER.with(|number| {
        *number += 1;
        NUMBER.with(|_| ())
    });
    assert_eq!(outcome, Ok(Err(AllocError::Busy)));
    assert_eq!(NUMBER.with(|number| *number), Ok(1));
}

macro_rules! tests {
    ($($test:ident),* $(,)?) => {
        [$((stringify!($test), $test as fn())),*]
    };
}

#[unsafe(no_mangle)]
extern "C" fn main() -> ! {
    let tests = tests![
        a_slab_keeps_blocks_apart_and_refuses_stale_handles,
        the_defects_are_not_ours,
        values_come_back_from_unaligned_slots,
        buffers_hold_what_was_written,
        the_programs_slab_serves_buffers_and_blocks,
        a_queue_passes_bytes_and_pieces,
        a_closure_has_a_value_alone,
    ];
    for (name, test) in tests {
        test();
        println!("test ", name, " ... ok");
    }
    exit(true)
}
