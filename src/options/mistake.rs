//! The mistakes in `TINYALLOC_OPTIONS`, each reported in one line.

use core::fmt::{Display, Formatter, Result as FmtResult, Write};

use super::table::Key;

/// Only this many bytes of an unknown name are compared with the known names.
const COMPARED_BYTES_MAX: usize = 32;
/// A message shows only this many bytes of a name or a value.
const SHOWN_BYTES_MAX: usize = 40;

#[derive(Clone, Copy, Debug)]
pub(super) enum Mistake<'text> {
    UnknownKey(&'text [u8]),
    NoValue(Key),
    BadValue(Key, &'text [u8]),
}

impl Display for Mistake<'_> {
    fn fmt(&self, out: &mut Formatter<'_>) -> FmtResult {
        write!(out, "TINYALLOC_OPTIONS: ")?;
        match *self {
            Mistake::UnknownKey(name) => write!(out, "no key \"{}\"; the nearest is {}", Shown::new(name), nearest(name)),
            Mistake::NoValue(key) => write!(out, "{} needs a value: it is {}", key.name(), key.expected()),
            Mistake::BadValue(key, value) => {
                write!(out, "{} cannot be \"{}\": it is {}", key.name(), Shown::new(value), key.expected())
            }
        }
    }
}

/// A word with every byte that is not printable ASCII replaced by `?`.
pub(super) struct Shown<'text>(&'text [u8]);

impl<'text> Shown<'text> {
    pub(super) fn new(text: &'text [u8]) -> Shown<'text> {
        Shown(text)
    }
}

impl Display for Shown<'_> {
    fn fmt(&self, out: &mut Formatter<'_>) -> FmtResult {
        for byte in self.0.iter().take(SHOWN_BYTES_MAX) {
            out.write_char(if (b' '..0x7f).contains(byte) { char::from(*byte) } else { '?' })?;
        }
        Ok(())
    }
}

fn nearest(name: &[u8]) -> &'static str {
    Key::all().map(Key::name).min_by_key(|known| distance(name, known.as_bytes())).unwrap_or_default()
}

/// How many bytes must be inserted, removed or replaced to turn one word into the other
/// (Levenshtein 1966), row by row.
#[inline(never)]
fn distance(from: &[u8], to: &[u8]) -> usize {
    let from = &from[..from.len().min(COMPARED_BYTES_MAX)];
    let mut row = [0; COMPARED_BYTES_MAX + 1];
    for (at, cell) in row.iter_mut().enumerate() {
        *cell = at;
    }
    for (at, target) in to.iter().enumerate() {
        let mut diagonal = row[0];
        row[0] = at + 1;
        for (index, source) in from.iter().enumerate() {
            let replaced = diagonal + usize::from(source != target);
            diagonal = row[index + 1];
            row[index + 1] = replaced.min(diagonal + 1).min(row[index] + 1);
        }
    }
    row[from.len()]
}

#[cfg(test)]
mod tests {
    use super::distance;

    #[test]
    fn distances_count_what_must_change() {
        assert_eq!(distance(b"kitten", b"sitting"), 3);
        assert_eq!(distance(b"", b"limit"), 5);
        assert_eq!(distance(b"limit", b"limit"), 0);
        assert_eq!(distance(b"limits", b"limit"), 1);
    }
}
