//! A mapping of a process, as /proc/PID/maps has it.

use std::path::Path;

/// What the kernel writes behind the path of a file that is no longer there.
const DELETED: &str = " (deleted)";

/// Part of a file, or other memory, at an address.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mapping {
    /// The first address.
    pub start: u64,
    /// The address behind the last one.
    pub end: u64,
    /// Whether code in it may run.
    pub is_executable: bool,
    /// Where it begins in the file.
    pub offset: u64,
    /// The file, or a name in brackets, or nothing.
    pub path: String,
    /// Whether the file was removed or replaced while it was mapped.
    pub is_deleted: bool,
    /// Which build of the file was mapped, in hexadecimal digits, if that is known.
    pub build_id: Option<String>,
}

impl Mapping {
    /// Reads a line of /proc/PID/maps; None if it is none.
    #[must_use]
    pub fn parse(line: &str) -> Option<Mapping> {
        let (range, rest) = line.trim_start().split_once(' ')?;
        let (start, end) = range.split_once('-')?;
        let (rights, rest) = rest.trim_start().split_once(' ')?;
        let (offset, rest) = rest.trim_start().split_once(' ')?;
        // Device and inode; anonymous memory has no more than these.
        let (_device, rest) = rest.trim_start().split_once(' ')?;
        let path = rest.trim_start().split_once(' ').map_or("", |(_inode, path)| path.trim());
        let hexadecimal = |text| u64::from_str_radix(text, 16).ok();
        Some(Mapping {
            start: hexadecimal(start)?,
            end: hexadecimal(end)?,
            is_executable: rights.contains('x'),
            offset: hexadecimal(offset)?,
            path: path.strip_suffix(DELETED).unwrap_or(path).replace("\\012", "\n"),
            is_deleted: path.ends_with(DELETED),
            build_id: None,
        })
    }

    /// The file, if it is one.
    #[must_use]
    pub fn file(&self) -> Option<&Path> {
        self.path.starts_with('/').then(|| Path::new(&self.path))
    }

    /// The name of the file without its folder, or what the kernel calls the memory.
    #[must_use]
    pub fn module(&self) -> &str {
        match self.path.rsplit_once('/') {
            Some((_, name)) if self.file().is_some() => name,
            _ if self.path.is_empty() => "[anonymous]",
            _ => &self.path,
        }
    }
}
