//! The word types that a bitmap can be made of: unsigned integers in a `Cell`, or their atomic
//! counterparts.

use core::cell::Cell;
use core::sync::atomic::{AtomicU8, AtomicU16, AtomicU32, AtomicU64, AtomicUsize, Ordering};

/// A word that is changed through a shared reference; its value travels as `u64`.
///
/// Reads of atomic words acquire and changes release, so that what was written before a bit was set
/// is seen by the thread that finds it set.
pub trait BitWord {
    /// Bits of the word.
    const BITS: usize;

    /// A word with every bit clear.
    const ZERO: Self;

    /// The value.
    fn load(&self) -> u64;

    /// Replaces the value.
    fn store(&self, value: u64);

    /// Sets the bits of `mask`; returns the value before.
    fn fetch_or(&self, mask: u64) -> u64;

    /// Keeps only the bits of `mask`; returns the value before.
    fn fetch_and(&self, mask: u64) -> u64;

    /// Flips the bits of `mask`; returns the value before.
    fn fetch_xor(&self, mask: u64) -> u64;

    /// Replaces `current` by `new`.
    ///
    /// # Errors
    /// The value, when it was not `current`; rarely also when it was.
    fn compare_exchange(&self, current: u64, new: u64) -> Result<u64, u64>;
}

macro_rules! plain_word {
    ($integer:ty) => {
        #[allow(clippy::cast_possible_truncation, clippy::unnecessary_cast, reason = "one macro for every width")]
        impl BitWord for Cell<$integer> {
            const BITS: usize = <$integer>::BITS as usize;
            const ZERO: Self = Cell::new(0);

            #[inline]
            fn load(&self) -> u64 {
                self.get() as u64
            }

            #[inline]
            fn store(&self, value: u64) {
                self.set(value as $integer);
            }

            #[inline]
            fn fetch_or(&self, mask: u64) -> u64 {
                self.replace(self.get() | mask as $integer) as u64
            }

            #[inline]
            fn fetch_and(&self, mask: u64) -> u64 {
                self.replace(self.get() & mask as $integer) as u64
            }

            #[inline]
            fn fetch_xor(&self, mask: u64) -> u64 {
                self.replace(self.get() ^ mask as $integer) as u64
            }

            #[inline]
            fn compare_exchange(&self, current: u64, new: u64) -> Result<u64, u64> {
                if self.load() != current {
                    return Err(self.load());
                }
                self.store(new);
                Ok(current)
            }
        }
    };
}

macro_rules! atomic_word {
    ($atomic:ty, $integer:ty) => {
        #[allow(clippy::cast_possible_truncation, clippy::unnecessary_cast, reason = "one macro for every width")]
        impl BitWord for $atomic {
            const BITS: usize = <$integer>::BITS as usize;
            const ZERO: Self = <$atomic>::new(0);

            #[inline]
            fn load(&self) -> u64 {
                self.load(Ordering::Acquire) as u64
            }

            #[inline]
            fn store(&self, value: u64) {
                self.store(value as $integer, Ordering::Release);
            }

            #[inline]
            fn fetch_or(&self, mask: u64) -> u64 {
                self.fetch_or(mask as $integer, Ordering::AcqRel) as u64
            }

            #[inline]
            fn fetch_and(&self, mask: u64) -> u64 {
                self.fetch_and(mask as $integer, Ordering::AcqRel) as u64
            }

            #[inline]
            fn fetch_xor(&self, mask: u64) -> u64 {
                self.fetch_xor(mask as $integer, Ordering::AcqRel) as u64
            }

            #[inline]
            fn compare_exchange(&self, current: u64, new: u64) -> Result<u64, u64> {
                match self.compare_exchange_weak(current as $integer, new as $integer, Ordering::AcqRel, Ordering::Acquire) {
                    Ok(before) => Ok(before as u64),
                    Err(before) => Err(before as u64),
                }
            }
        }
    };
}

plain_word!(u8);
plain_word!(u16);
plain_word!(u32);
plain_word!(u64);
plain_word!(usize);
atomic_word!(AtomicU8, u8);
atomic_word!(AtomicU16, u16);
atomic_word!(AtomicU32, u32);
atomic_word!(AtomicU64, u64);
atomic_word!(AtomicUsize, usize);
