//! What one sample represents.

/// Blocks are counted in parts of so many.
pub(crate) const BLOCK_PARTS: u64 = 1 << 12;

/// The blocks that a sampled one represents, and their bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Estimate {
    block_parts: u64,
    bytes: u64,
}

impl Estimate {
    /// Of a block of `bytes` that was sampled with the probability `1 - exp(-bytes / interval)`.
    #[expect(clippy::cast_precision_loss, reason = "an estimate")]
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a positive number; a cast saturates")]
    pub(crate) fn new(bytes: usize, interval: usize) -> Estimate {
        let blocks = 1.0 / sampled_part(bytes as f64 / interval.max(1) as f64);
        Estimate { block_parts: (blocks * BLOCK_PARTS as f64 + 0.5) as u64, bytes: (blocks * bytes as f64 + 0.5) as u64 }
    }

    /// Of a sampled block of `bytes` that represents so many.
    pub(crate) const fn known(bytes: usize, represented: u64) -> Estimate {
        let bytes = if bytes == 0 { 1 } else { bytes as u64 };
        Estimate { block_parts: (represented * BLOCK_PARTS + bytes / 2) / bytes, bytes: represented }
    }

    pub(crate) const fn bytes(self) -> u64 {
        self.bytes
    }

    pub(crate) const fn block_parts(self) -> u64 {
        self.block_parts
    }
}

/// `1 - exp(-x)`: its series for a 64th of x, which is small where the result is not 1, and
/// squared six times.
fn sampled_part(x: f64) -> f64 {
    if x > 40.0 {
        return 1.0;
    }
    let small = x / 64.0;
    let mut part = small * (1.0 - small / 2.0 * (1.0 - small / 3.0 * (1.0 - small / 4.0 * (1.0 - small / 5.0))));
    for _ in 0..6 {
        // 1 - (1 - p)^2, without the difference of two numbers that are almost the same.
        part *= 2.0 - part;
    }
    part
}

#[cfg(test)]
mod tests {
    use super::{Estimate, sampled_part};

    #[test]
    fn the_sampled_part_is_right_to_a_millionth() {
        for x in [1e-6, 1e-4, 0.01, 0.1, 0.5, 1.0, 2.0, 5.0, 10.0, 39.0, 41.0_f64] {
            let exact = -(-x).exp_m1();
            assert!((sampled_part(x) / exact - 1.0).abs() < 1e-6, "{x}");
        }
    }

    #[test]
    fn a_small_block_represents_an_interval_and_a_large_one_itself() {
        let small = Estimate::new(64, 1 << 19);
        assert!((524_288..524_400).contains(&small.bytes()), "{small:?}");
        assert_eq!(Estimate::new(1 << 26, 1 << 19).bytes(), 1 << 26);
    }
}
