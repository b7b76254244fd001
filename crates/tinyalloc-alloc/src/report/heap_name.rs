//! What an isolated heap is called.

use core::ffi::CStr;
use core::fmt::{Debug, Display, Formatter, Result as FmtResult};
use core::mem::offset_of;
use core::str::from_utf8;

const BYTES_MAX: usize = 31;

/// What a heap is called in messages and statistics: at most 31 bytes of UTF-8, cut where a
/// character ends, and before a null byte.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct HeapName {
    bytes: [u8; BYTES_MAX + 1],
    length: u8,
}

impl HeapName {
    /// The name, or as much of it as fits.
    #[must_use]
    #[expect(clippy::cast_possible_truncation, reason = "at most BYTES_MAX")]
    pub fn new(name: &str) -> HeapName {
        let end = name.bytes().position(|byte| byte == 0).unwrap_or(name.len()).min(BYTES_MAX);
        let length = (0..=end).rev().find(|length| name.is_char_boundary(*length)).unwrap_or(0);
        let mut bytes = [0; BYTES_MAX + 1];
        bytes[..length].copy_from_slice(&name.as_bytes()[..length]);
        HeapName { bytes, length: length as u8 }
    }

    /// The name as C text.
    #[must_use]
    pub fn as_c_str(&self) -> &CStr {
        CStr::from_bytes_until_nul(&self.bytes).unwrap_or_default()
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        let bytes = self.bytes.get(..usize::from(self.length)).unwrap_or_default();
        from_utf8(bytes).unwrap_or_default()
    }
}

impl Display for HeapName {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> FmtResult {
        formatter.write_str(self.as_str())
    }
}

impl Debug for HeapName {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> FmtResult {
        write!(formatter, "{:?}", self.as_str())
    }
}

impl HeapName {
    /// Where the text is, with a null byte behind it.
    pub(crate) const TEXT_AT: usize = offset_of!(HeapName, bytes);
}
