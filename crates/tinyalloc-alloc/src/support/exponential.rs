//! Random distances between marks: exponential numbers, without a library of mathematics.

use core::f64::consts::{LN_2, SQRT_2};

use super::random::Random;

/// Bits of a floating-point number behind the point, and its exponent if it is in [1, 2).
const FRACTION_BITS: u32 = 52;
const EXPONENT: u64 = 1023 << FRACTION_BITS;

/// The number of slots before the next one that is marked, among `slots` of `bytes` each; `None` if
/// it is none of them. Each is marked with the probability `1 - exp(-bytes / interval)`: the
/// chance that a point falls into it, where points lie at random on all bytes, one in `interval`
/// bytes on the average.
pub(crate) fn next_mark(random: &Random, slots: usize, bytes: usize, interval: usize) -> Option<usize> {
    mark_at(random.next(), slots, bytes, interval)
}

/// As [`next_mark`], by a number that is random in all its bits.
#[expect(clippy::cast_precision_loss, reason = "a random number")]
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "positive, and less than the slots")]
pub(crate) fn mark_at(random: u64, slots: usize, bytes: usize, interval: usize) -> Option<usize> {
    let reach = slots as u64 * bytes as u64;
    // The logarithm is at least this, and mostly that is enough.
    let least = ((u128::from(!random) * interval as u128) >> u64::BITS) as u64;
    if least >= reach {
        return None;
    }
    let distance = exponential(random) * interval as f64;
    (distance < reach as f64).then_some(((distance / bytes as f64) as usize).min(slots - 1))
}

/// `-ln(random / 2^64)`.
fn exponential(random: u64) -> f64 {
    let random = random | 1;
    let zeros = random.leading_zeros();
    let mantissa = f64::from_bits(((random << zeros) << 1) >> (u64::BITS - FRACTION_BITS) | EXPONENT);
    // Near 1, where the series is short.
    let (mantissa, halvings) = if mantissa > SQRT_2 { (mantissa / 2.0, zeros) } else { (mantissa, zeros + 1) };
    let part = (mantissa - 1.0) / (mantissa + 1.0);
    let square = part * part;
    let series = 1.0 + square * (1.0 / 3.0 + square * (1.0 / 5.0 + square * (1.0 / 7.0 + square / 9.0)));
    f64::from(halvings) * LN_2 - 2.0 * part * series
}

#[cfg(test)]
mod tests {
    use super::{Random, exponential, mark_at, next_mark};

    #[test]
    fn logarithms_are_right_to_a_billionth() {
        for random in [1, 2, 3, 0x1234_5678, 1 << 40, u64::MAX / 3, u64::MAX / 2, u64::MAX - 5] {
            let is = exponential(random);
            let should = -((random | 1) as f64 / 2_f64.powi(64)).ln();
            assert!((is - should).abs() < 1e-9 * should.max(1e-6), "{is} for {should}");
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
            let exact = exponential(number) * 10_000.0 < 3200.0;
            assert_eq!(mark_at(number, 50, 64, 10_000).is_some(), exact);
        }
    }
}
