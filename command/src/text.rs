//! Text for people: tables, places in the source, and where text goes.

use std::env::current_dir;
use std::io::{Error as IoError, ErrorKind, Write, stderr, stdout};
use std::path::{Component, Path};

use crate::failure::Failure;
use crate::symbols::{Frame, OtherBuild, Symbols};

/// Parts of a path that are shown of a file elsewhere.
const PARTS_SHOWN: usize = 3;

/// Writes all of the text to standard output. A reader that has seen enough is no failure.
///
/// # Errors
/// If it cannot be written.
pub fn print(text: &str) -> Result<(), Failure> {
    let mut out = stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(output_failure(&error)),
        _ => Ok(()),
    }
}

/// Writes a text to standard error. Where that fails, there is no place left to say so.
pub fn say(text: &str) {
    stderr().lock().write_all(text.as_bytes()).ok();
}

/// Says which files are of another build than what was profiled, and which may be.
pub fn note_newer_files(symbols: &Symbols) {
    for (path, OtherBuild { wanted, found }) in symbols.other_builds() {
        let path = plain(&path.display().to_string());
        let found = found.as_ref().map_or_else(|| String::from("has no build-id"), |found| format!("has the build-id {found}"));
        say(&format!("tinyalloc: warning: {path} {found}, and what was profiled had {wanted}: its functions are not named\n"));
    }
    for path in symbols.newer_files() {
        let path = plain(&path.display().to_string());
        say(&format!("tinyalloc: note: {path} is newer than the profile: its functions and lines may be wrong\n"));
    }
}

fn output_failure(error: &IoError) -> Failure {
    Failure::of_system(Path::new("standard output"), error)
}

/// A call in one line: the function, and the line of the source or the library.
#[must_use]
pub fn call(frame: &Frame) -> String {
    let place = match (&frame.file, frame.line) {
        (Some(file), Some(line)) => format!(" {}:{line}", short_path(file)),
        (Some(file), None) => format!(" {}", short_path(file)),
        // The name of the library is in the name of the function then.
        (None, _) if frame.is_unknown() => String::new(),
        (None, _) => format!(" ({})", frame.module),
    };
    plain(&format!("{}{place}", frame.function))
}

/// The text without characters that a terminal acts on.
#[must_use]
pub fn plain(text: &str) -> String {
    text.replace(char::is_control, "?")
}

/// The path from the working directory, or its last parts.
fn short_path(path: &str) -> String {
    let path = Path::new(path);
    if let Some(below) = current_dir().ok().and_then(|folder| path.strip_prefix(folder).ok().map(Path::to_owned)) {
        return below.display().to_string();
    }
    let mut parts: Vec<&str> = Vec::new();
    for part in path.components() {
        match part {
            Component::Normal(name) => parts.extend(name.to_str()),
            Component::ParentDir => _ = parts.pop(),
            _ => {}
        }
    }
    parts[parts.len().saturating_sub(PARTS_SHOWN)..].join("/")
}

/// A table: the last column is text, on the left, those before it are numbers, on the right.
#[derive(Default)]
pub struct Table {
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A table with these headings.
    #[must_use]
    pub fn new(headings: &[&str]) -> Table {
        Table { rows: vec![headings.iter().map(|heading| String::from(*heading)).collect()] }
    }

    /// Adds a row, with as many cells as there are headings.
    pub fn add(&mut self, cells: Vec<String>) {
        self.rows.push(cells);
    }

    /// Adds a row with nothing but a text in the last column.
    pub fn add_text(&mut self, text: String) {
        let columns = self.rows.first().map_or(1, Vec::len);
        let mut cells = vec![String::new(); columns - 1];
        cells.push(text);
        self.rows.push(cells);
    }

    /// The lines.
    #[must_use]
    pub fn text(&self) -> String {
        let columns = self.rows.first().map_or(0, Vec::len);
        let width = |column: usize| self.rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
        let widths: Vec<usize> = (0..columns).map(width).collect();
        let line = |row: &Vec<String>| {
            let cells = row.iter().zip(&widths).enumerate().map(|(column, (cell, width))| match column + 1 == columns {
                true => cell.clone(),
                false => format!("{cell:>width$}  "),
            });
            format!("{}\n", cells.collect::<String>().trim_end())
        };
        self.rows.iter().map(line).collect()
    }
}

/// A share in percent.
#[must_use]
pub fn percent(share: f64) -> String {
    format!("{:.1}%", share * 100.0)
}

#[cfg(test)]
mod tests {
    use super::{Frame, Table, call, plain};

    #[test]
    fn calls_say_where_they_are() {
        let frame = Frame {
            function: String::from("parse"),
            file: Some(String::from("/home/a/b/c/d.c")),
            line: Some(12),
            module: String::from("app"),
        };
        assert_eq!(call(&frame), "parse b/c/d.c:12");
        assert_eq!(call(&Frame { file: None, ..frame.clone() }), "parse (app)");
        assert_eq!(call(&Frame { file: None, function: String::from("app+0x12"), ..frame }), "app+0x12");
        assert_eq!(plain("a\x1b[31mb\n"), "a?[31mb?");
    }

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let mut table = Table::new(&["bytes", "site"]);
        table.add(vec![String::from("1234567"), String::from("main")]);
        table.add_text(String::from("start"));
        assert_eq!(table.text(), "  bytes  site\n1234567  main\n         start\n");
    }
}
