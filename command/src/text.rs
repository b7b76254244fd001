//! Text for people: tables, places in the source, and where text goes.

use std::env::current_dir;
use std::io::{Error as IoError, ErrorKind, Write, stderr, stdout};
use std::path::{Component, Path};

use crate::failure::Failure;
use crate::symbols::{Frame, OtherBuild, Symbols};

/// Parts of a path that are shown of a file elsewhere.
const PARTS_SHOWN: usize = 3;
/// Characters of a name in a table.
const NAME_MAX: usize = 120;
const NEWER: &str = "is newer than the profile: its functions and lines may be wrong";
/// More lines hide what was asked for.
const NOTES_MAX: usize = 6;

/// Writes all of the text to standard output. A reader that has seen enough is no failure.
///
/// # Errors
/// If it cannot be written.
pub fn print(text: &str) -> Result<(), Failure> {
    print_more(text).map(|_| ())
}

/// As [`print`]; false if the reader has seen enough, and wants no more.
///
/// # Errors
/// If it cannot be written.
pub fn print_more(text: &str) -> Result<bool, Failure> {
    let mut out = stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(false),
        Err(error) => Err(output_failure(&error)),
        Ok(()) => Ok(true),
    }
}

/// Writes a text to standard error. Where that fails, there is no place left to say so.
pub fn say(text: &str) {
    stderr().lock().write_all(text.as_bytes()).ok();
}

/// As [`print`], and then [`note_files`].
///
/// # Errors
/// If it cannot be written. There is no more to say then.
pub fn print_with_notes(text: &str, symbols: &mut Symbols) -> Result<(), Failure> {
    symbols.clear_progress();
    print(text)?;
    note_files(symbols);
    Ok(())
}

/// Says what the user should know of the files that functions and lines come from.
pub fn note_files(symbols: &mut Symbols) {
    symbols.clear_progress();
    notes(symbols).iter().for_each(|note| say(note));
}

/// The same, a line each.
#[must_use]
pub fn notes(symbols: &Symbols) -> Vec<String> {
    let line =
        |kind: &str, path: &Path, text: &str| format!("tinyalloc: {kind}: {}\n", plain(&format!("{} {text}", path.display())));
    let others = symbols.other_builds().map(|(path, build)| line("warning", path, &other_build(build)));
    let newer = symbols.newer_files().map(|path| line("note", path, NEWER));
    let mut notes: Vec<String> =
        others.chain(newer).chain(symbols.notes().map(|(path, text)| line("note", path, text))).collect();
    let count = notes.len();
    if count > NOTES_MAX {
        notes.truncate(NOTES_MAX - 1);
        notes.push(format!("tinyalloc: note: and as much of {} other files\n", count - notes.len()));
    }
    notes
}

fn other_build(OtherBuild { wanted, found }: &OtherBuild) -> String {
    let found = found.as_ref().map_or_else(|| String::from("has no build-id"), |found| format!("has the build-id {found}"));
    format!("{found}, and what was profiled had {wanted}: its functions are not named")
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

/// The same; of a long name, as templates and closures have, the beginning and the end.
fn short_call(frame: &Frame) -> String {
    let (start, end) = (NAME_MAX * 2 / 3, NAME_MAX / 3);
    let name: Vec<char> = frame.function.chars().collect();
    if name.len() <= NAME_MAX {
        return call(frame);
    }
    let part = |part: &[char]| part.iter().collect::<String>();
    let function = format!("{}...{}", part(&name[..start]), part(&name[name.len() - end..]));
    call(&Frame { function, ..frame.clone() })
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

    /// Adds a call site: a row with these cells, the last column apart, and a row for each caller.
    pub fn add_site(&mut self, mut cells: Vec<String>, calls: &[Frame]) {
        let mut calls = calls.iter().map(short_call);
        cells.push(calls.next().unwrap_or_default());
        self.add(cells);
        calls.for_each(|call| self.add_text(format!("  {call}")));
    }

    /// Adds a row with nothing but a text in the last column.
    fn add_text(&mut self, text: String) {
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
    use super::{Frame, NAME_MAX, Table, call, plain, short_call};

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
    fn long_names_are_shortened_in_tables() {
        let frame =
            |length: usize| Frame { function: "é".repeat(length - 3) + "end", module: String::from("a"), ..Frame::default() };
        assert_eq!(short_call(&frame(NAME_MAX)), call(&frame(NAME_MAX)));
        let short = short_call(&frame(10 * NAME_MAX));
        assert!(short.contains("é...é") && short.ends_with("end (a)"), "{short}");
        assert_eq!(short.chars().count(), NAME_MAX + "... (a)".len());
    }

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let mut table = Table::new(&["bytes", "site"]);
        let frame = |function: &str| Frame { function: String::from(function), module: String::from("a"), ..Frame::default() };
        table.add_site(vec![String::from("1234567")], &[frame("main"), frame("start")]);
        assert_eq!(table.text(), "  bytes  site\n1234567  main (a)\n           start (a)\n");
    }
}
