//! How full the spans of blocks are.

use core::ptr::{NonNull, with_exposed_provenance_mut};

use libc::EINVAL;

use super::super::exchange::Exchange;
use super::super::names::{Outcome, Place};
use crate::process::instance::ALLOCATOR;
use crate::process::thread::Thread;

/// For each address: free slots of its span, its slots, its bytes.
const WORDS: usize = 3;

/// For each address of the new value three words of the old one; zeros for what is no block.
pub(in super::super) fn batch_query(_: Place, exchange: &Exchange) -> Outcome {
    let addresses = exchange.new_words();
    let is_whole = exchange.has_new_words() && addresses > 0 && exchange.has_old();
    if !is_whole || exchange.old_bytes() != Some(addresses * WORDS * size_of::<usize>()) {
        return Err(EINVAL);
    }
    for place in 0..addresses {
        let words = usage(exchange.new_word(place).unwrap_or(0));
        words.into_iter().enumerate().for_each(|(at, word)| exchange.put_word(place * WORDS + at, word));
    }
    Ok(())
}

fn usage(address: usize) -> [usize; WORDS] {
    if let Some(usage) = ALLOCATOR.span_usage(Thread, address) {
        return [usage.slots - usage.live_slots.min(usage.slots), usage.slots, usage.span_bytes];
    }
    let block = NonNull::new(with_exposed_provenance_mut(address));
    block.and_then(|start| ALLOCATOR.large_block_bytes(Thread, start)).map_or([0; WORDS], |bytes| [0, 1, bytes])
}
