//! Where text goes that is shown anew again and again: over the last one on a terminal, behind it
//! elsewhere.

use std::env::var_os;
use std::io::{IsTerminal, stdout};

use rustix::termios::tcgetwinsize;

use crate::failure::Failure;
use crate::text::print_more;

/// The beginning of the terminal, without what was on it.
const CLEAR: &str = "\x1b[H\x1b[2J";
const HOME: &str = "\x1b[H";
const CLEAR_LINE: &str = "\x1b[K";
const CLEAR_BELOW: &str = "\x1b[J";

/// Standard output.
pub(crate) struct Screen {
    is_terminal: bool,
    has_blank_lines: bool,
    is_empty: bool,
}

impl Screen {
    /// Lines for programs have nothing between or over them.
    pub(crate) fn new(is_for_programs: bool) -> Screen {
        let is_terminal = stdout().is_terminal() && var_os("TERM").is_some_and(|name| name != "dumb");
        Screen { is_terminal: is_terminal && !is_for_programs, has_blank_lines: !is_for_programs, is_empty: true }
    }

    /// False if the reader wants no more.
    ///
    /// # Errors
    /// If it cannot be written.
    pub(crate) fn show(&mut self, text: &str) -> Result<bool, Failure> {
        let is_first = self.is_empty;
        self.is_empty = false;
        match (self.is_terminal, is_first) {
            (true, true) => print_more(CLEAR)?,
            (false, false) if self.has_blank_lines => print_more("\n")?,
            _ => true,
        };
        if !self.is_terminal {
            return print_more(text);
        }
        let size = tcgetwinsize(stdout()).ok().map(|size| (usize::from(size.ws_row), usize::from(size.ws_col)));
        print_more(&over_the_last(text, size.filter(|(rows, columns)| *rows > 1 && *columns > 0)))
    }
}

/// The text in place of the last one: what the terminal has no rows and columns for is left out,
/// and the cursor is below.
fn over_the_last(text: &str, size: Option<(usize, usize)>) -> String {
    let (rows, columns) = size.unwrap_or((usize::MAX, usize::MAX));
    let line = |line: &str| format!("{}{CLEAR_LINE}\n", line.chars().take(columns).collect::<String>());
    let lines: String = text.lines().take(rows - 1).map(line).collect();
    format!("{HOME}{lines}{CLEAR_BELOW}")
}

#[cfg(test)]
mod tests {
    use super::over_the_last;

    #[test]
    fn a_terminal_shows_what_it_has_room_for() {
        assert_eq!(over_the_last("one\nb\n", None), "\x1b[Hone\x1b[K\nb\x1b[K\n\x1b[J");
        assert_eq!(over_the_last("one\nb\nc\n", Some((3, 2))), "\x1b[Hon\x1b[K\nb\x1b[K\n\x1b[J");
    }
}
