//! Sizes, as people write and read them.

const UNITS: [(&str, u64); 5] = [("TiB", 1 << 40), ("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10), ("B", 1)];

/// Reads a size: bytes, with K, M, G or T for powers of 1024 if need be.
///
/// # Errors
/// If it is none.
pub fn parse_size(text: &str) -> Result<u64, String> {
    let wrong = || format!("\"{text}\" is no size: it is a number of bytes, with K, M, G or T if need be");
    let plain = text.trim().trim_end_matches(['B', 'b']).trim_end_matches('i');
    let unit = plain.chars().last().map(|letter| letter.to_ascii_uppercase());
    let power = unit.and_then(|unit| "KMGT".find(unit)).map_or(0, |place| place + 1);
    let number = if power > 0 { &plain[..plain.len() - 1] } else { plain };
    let number: f64 = number.trim().parse().map_err(|_| wrong())?;
    let bytes = number * 1024_f64.powi(i32::try_from(power).unwrap_or_default());
    if !(bytes.is_finite() && (0.0..u64::MAX as f64).contains(&bytes)) {
        return Err(wrong());
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is in the range")]
    Ok(bytes.round() as u64)
}

/// A size in the unit that fits: `1.5 MiB`.
#[must_use]
pub fn size(bytes: u64) -> String {
    let (unit, part) = UNITS.into_iter().find(|(_, part)| bytes >= *part).unwrap_or(("B", 1));
    if part == 1 { format!("{bytes} {unit}") } else { format!("{:.1} {unit}", bytes as f64 / part as f64) }
}

/// A difference of sizes: `+1.5 MiB`.
#[must_use]
pub fn signed_size(bytes: i64) -> String {
    let sign = if bytes < 0 { "-" } else { "+" };
    format!("{sign}{}", size(bytes.unsigned_abs()))
}

#[cfg(test)]
mod tests {
    use super::{parse_size, signed_size, size};

    #[test]
    fn sizes_are_read_with_and_without_units() {
        for (text, bytes) in [("0", 0), ("100", 100), ("64K", 65536), ("1.5M", 1_572_864), ("2g", 2 << 30), ("1 MiB", 1 << 20)] {
            assert_eq!(parse_size(text), Ok(bytes), "{text}");
        }
        for text in ["", "K", "-1", "x", "1X", "NaN", "inf", "1e30"] {
            assert!(parse_size(text).is_err(), "{text}");
        }
    }

    #[test]
    fn sizes_are_written_in_the_unit_that_fits() {
        assert_eq!([size(0), size(1023), size(1024), size(1_572_864)], ["0 B", "1023 B", "1.0 KiB", "1.5 MiB"]);
        assert_eq!([signed_size(-2048), signed_size(0)], ["-2.0 KiB", "+0 B"]);
    }
}
