//! Random distances between marks: exponential numbers, without a library of mathematics.

use super::random::Random;

const FRACTION_BITS: u32 = 32;
/// The natural logarithm of 2, as a fraction of 2^32.
const LN_2: u64 = 2_977_044_472;
/// Bits of a logarithm behind the point.
const LOG_BITS: u32 = 24;

/// The number of slots before the next one that is marked, among `slots` of `bytes` each; `None` if
/// it is none of them. Each is marked with the probability `1 - exp(-bytes / interval)`: the
/// chance that a point falls into it, where points lie at random on all bytes, one in `interval`
/// bytes on the average.
pub(crate) fn next_mark(random: &Random, slots: usize, bytes: usize, interval: usize) -> Option<usize> {
    mark_at(random.next(), slots, bytes, interval)
}

/// As [`next_mark`], by a number that is random in all its bits.
pub(crate) fn mark_at(random: u64, slots: usize, bytes: usize, interval: usize) -> Option<usize> {
    let reach = slots as u128 * bytes as u128;
    // The logarithm is at least this, and mostly that is enough.
    let least = (u128::from(!random) * interval as u128) >> u64::BITS;
    if least >= reach {
        return None;
    }
    let distance = (u128::from(exponential(random)) * interval as u128) >> FRACTION_BITS;
    let distance = u64::try_from(distance).ok().filter(|distance| u128::from(*distance) < reach)?;
    usize::try_from(distance / bytes as u64).ok()
}

/// `-ln(random / 2^64)`, as a fraction of 2^32.
#[expect(clippy::cast_possible_truncation, reason = "at most 45 times 2^32")]
fn exponential(random: u64) -> u64 {
    let random = random | 1;
    let zeros = random.leading_zeros();
    // In [1, 2), with 31 bits behind the point: squares fit.
    let mut mantissa = random << zeros >> 32;
    let mut log = 0;
    for _ in 0..LOG_BITS {
        mantissa = (mantissa * mantissa) >> 31;
        log <<= 1;
        if mantissa >= 1 << 32 {
            mantissa >>= 1;
            log |= 1;
        }
    }
    let log_2 = (u64::from(zeros + 1) << LOG_BITS) - log;
    ((u128::from(log_2) * u128::from(LN_2)) >> LOG_BITS) as u64
}

#[cfg(test)]
mod tests {
    use super::{Random, exponential, mark_at, next_mark};

    #[test]
    fn logarithms_are_right_to_a_millionth() {
        for random in [1, 2, 3, 0x1234_5678, 1 << 40, u64::MAX / 3, u64::MAX / 2, u64::MAX - 5] {
            let is = exponential(random) as f64 / 2_f64.powi(32);
            let should = -((random | 1) as f64 / 2_f64.powi(64)).ln();
            assert!((is - should).abs() < 1e-6, "{is} for {should}");
        }
    }

    #[test]
    fn so_many_are_marked_whatever_their_size_and_however_they_come() {
        let random = Random::new(0x9876_5432);
        for (slots, bytes, interval) in [(256, 16, 4096), (4, 1024, 4096), (1, 4096, 4096), (1, 16_384, 4096), (64, 64, 1 << 16)]
        {
            let all = 2_000_000 / slots;
            let mut marked = 0;
            for _ in 0..all {
                let mut left = slots;
                while let Some(before) = next_mark(&random, left, bytes, interval) {
                    assert!(before < left);
                    marked += 1;
                    left -= before + 1;
                }
            }
            let probability = 1.0 - (-(bytes as f64) / interval as f64).exp();
            let expected = (all * slots) as f64 * probability;
            let deviation = (expected * (1.0 - probability)).sqrt();
            assert!((f64::from(marked) - expected).abs() < 4.0 * deviation, "{marked} for {expected} of {bytes} bytes");
        }
    }

    #[test]
    fn the_quick_answer_is_that_of_the_logarithm() {
        let random = Random::new(5);
        for _ in 0..100_000 {
            let number = random.next();
            let exact = ((u128::from(exponential(number)) * 10_000) >> 32) < 3200;
            assert_eq!(mark_at(number, 50, 64, 10_000).is_some(), exact);
        }
    }
}
