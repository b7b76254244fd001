//! What went wrong, in one line.

use std::fmt::{Display, Formatter, Result as FmtResult};
use std::io::Error as IoError;
use std::path::Path;

const QUOTED_MAX: usize = 60;

/// One line for the user: what it is about, and what is wrong with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure(String);

impl Failure {
    /// A failure that no file is to blame for.
    pub fn new(text: impl Into<String>) -> Failure {
        // One line, and nothing that a terminal acts on, whatever is quoted in it.
        Failure(text.into().replace(char::is_control, "?"))
    }

    /// Something is wrong with a file.
    pub fn of(path: &Path, text: impl Display) -> Failure {
        Failure::new(format!("{}: {text}", path.display()))
    }

    /// The system refused something about a file.
    #[must_use]
    pub fn of_system(path: &Path, error: &IoError) -> Failure {
        Failure::of(path, system_text(error))
    }
}

impl Display for Failure {
    fn fmt(&self, out: &mut Formatter<'_>) -> FmtResult {
        out.write_str(&self.0)
    }
}

/// The beginning of a line of a file, which may be of any length.
pub(crate) fn quoted(line: &str) -> String {
    let start: String = line.chars().take(QUOTED_MAX).collect();
    if start.len() < line.len() { format!("{start}...") } else { start }
}

/// The system's words for an error, without Rust's number behind them.
#[must_use]
pub fn system_text(error: &IoError) -> String {
    let text = error.to_string();
    match text.find(" (os error ") {
        Some(end) => text[..end].to_owned(),
        None => text,
    }
}
