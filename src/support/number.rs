//! Numbers in text.

/// Decimal digits only.
#[inline(never)]
pub(crate) fn number(text: &[u8]) -> Option<u64> {
    let mut number: Option<u64> = None;
    for byte in text {
        let digit = byte.checked_sub(b'0').filter(|digit| *digit < 10)?;
        number = Some(number.unwrap_or(0).checked_mul(10)?.checked_add(digit.into())?);
    }
    number
}

/// Hexadecimal digits only, small ones, as in `/proc`.
#[cfg(unix)]
pub(crate) fn hexadecimal(text: &[u8]) -> Option<usize> {
    let mut number = (!text.is_empty()).then_some(0_usize);
    for byte in text {
        let digit = char::from(*byte).to_digit(16)?;
        number = Some(number?.checked_mul(16)? | digit as usize);
    }
    number
}
