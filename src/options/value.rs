//! Parses and writes the values of options.

use core::ffi::c_int;
use core::fmt::{Result as FmtResult, Write};

use super::signal_names::{SIGNAL_NAMES, SIGNALS};
use crate::support::number::number;
use crate::support::string_table::{entry_at, position_of};

const SIGNAL_MAX: u64 = 64;
const UNITS: &[u8; 4] = b"KMGT";

/// Bytes, in units of 1024 with a suffix.
pub(super) fn size(value: &[u8]) -> Option<usize> {
    let (last, rest) = value.split_last()?;
    let unit = UNITS.iter().position(|unit| unit.eq_ignore_ascii_case(last));
    let (digits, factor) = unit.map_or((value, 1), |unit| (rest, 1024 << (10 * unit)));
    usize::try_from(number(digits)?).ok()?.checked_mul(factor)
}

/// A number from 1 to 100 before `%`; 0 if there is no `%`.
pub(super) fn percentage(value: &[u8]) -> Option<u8> {
    match value.strip_suffix(b"%") {
        Some(digits) => {
            number(digits).and_then(|percent| u8::try_from(percent).ok()).filter(|percent| (1..=100).contains(percent))
        }
        None => Some(0),
    }
}

pub(super) fn switch(value: &[u8]) -> Option<bool> {
    Some(position_of("off on", value)? == 1)
}

/// How many partitions; 0 for `off`.
pub(super) fn partitions(value: &[u8]) -> Option<u8> {
    match number(value) {
        Some(partitions) => u8::try_from(partitions).ok().filter(|partitions| matches!(partitions, 0 | 2..=8)),
        None => (!switch(value)?).then_some(0),
    }
}

/// A signal by number or by name, with or without `SIG`; 0 for `off`.
pub(super) fn signal(value: &[u8]) -> Option<c_int> {
    if value == b"off" {
        return Some(0);
    }
    if let Some(number) = number(value) {
        return c_int::try_from(number).ok().filter(|_| (1..=SIGNAL_MAX).contains(&number) && !is_refused(number));
    }
    let name = value.strip_prefix(b"SIG").unwrap_or(value);
    position_of(SIGNAL_NAMES, name).map(|at| SIGNALS[at])
}

/// SIGKILL and SIGSTOP have no handlers, and the C library uses 32 and 33.
fn is_refused(number: u64) -> bool {
    matches!(number, 9 | 19 | 32 | 33)
}

pub(super) fn write_choice(out: &mut dyn Write, words: &'static str, choice: usize) -> FmtResult {
    out.write_str(entry_at(words, b' ', choice))
}

pub(super) fn write_switch(out: &mut dyn Write, is_on: bool) -> FmtResult {
    write_choice(out, "off on", usize::from(is_on))
}

/// A signal by number.
pub(super) fn write_signal(out: &mut dyn Write, signal: c_int) -> FmtResult {
    match u64::try_from(signal) {
        Ok(0) | Err(_) => write_switch(out, false),
        Ok(signal) => write_number(out, signal),
    }
}

#[inline(never)]
pub(super) fn write_number(out: &mut dyn Write, number: u64) -> FmtResult {
    write!(out, "{number}")
}

#[cfg(test)]
mod tests {
    #[cfg(unix)]
    use libc::{SIGUSR1, SIGUSR2};

    #[cfg(unix)]
    use super::signal;
    use super::{partitions, percentage, size};

    #[test]
    fn sizes_have_units_of_1024() {
        assert_eq!(size(b"12"), Some(12));
        assert_eq!(size(b"2k"), Some(2048));
        assert_eq!(size(b"3T"), Some(3 << 40));
        assert_eq!([size(b""), size(b"K"), size(b"+1"), size(b"1KB"), size(b"16777216T")], [None; 5]);
    }

    #[test]
    fn partitions_are_two_to_eight_or_none() {
        assert_eq!([partitions(b"off"), partitions(b"0"), partitions(b"2"), partitions(b"8")], [0, 0, 2, 8].map(Some));
        assert_eq!([partitions(b"on"), partitions(b"1"), partitions(b"9"), partitions(b"258"), partitions(b"")], [None; 5]);
    }

    #[test]
    fn percentages_go_from_1_to_100() {
        assert_eq!([percentage(b"1%"), percentage(b"100%"), percentage(b"100")], [Some(1), Some(100), Some(0)]);
        assert_eq!(
            [percentage(b"0%"), percentage(b"101%"), percentage(b"%"), percentage(b"257%"), percentage(b"9%%")],
            [None; 5]
        );
    }

    #[test]
    #[cfg(unix)]
    fn signals_have_numbers_and_names() {
        assert_eq!(signal(b"USR1"), Some(SIGUSR1));
        assert_eq!(signal(b"SIGUSR2"), Some(SIGUSR2));
        assert_eq!(signal(b"12"), Some(12));
        assert_eq!(signal(b"off"), Some(0));
        assert_eq!([signal(b"0"), signal(b"65"), signal(b"KILL"), signal(b"usr1"), signal(b"9")], [None; 5]);
    }
}
