//! C strings in what is printed.

use core::ffi::{CStr, c_char};
use core::fmt::{Display, Formatter, Result as FmtResult, Write};

/// A C string of ours, or of the program's options: characters that JSON would escape become `?`.
pub(super) struct Text(*const c_char);

impl Text {
    pub(super) const fn new(text: *const c_char) -> Text {
        Text(text)
    }
}

impl Display for Text {
    fn fmt(&self, out: &mut Formatter<'_>) -> FmtResult {
        if self.0.is_null() {
            return Ok(());
        }
        // SAFETY: every value that is a text is a C string.
        for byte in unsafe { CStr::from_ptr(self.0) }.to_bytes() {
            let is_plain = (b' '..0x7f).contains(byte) && !b"\"\\".contains(byte);
            out.write_char(if is_plain { char::from(*byte) } else { '?' })?;
        }
        Ok(())
    }
}
