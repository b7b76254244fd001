//! The numbers of explicit caches. A cache holds nothing: blocks that name one are cached by the
//! thread, as others are.

use core::ffi::c_uint;
use core::sync::atomic::{AtomicU64, Ordering};

/// Numbers of caches have twelve bits in the flags of `mallocx`, and two values have a meaning of
/// their own.
const WORDS: usize = 4032 / 64;

static TAKEN: [AtomicU64; WORDS] = [const { AtomicU64::new(0) }; WORDS];

/// The lowest number that is free.
pub(super) fn create() -> Option<c_uint> {
    for (place, word) in TAKEN.iter().enumerate() {
        let first_free = |bits: u64| (bits != u64::MAX).then_some(bits | (bits + 1));
        if let Ok(before) = word.fetch_update(Ordering::Relaxed, Ordering::Relaxed, first_free) {
            return c_uint::try_from(place).ok().map(|place| place * u64::BITS + before.trailing_ones());
        }
    }
    None
}

pub(super) fn destroy(number: c_uint) {
    if let Some(word) = TAKEN.get((number / u64::BITS) as usize) {
        word.fetch_and(!(1 << (number % u64::BITS)), Ordering::Relaxed);
    }
}
