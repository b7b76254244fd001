//! A timer interrupt and main at the same ends of a queue and in the same slab. Reported of others:
//! rust-embedded/heapless#355 (on RISC-V, two contexts take the same byte),
//! roboterclubaachen/xpcc#33 (on AVR, a store comes after the interrupt that needs it),
//! zephyrproject-rtos/zephyr#16336 (an interrupt allocates from the pool of the thread that it came
//! upon).
#![no_std]
#![no_main]

use core::cell::UnsafeCell;

use firmware::flag::Flag;
use firmware::host::exit;
use firmware::{end_on_panic, println, timer};
use tinyalloc_embedded::prelude::*;

end_on_panic!();

const IS_SLOW: bool = cfg!(target_arch = "avr");
const TURNS: u16 = if IS_SLOW { 20_000 } else { 60_000 };
/// Odd, so that the interrupt comes at every place of main's loop in turn; cycles or instructions.
const BETWEEN: u32 = if IS_SLOW { 3989 } else { 2999 };
const VALUES: usize = 16;

static QUEUE: GlobalDeque<24> = GlobalDeque::new();
static SLAB: SharedSlab<96, 6> = SharedSlab::new();
static IS_STARTED: Flag = Flag::LOWERED;
static MAIN: Context = Context::new();
static INTERRUPT: Context = Context::new();

/// What one context did; its own, and main's once the interrupt is stopped.
struct Context(UnsafeCell<Deeds>);

unsafe impl Sync for Context {}

struct Deeds {
    turn: u16,
    pushed: [u16; VALUES],
    popped: [u16; VALUES],
    held: [Option<SharedBlock<'static>>; 2],
    allocated: u16,
    refused: u16,
}

impl Context {
    const fn new() -> Self {
        let counts = [0; VALUES];
        Self(UnsafeCell::new(Deeds { turn: 0, pushed: counts, popped: counts, held: [None, None], allocated: 0, refused: 0 }))
    }

    fn deeds(&self) -> &'static mut Deeds {
        unsafe { &mut *self.0.get() }
    }
}

impl Deeds {
    /// Pushes a value, pops one, and allocates, checks or frees a block.
    fn turn(&mut self, mark: u8) {
        self.turn = self.turn.wrapping_add(1);
        let value = self.turn.to_le_bytes()[0] & 15;
        if QUEUE.push(value).is_ok() {
            self.pushed[usize::from(value)] += 1;
        }
        if let Some(value) = QUEUE.pop() {
            self.popped[usize::from(value)] += 1;
        }
        let place = &mut self.held[usize::from(value & 1)];
        match place.take() {
            Some(block) => assert!(block.iter().all(|byte| *byte == mark ^ value & 1), "a block of another context"),
            None => match SLAB.block(usize::from(value)) {
                Ok(mut block) => {
                    block.fill(mark ^ value & 1);
                    (*place, self.allocated) = (Some(block), self.allocated.wrapping_add(1));
                }
                Err(_) => self.refused = self.refused.wrapping_add(1),
            },
        }
    }
}

#[unsafe(no_mangle)]
extern "C" fn on_timer() {
    if IS_STARTED.is_raised() {
        (0..2).for_each(|_| INTERRUPT.deeds().turn(0xA0));
    }
}

#[unsafe(no_mangle)]
extern "C" fn main() -> ! {
    timer::start_interrupts(BETWEEN);
    IS_STARTED.raise();
    (0..TURNS).for_each(|_| MAIN.deeds().turn(0x50));
    timer::stop();
    let (main, interrupt) = (MAIN.deeds(), INTERRUPT.deeds());
    while let Some(value) = QUEUE.pop() {
        main.popped[usize::from(value)] += 1;
    }
    for value in 0..VALUES {
        assert!(main.pushed[value] + interrupt.pushed[value] == main.popped[value] + interrupt.popped[value]);
    }
    let held = main.held.iter().chain(&interrupt.held).flatten().count();
    assert!(SLAB.stats().is_ok_and(|stats| stats.live == held) && SLAB.check() == Ok(Ok(())));
    assert!(interrupt.turn > TURNS / 100 && interrupt.allocated > interrupt.turn / 8 && main.allocated > TURNS / 8);
    let turns = (u32::from(main.turn), u32::from(interrupt.turn));
    println!("test ", turns.0, " turns of main and ", turns.1, " of an interrupt, each byte and block once ... ok");
    exit(true)
}
