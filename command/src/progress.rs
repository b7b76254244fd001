//! What a long step is about, in a line on the terminal that goes away again.

use std::fmt::Display;
use std::io::{IsTerminal, stderr};
use std::time::{Duration, Instant};

use crate::text::{plain, say};

/// Short steps show nothing.
const QUIET: Duration = Duration::from_millis(500);
const PAUSE: Duration = Duration::from_millis(100);
const BEGIN_LINE: &str = "\r";
const CLEAR_LINE: &str = "\r\x1b[K";
/// A line that wraps could not be cleared.
const COLUMNS_MAX: usize = 79;

/// Standard error, if it is a terminal.
pub(crate) struct Progress {
    is_terminal: bool,
    begun: Instant,
    shown: Option<Instant>,
}

impl Progress {
    pub(crate) fn new() -> Progress {
        Progress { is_terminal: stderr().is_terminal(), begun: Instant::now(), shown: None }
    }

    /// What is done now, one of many steps.
    pub(crate) fn step(&mut self, text: impl Display) {
        let is_due = |since: Instant, pause: Duration| since.elapsed() >= pause;
        if self.is_terminal && is_due(self.begun, QUIET) && self.shown.is_none_or(|shown| is_due(shown, PAUSE)) {
            self.show(text);
        }
    }

    /// What is done now and takes long by itself.
    pub(crate) fn long_step(&mut self, text: impl Display) {
        if self.is_terminal {
            self.show(text);
        }
    }

    fn show(&mut self, text: impl Display) {
        say(&line(&text.to_string()));
        self.shown = Some(Instant::now());
    }

    /// Something else is about to be written.
    pub(crate) fn clear(&mut self) {
        if self.shown.take().is_some() {
            say(CLEAR_LINE);
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.clear();
    }
}

/// In place of the last one.
fn line(text: &str) -> String {
    let text: String = plain(text).chars().take(COLUMNS_MAX).collect();
    format!("{CLEAR_LINE}{text}{BEGIN_LINE}")
}

#[cfg(test)]
mod tests {
    use super::{COLUMNS_MAX, line};

    #[test]
    fn a_line_replaces_the_last_one_and_does_not_wrap() {
        assert_eq!(line("reading a\nb"), "\r\x1b[Kreading a?b\r");
        assert_eq!(line(&"x".repeat(200)).matches('x').count(), COLUMNS_MAX);
    }
}
