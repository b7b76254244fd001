//! Random numbers that cost a few instructions: xorshift64*, for order and not for secrets.
//!
//! Marsaglia, "Xorshift RNGs", 2003; Vigna, "An experimental exploration of Marsaglia's xorshift
//! generators, scrambled", 2016.

use core::cell::Cell;

#[derive(Debug)]
pub(crate) struct Random(Cell<u64>);

impl Random {
    pub(crate) const fn new(seed: u64) -> Random {
        Random(Cell::new(seed | 1))
    }

    pub(crate) fn seed(&self, seed: u64) {
        self.0.set(seed | 1);
    }

    pub(crate) fn next(&self) -> u64 {
        let mut state = self.0.get();
        state ^= state >> 12;
        state ^= state << 25;
        state ^= state >> 27;
        self.0.set(state);
        state.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    /// A number below `end`, which is not 0.
    #[expect(clippy::cast_possible_truncation, reason = "it is below `end`")]
    pub(crate) fn below(&self, end: usize) -> usize {
        ((u128::from(self.next()) * end as u128) >> u64::BITS) as usize
    }
}

/// A number of which every bit depends on every bit of the other one: Stafford's variant 13 of the
/// finaliser of MurmurHash3.
pub(crate) const fn mixed(word: u64) -> u64 {
    let word = (word ^ word >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let word = (word ^ word >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    word ^ word >> 31
}

#[cfg(test)]
mod tests {
    use super::Random;

    #[test]
    fn every_number_below_the_end_comes_up_and_no_other() {
        let random = Random::new(0x1234_5678);
        let mut met = [0; 7];
        (0..7000).for_each(|_| met[random.below(7)] += 1);
        assert!(met.iter().all(|count| (800..1200).contains(count)), "{met:?}");
    }
}
