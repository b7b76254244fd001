//! The promises, where there are 2 KiB of memory: those of `suite` that fit.
#![no_std]
#![no_main]

use firmware::host::exit;
use firmware::{end_on_panic, println};
use tinyalloc_embedded::prelude::*;

end_on_panic!();

const SLOTS: usize = 6;

/// A byte that says which block and which round it is of.
fn mark(round: u16, nth: usize) -> u8 {
    round.to_le_bytes()[0].wrapping_mul(31) ^ nth.to_le_bytes()[0]
}

fn a_slab_keeps_blocks_apart_and_refuses_stale_handles() -> bool {
    let mut slab = TinySlabAllocator::<120, SLOTS>::new();
    let mut live = [None; SLOTS];
    (0..2000).all(|round| {
        let nth = usize::from(round) * 7 % 11 % SLOTS;
        let is_right = match live[nth].take() {
            None => slab.alloc_uninit(nth * 4).is_ok_and(|(handle, block)| {
                block.fill(mark(round, nth));
                live[nth] = Some((handle, mark(round, nth)));
                true
            }),
            Some((handle, mark)) => {
                slab.get(handle).is_some_and(|block| block.len() == nth * 4 && block.iter().all(|byte| *byte == mark))
                    && slab.free(handle).is_ok()
                    && slab.free(handle) == Err(AllocError::Stale)
                    && slab.get(handle).is_none()
            }
        };
        is_right && slab.check().is_ok() && slab.stats().live == live.iter().flatten().count()
    })
}

fn what_does_not_fit_is_refused() -> bool {
    let mut slab = TinySlabAllocator::<64, 4>::new();
    let all = (0..4).all(|_| slab.alloc(16).is_ok());
    all && slab.alloc(16) == Err(AllocError::OutOfSlots)
        && (17..5000).chain(usize::MAX - 5000..=usize::MAX).all(|bytes| slab.alloc(bytes) == Err(AllocError::TooLarge))
}

fn buffers_hold_what_was_written() -> bool {
    let mut slab = TinySlabAllocator::<144, 9>::new();
    let mut deque = ByteBufferDeque::new();
    let (mut sent, mut received) = (0u8, 0u8);
    (0..2000u16).all(|round| {
        let bytes = usize::from(round) * 5 % 23;
        let mut data = [0; 23];
        if round % 2 == 0 {
            data.iter_mut().zip(0..).for_each(|(byte, at)| *byte = sent.wrapping_add(at));
            if deque.write(&mut slab, &data[..bytes]).is_ok() {
                sent = sent.wrapping_add(bytes as u8);
            }
        } else {
            let read = deque.read(&mut slab, &mut data[..bytes]);
            let is_right = data[..read].iter().zip(0..).all(|(byte, at)| *byte == received.wrapping_add(at));
            received = received.wrapping_add(read as u8);
            if !is_right {
                return false;
            }
        }
        deque.len() as u8 == sent.wrapping_sub(received) && deque.check(&slab).is_ok()
    }) && deque.clear(&mut slab).is_ok()
        && slab.stats().live == 0
}

fn a_queue_passes_bytes_and_pieces() -> bool {
    static QUEUE: GlobalDeque<50> = GlobalDeque::new();
    let (mut sent, mut received) = (0u8, 0u8);
    (0..3000u16).all(|round| {
        let mut data = [0; 19];
        data.iter_mut().zip(0..).for_each(|(byte, at)| *byte = sent.wrapping_add(at));
        sent = sent.wrapping_add(QUEUE.write(&data[..usize::from(round % 20)]) as u8);
        let read = QUEUE.read(&mut data[..usize::from(round % 17)]);
        let is_right = data[..read].iter().zip(0..).all(|(byte, at)| *byte == received.wrapping_add(at));
        received = received.wrapping_add(read as u8);
        is_right && QUEUE.len() as u8 == sent.wrapping_sub(received)
    })
}

fn blocks_come_back_when_they_are_dropped() -> bool {
    static SLAB: SharedSlab<96, 6> = SharedSlab::new();
    (0..200).all(|_| {
        let blocks = [(); 6].map(|()| SLAB.block(16));
        blocks.iter().all(Result::is_ok) && SLAB.block(1).err() == Some(AllocError::OutOfSlots)
    }) && SLAB.stats().is_ok_and(|stats| stats.live == 0)
}

#[unsafe(no_mangle)]
extern "C" fn main() -> ! {
    let tests: [(&str, fn() -> bool); 5] = [
        ("a slab", a_slab_keeps_blocks_apart_and_refuses_stale_handles),
        ("what does not fit", what_does_not_fit_is_refused),
        ("a buffer", buffers_hold_what_was_written),
        ("a queue", a_queue_passes_bytes_and_pieces),
        ("a shared slab", blocks_come_back_when_they_are_dropped),
    ];
    for (name, test) in tests {
        if !test() {
            println!("test ", name, " ... FAILED");
            exit(false)
        }
        println!("test ", name, " ... ok");
    }
    exit(true)
}
