//! Bitmaps that never allocate, over plain or atomic words, owned, borrowed, or spread through
//! other records.
//!
//! [`Words`] is where the bits live, [`BitmapOps`] is what can be asked of them, and [`Bitmap`] and
//! [`BitSlice`] are the two ready-made homes. Searches look at a word at a time.
#![no_std]

mod bit_word;

mod words;

mod runs;

mod ops;

mod bit_slice;

mod bitmap;

pub use bit_slice::BitSlice;
pub use bit_word::BitWord;
pub use bitmap::Bitmap;
pub use ops::BitmapOps;
pub use runs::Runs;
pub use words::Words;
