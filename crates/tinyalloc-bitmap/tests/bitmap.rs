//! Owned and borrowed bitmaps, plain and atomic.
#![allow(clippy::disallowed_types, clippy::unwrap_used, clippy::absolute_paths)]

use core::cell::Cell;
use core::sync::atomic::{AtomicU8, AtomicU16, AtomicU32, AtomicU64, AtomicUsize};
use std::collections::HashSet;
use std::thread;
use tinyalloc_bitmap::{BitSlice, BitWord, Bitmap, BitmapOps, Words};

static SHARED: Bitmap<AtomicU64, 8> = Bitmap::new();

fn changes_return_the_bit_before<W: BitWord>() {
    let bitmap = Bitmap::<W, 3>::new();
    let bits = 3 * W::BITS;
    assert_eq!(bitmap.bits(), bits);
    assert!(bitmap.all_clear(0..bits));
    for bit in 0..bits {
        assert!(!bitmap.set(bit));
        assert!(bitmap.set(bit));
        assert!(bitmap.get(bit));
    }
    assert_eq!(bitmap.find_first_clear(0), None);
    for bit in 0..bits {
        assert!(bitmap.clear(bit));
        assert!(!bitmap.clear(bit));
        assert!(!bitmap.flip(bit));
        assert!(bitmap.flip(bit));
        assert!(!bitmap.get(bit));
    }
    (0..bits).for_each(|bit| assert_eq!(bitmap.claim_first_clear(), Some(bit)));
    assert_eq!(bitmap.claim_first_clear(), None);
    bitmap.clear(bits - 2);
    assert_eq!(bitmap.claim_first_clear(), Some(bits - 2));
    bitmap.set_word(0, 0b1010);
    assert_eq!(bitmap.set_runs(0).next(), Some(1..2));
}

#[test]
fn changes_return_the_bit_before_for_every_word_type() {
    changes_return_the_bit_before::<Cell<u8>>();
    changes_return_the_bit_before::<Cell<u16>>();
    changes_return_the_bit_before::<Cell<u32>>();
    changes_return_the_bit_before::<Cell<u64>>();
    changes_return_the_bit_before::<Cell<usize>>();
    changes_return_the_bit_before::<AtomicU8>();
    changes_return_the_bit_before::<AtomicU16>();
    changes_return_the_bit_before::<AtomicU32>();
    changes_return_the_bit_before::<AtomicU64>();
    changes_return_the_bit_before::<AtomicUsize>();
}

#[test]
fn threads_claim_each_bit_once() {
    let claimed: Vec<usize> = thread::scope(|scope| {
        let claim = || std::iter::from_fn(|| SHARED.claim_first_clear()).collect::<Vec<_>>();
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(claim)).collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(claimed.len(), SHARED.bits());
    assert_eq!(claimed.iter().collect::<HashSet<_>>().len(), SHARED.bits());
}

#[test]
fn threads_change_neighbouring_bits_without_losing_any() {
    let bitmap = Bitmap::<AtomicU8, 8>::new();
    thread::scope(|scope| {
        for part in 0..4 {
            let bitmap = &bitmap;
            scope.spawn(move || {
                for _ in 0..if cfg!(miri) { 20 } else { 2000 } {
                    bitmap.set_range(part * 16 + 3..part * 16 + 19 - 3 * (part / 3));
                    bitmap.clear_range(part * 16 + 3..part * 16 + 16);
                    bitmap.set(part * 16 + 3);
                }
            });
        }
    });
    assert!((0..4).all(|part| BitmapOps::get(&bitmap, part * 16 + 3)));
}

#[test]
fn a_borrowed_bitmap_refuses_more_bits_than_its_words_have() {
    let words = [const { Cell::new(0u32) }; 2];
    assert!(BitSlice::new(&words, 65).is_none());
    assert!(BitSlice::<Cell<u32>>::new(&[], 0).is_some());
    let slice = BitSlice::new(&words, 33).unwrap();
    (0..33).for_each(|bit| assert_eq!(slice.claim_first_clear(), Some(bit)));
    assert_eq!(slice.claim_first_clear(), None);
    assert_eq!(slice.trailing_clear_run(), 0);
    assert_eq!(words[1].get(), 1);
}

#[test]
#[should_panic(expected = "out of bounds")]
fn a_bit_beyond_the_words_is_never_read() {
    assert!(Bitmap::<Cell<u8>, 2>::new().get(16));
}
