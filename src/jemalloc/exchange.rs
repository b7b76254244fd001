//! What a caller of `mallctl` passes: room for the old value, and the new one. Errors are those of
//! jemalloc(3).

use core::ffi::c_void;

use libc::{EINVAL, EPERM, c_int};

use super::value::{Kind, VALUE_BYTES_MAX, Value};

/// Invariant E1: the caller promised that `old` is null or valid for writes of `*old_bytes` bytes,
/// `old_bytes` is null or valid, and `new` is null or valid for reads of `new_bytes` bytes.
pub(super) struct Exchange {
    old: *mut c_void,
    old_bytes: *mut usize,
    new: *const c_void,
    new_bytes: usize,
}

impl Exchange {
    /// # Safety
    /// E1.
    pub(super) unsafe fn new(old: *mut c_void, old_bytes: *mut usize, new: *const c_void, new_bytes: usize) -> Exchange {
        Exchange { old, old_bytes, new, new_bytes }
    }

    /// Only to be read.
    pub(super) fn forbid_new(&self) -> Result<(), c_int> {
        if self.new.is_null() && self.new_bytes == 0 { Ok(()) } else { Err(EPERM) }
    }

    /// Only to be written.
    pub(super) fn forbid_old(&self) -> Result<(), c_int> {
        if self.old.is_null() && self.old_bytes.is_null() { Ok(()) } else { Err(EPERM) }
    }

    pub(super) fn has_new(&self) -> bool {
        !self.new.is_null()
    }

    /// Whether the new value is words, and nothing behind them.
    pub(super) fn has_new_words(&self) -> bool {
        self.has_new() && self.new_bytes % size_of::<usize>() == 0
    }

    pub(super) fn has_old(&self) -> bool {
        !self.old.is_null()
    }

    /// Whether there is room for the old value, of exactly so many bytes; if not, `*old_bytes`
    /// becomes 0.
    pub(super) fn need_old(&self, bytes: usize) -> Result<(), c_int> {
        if !self.old.is_null() && self.old_bytes() == Some(bytes) {
            return Ok(());
        }
        self.set_old_bytes(0);
        Err(EINVAL)
    }

    pub(super) fn old_bytes(&self) -> Option<usize> {
        // SAFETY: E1.
        (!self.old_bytes.is_null()).then(|| unsafe { self.old_bytes.read_unaligned() })
    }

    fn set_old_bytes(&self, bytes: usize) {
        if !self.old_bytes.is_null() {
            // SAFETY: E1.
            unsafe { self.old_bytes.write_unaligned(bytes) };
        }
    }

    /// The old value, for a caller that wants it; as much of it as fits, and `EINVAL`, where that
    /// has another size.
    pub(super) fn put(&self, value: Value) -> Result<(), c_int> {
        let Some(room) = self.old_bytes().filter(|_| !self.old.is_null()) else {
            return Ok(());
        };
        let bytes = value.kind().bytes();
        let copied = bytes.min(room);
        // SAFETY: E1; a value has at least so many bytes.
        unsafe { self.old.cast::<u8>().copy_from(value.encode().as_ptr(), copied) };
        if room == bytes {
            return Ok(());
        }
        self.set_old_bytes(copied);
        Err(EINVAL)
    }

    /// The new value; `None` if there is none, `EINVAL` if it has another size.
    pub(super) fn take(&self, kind: Kind) -> Result<Option<Value>, c_int> {
        if self.new.is_null() {
            return Ok(None);
        }
        if self.new_bytes != kind.bytes() {
            return Err(EINVAL);
        }
        let mut bytes = [0; VALUE_BYTES_MAX];
        // SAFETY: E1; no value has more bytes than there is room.
        unsafe { bytes.as_mut_ptr().copy_from(self.new.cast(), kind.bytes()) };
        Ok(Some(kind.decode(bytes)))
    }

    /// The new value as words, and the old one's room as words.
    pub(super) fn new_words(&self) -> usize {
        self.new_bytes / size_of::<usize>()
    }

    /// One word of the new value.
    pub(super) fn new_word(&self, place: usize) -> Option<usize> {
        let has_it = !self.new.is_null() && place < self.new_words();
        // SAFETY: E1.
        has_it.then(|| unsafe { self.new.cast::<usize>().wrapping_add(place).read_unaligned() })
    }

    /// Sets one word of the room for the old value.
    pub(super) fn put_word(&self, place: usize, word: usize) {
        let room = self.old_bytes().unwrap_or(0) / size_of::<usize>();
        if !self.old.is_null() && place < room {
            // SAFETY: E1.
            unsafe { self.old.cast::<usize>().wrapping_add(place).write_unaligned(word) };
        }
    }
}
