//! Tables of words in one string. A table of strings would be a table of pointers, each with a
//! relocation.

/// The word at an index, without separators; empty beyond the last.
#[inline(never)]
pub(crate) fn entry_at(table: &'static str, separator: u8, place: usize) -> &'static str {
    let mut start = 0;
    for _ in 0..place {
        start = end_of_word(table.as_bytes(), separator, start) + 1;
    }
    table.get(start..end_of_word(table.as_bytes(), separator, start)).unwrap_or_default()
}

/// The index of a word.
#[inline(never)]
pub(crate) fn position_of(table: &'static str, word: &[u8]) -> Option<usize> {
    (0..table.len())
        .map(|place| entry_at(table, b' ', place))
        .take_while(|known| !known.is_empty())
        .position(|known| known.as_bytes() == word)
}

/// Where the word that begins at `start` ends: at a separator, or with the text.
#[inline(never)]
pub(crate) fn end_of_word(text: &[u8], separator: u8, start: usize) -> usize {
    let mut end = start;
    while text.get(end).is_some_and(|byte| *byte != separator) {
        end += 1;
    }
    end
}

#[cfg(test)]
mod tests {
    use super::{entry_at, position_of};

    #[test]
    fn words_are_found_by_place_and_places_by_word() {
        assert_eq!([entry_at("a bc d", b' ', 0), entry_at("a bc d", b' ', 1), entry_at("a bc d", b' ', 2)], ["a", "bc", "d"]);
        assert_eq!([entry_at("a bc", b' ', 2), entry_at("a bc", b' ', 9), entry_at("", b' ', 0)], [""; 3]);
        assert_eq!(
            [position_of("a bc d", b"bc"), position_of("a bc d", b"b"), position_of("a bc d", b"")],
            [Some(1), None, None]
        );
    }
}
