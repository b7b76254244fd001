//! Messages between an interrupt and main without copying: the interrupt fills a block of a shared
//! slab, main has it next, and drops it.
//!
//! A thread represents the interrupt.

use std::thread::{scope, yield_now};

use tinyalloc_embedded::prelude::*;

const WAITING: usize = 4;

/// The memory of the messages, and those that wait: plain statics, nothing to initialise.
static POOL: SharedSlab<512, 8, 4> = SharedSlab::new();
static INBOX: Shared<Inbox> = Shared::new(Inbox { messages: [const { None }; WAITING], first: 0, count: 0 });

struct Inbox {
    messages: [Option<SharedBlock<'static>>; WAITING],
    first: usize,
    count: usize,
}

impl Inbox {
    /// Only the block's handle moves: the critical section is as short for a long message as for a
    /// short one.
    fn put(&mut self, message: SharedBlock<'static>) -> Result<(), SharedBlock<'static>> {
        if self.count == WAITING {
            return Err(message);
        }
        self.messages[(self.first + self.count) % WAITING] = Some(message);
        self.count += 1;
        Ok(())
    }

    fn take(&mut self) -> Option<SharedBlock<'static>> {
        let message = self.messages[self.first].take()?;
        (self.first, self.count) = ((self.first + 1) % WAITING, self.count - 1);
        Some(message)
    }
}

/// The interrupt: false if there is no room, and the message was dropped.
fn on_measurement(number: u8) -> bool {
    let Ok(mut message) = POOL.block(48) else { return false };
    message.fill(number);
    let mut message = Some(message);
    let put = INBOX.with(|inbox| message.take().map_or(Ok(()), |message| inbox.put(message)));
    matches!(put, Ok(Ok(())))
}

fn main() {
    scope(|scope| {
        scope.spawn(|| {
            for number in 0..=255 {
                while !on_measurement(number) {
                    yield_now();
                }
            }
        });
        let mut expected = 0..=255u8;
        while !expected.is_empty() {
            match INBOX.with(Inbox::take) {
                Ok(Some(message)) => {
                    let number = expected.next();
                    assert!(message.len() == 48 && message.iter().all(|byte| Some(*byte) == number));
                }
                _ => yield_now(),
            }
        }
    });
    let stats = POOL.stats();
    assert_eq!(stats.map(|stats| stats.live), Ok(0));
    println!("256 messages in order; at most {} at once", stats.map_or(0, |stats| stats.live_max));
}
