//! The place of the file: the program's choice, the environment's choice, or a directory for large
//! temporary files.

use core::fmt::{Display, Formatter, Result as FmtResult};

use tinyalloc_sys::FilePlace;

use crate::support::environment::variable;

const DIRECTORY_VARIABLE: &[u8] = b"TINYALLOC_FILE_DIR=";
const TEMPORARY_VARIABLE: &[u8] = b"TMPDIR=";
/// `/tmp` comes last: on many systems it is in memory.
const DIRECTORIES: [&[u8]; 2] = [b"/var/tmp", b"/tmp"];

/// The program's choice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Anywhere,
    Directory(&'static str),
    Kept(&'static str),
}

impl Place {
    /// The user's directory takes precedence over the program's; a kept file has the name that the
    /// program chose.
    pub(super) fn resolve(self) -> FilePlace {
        let only = |directory| FilePlace::In([Some(directory), None, None, None]);
        match (self, set_variable(DIRECTORY_VARIABLE)) {
            (Place::Kept(path), _) => FilePlace::Kept(path.as_bytes()),
            (_, Some(directory)) => only(directory),
            (Place::Directory(directory), None) => only(directory.as_bytes()),
            (Place::Anywhere, None) => {
                FilePlace::In([set_variable(TEMPORARY_VARIABLE), Some(DIRECTORIES[0]), Some(DIRECTORIES[1]), None])
            }
        }
    }
}

impl Display for Place {
    fn fmt(&self, out: &mut Formatter<'_>) -> FmtResult {
        match self.resolve() {
            FilePlace::Kept(path) => path.utf8_chunks().try_for_each(|chunk| out.write_str(chunk.valid())),
            FilePlace::In([Some(only), None, ..]) => only.utf8_chunks().try_for_each(|chunk| out.write_str(chunk.valid())),
            FilePlace::In(_) => out.write_str("TMPDIR or /var/tmp"),
        }
    }
}

/// The value of a variable, unless it is empty.
fn set_variable(prefix: &[u8]) -> Option<&'static [u8]> {
    variable(prefix).filter(|value| !value.is_empty())
}
