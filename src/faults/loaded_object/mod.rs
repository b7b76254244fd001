//! Loaded objects: the program or the library that an address belongs to.

#[cfg(not(target_env = "musl"))]
#[path = "finder_gnu.rs"]
mod finder;
#[cfg(target_env = "musl")]
#[path = "finder_musl.rs"]
mod finder;

use core::ffi::{CStr, c_char};
use core::fmt::{Display, Formatter, Result as FmtResult};
use core::ops::Range;
use core::str::from_utf8;

use libc::readlink;

pub(crate) use finder::prepare;

/// Longer paths are cut.
const PATH_BYTES_MAX: usize = 512;

/// Invariant J1: a stack holds a return address in the object, or held one when a block was
/// allocated or freed. So the object is not unloaded while its records are read.
pub(crate) struct LoadedObject {
    range: Range<usize>,
    tables: *const u8,
    base: usize,
    name: *const c_char,
}

impl LoadedObject {
    /// The object that contains the address.
    pub(crate) fn around(address: usize) -> Option<LoadedObject> {
        finder::around(address)
    }

    /// The addresses of its code and data.
    pub(crate) fn range(&self) -> Range<usize> {
        self.range.clone()
    }

    /// The index of its unwind tables, `.eh_frame_hdr`; null if it has none.
    pub(crate) fn tables(&self) -> *const u8 {
        self.tables
    }

    /// The difference between addresses in memory and in the file.
    pub(crate) fn base(&self) -> usize {
        self.base
    }
}

/// The path of its file.
impl Display for LoadedObject {
    fn fmt(&self, out: &mut Formatter<'_>) -> FmtResult {
        // SAFETY: a C string (J1).
        let name = unsafe { CStr::from_ptr(self.name) };
        if name.is_empty() { write_program(out) } else { out.write_str(name.to_str().unwrap_or("?")) }
    }
}

/// The loader has no name for the program itself.
fn write_program(out: &mut Formatter<'_>) -> FmtResult {
    let mut path = [0; PATH_BYTES_MAX];
    // SAFETY: the name is a C string, and the path is valid for the write.
    let bytes = unsafe { readlink(c"/proc/self/exe".as_ptr(), path.as_mut_ptr().cast(), path.len()) };
    let path = usize::try_from(bytes).ok().and_then(|bytes| path.get(..bytes));
    out.write_str(path.and_then(|path| from_utf8(path).ok()).unwrap_or("?"))
}
