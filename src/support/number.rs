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
