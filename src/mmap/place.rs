//! Which file: what the program says, what the environment says, or a directory for what is large and short-lived.

use core::ffi::{CStr, c_char};
use core::fmt::{Display, Formatter, Result as FmtResult};

use libc::{AT_SECURE, getauxval};
use tinyalloc_sys::FilePlace;

const DIRECTORY_VARIABLE: &[u8] = b"TINYALLOC_FILE_DIR=";
const TEMPORARY_VARIABLE: &[u8] = b"TMPDIR=";
/// Not `/tmp` first: that is in memory on many systems.
const DIRECTORIES: [&[u8]; 2] = [b"/var/tmp", b"/tmp"];

unsafe extern "C" {
    static environ: *const *const c_char;
}

/// What the program says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Anywhere,
    Directory(&'static str),
    Kept(&'static str),
}

impl Place {
    /// The user's directory goes before the program's, but what is to be kept has its name.
    pub(super) fn resolve(self) -> FilePlace {
        let only = |directory| FilePlace::In([Some(directory), None, None, None]);
        match (self, variable(DIRECTORY_VARIABLE)) {
            (Place::Kept(path), _) => FilePlace::Kept(path.as_bytes()),
            (_, Some(directory)) => only(directory),
            (Place::Directory(directory), None) => only(directory.as_bytes()),
            (Place::Anywhere, None) => {
                FilePlace::In([variable(TEMPORARY_VARIABLE), Some(DIRECTORIES[0]), Some(DIRECTORIES[1]), None])
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

/// The value of a variable that is set, and not empty; nothing for a program with more rights than its user.
fn variable(name: &[u8]) -> Option<&'static [u8]> {
    // SAFETY: getauxval takes any number.
    if unsafe { getauxval(AT_SECURE) } != 0 {
        return None;
    }
    // SAFETY: a word of the C library's, which nobody changes while the process starts.
    let mut next = unsafe { environ };
    while !next.is_null() {
        // SAFETY: the entries end with a null one, which was not met yet.
        let entry = unsafe { next.read() };
        if entry.is_null() {
            break;
        }
        // SAFETY: entries are C strings; whoever changes one while it is read gets what he asks for.
        let entry = unsafe { CStr::from_ptr(entry) }.to_bytes();
        if let Some(value) = entry.strip_prefix(name) {
            return Some(value).filter(|value| !value.is_empty());
        }
        // SAFETY: the null entry was not met yet.
        next = unsafe { next.add(1) };
    }
    None
}
