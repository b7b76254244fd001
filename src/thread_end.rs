//! Being told that a thread ends: by the destructor of a key, which is called whatever the thread runs on.

use core::ffi::{c_int, c_void};
use core::ptr::without_provenance;
use core::sync::atomic::{AtomicU32, Ordering};

use libc::{pthread_key_create, pthread_key_t, pthread_setspecific};

pub(crate) type Destructor = unsafe extern "C" fn(value: *mut c_void);

/// The key plus one; 0 before it is made.
pub(crate) struct ThreadEnd {
    key: AtomicU32,
    destructor: Destructor,
}

impl ThreadEnd {
    pub(crate) const fn new(destructor: Destructor) -> ThreadEnd {
        ThreadEnd { key: AtomicU32::new(0), destructor }
    }

    /// Sees to it that the destructor is called when this thread ends. Where there is no key left, it is not.
    pub(crate) fn arm(&self) {
        let Some(key) = self.key() else {
            return;
        };
        // Any value but null makes the destructor run.
        let value: *const c_void = without_provenance(1);
        // SAFETY: the key was made; should there be no memory for the value, nothing is told.
        unsafe { pthread_setspecific(key, value) };
    }

    fn key(&self) -> Option<pthread_key_t> {
        match self.key.load(Ordering::Acquire) {
            0 => self.make_key(),
            key => Some(key - 1),
        }
    }

    fn make_key(&self) -> Option<pthread_key_t> {
        let mut key: pthread_key_t = 0;
        // SAFETY: `key` is valid for the write.
        let failed: c_int = unsafe { pthread_key_create(&raw mut key, Some(self.destructor)) };
        if failed != 0 {
            return None;
        }
        // A thread that lost the race leaves a key that nobody uses.
        match self.key.compare_exchange(0, key + 1, Ordering::AcqRel, Ordering::Acquire) {
            Ok(_) => Some(key),
            Err(theirs) => Some(theirs - 1),
        }
    }
}
