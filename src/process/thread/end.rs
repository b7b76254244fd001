//! Being told that a thread ends: by the destructor of a key, which is called whatever the thread runs on.
//!
//! The GNU C library keeps the values of the first 32 keys in the thread's own record. For later ones pthread_setspecific allocates. Where
//! the program's own call of it is what makes a thread allocate for the first time, and that allocation sets our value, the outer call
//! replaces the room that was made for ours, and the value is gone. So our key is made before the program makes any, and where that comes
//! too late (`.preinit_array`, constructors of a program that is linked statically), a value counts once it is found by a later call.
//! It is never number 0: that is the value of a variable for a key that was never made, and libraries delete
//! such keys.

use core::ffi::{c_int, c_void};
use core::ptr::without_provenance;
use core::sync::atomic::{AtomicU32, Ordering};

use libc::{pthread_getspecific, pthread_key_create, pthread_key_delete, pthread_key_t, pthread_setspecific};

pub(crate) type Destructor = unsafe extern "C" fn(value: *mut c_void);

/// Values of so many keys lie in the thread's own record.
const EARLY_KEYS: pthread_key_t = 32;

/// The key plus one; 0 before it is made.
pub(crate) struct ThreadEnd {
    key: AtomicU32,
    destructor: Destructor,
}

impl ThreadEnd {
    pub(crate) const fn new(destructor: Destructor) -> ThreadEnd {
        ThreadEnd { key: AtomicU32::new(0), destructor }
    }

    /// Makes the key. Where there is none left, the first thread that is armed tries again.
    pub(crate) fn prepare(&self) {
        let _ = self.key();
    }

    /// Sees to it that the destructor is called when this thread ends; false if that was seen to before. Where there is no key left, it is
    /// not called.
    pub(crate) fn arm(&self) -> bool {
        let Some(key) = self.key() else {
            return true;
        };
        if is_set(key) {
            return false;
        }
        // Any value but null makes the destructor run.
        let value: *const c_void = without_provenance(1);
        // SAFETY: the key was made; should there be no memory for the value, nothing is told.
        unsafe { pthread_setspecific(key, value) };
        true
    }

    /// Whether a value that this thread sets, or has set, stays.
    #[inline]
    pub(crate) fn is_certain(&self) -> bool {
        let key = self.key.load(Ordering::Relaxed);
        key <= EARLY_KEYS || is_set(key - 1)
    }

    fn key(&self) -> Option<pthread_key_t> {
        match self.key.load(Ordering::Acquire) {
            0 => self.make_key(),
            key => Some(key - 1),
        }
    }

    fn make_key(&self) -> Option<pthread_key_t> {
        let key = new_key_but_zero(self.destructor)?;
        // A thread that lost the race leaves a key that nobody uses.
        match self.key.compare_exchange(0, key + 1, Ordering::AcqRel, Ordering::Acquire) {
            Ok(_) => Some(key),
            Err(theirs) => Some(theirs - 1),
        }
    }
}

/// Number 0 only if there is no other.
fn new_key_but_zero(destructor: Destructor) -> Option<pthread_key_t> {
    let key = new_key(destructor)?;
    if key != 0 {
        return Some(key);
    }
    let Some(other) = new_key(destructor) else {
        return Some(key);
    };
    // SAFETY: made above, and nobody else knows it.
    unsafe { pthread_key_delete(key) };
    Some(other)
}

#[inline(never)]
fn new_key(destructor: Destructor) -> Option<pthread_key_t> {
    let mut key: pthread_key_t = 0;
    // SAFETY: `key` is valid for the write.
    let failed: c_int = unsafe { pthread_key_create(&raw mut key, Some(destructor)) };
    (failed == 0).then_some(key)
}

fn is_set(key: pthread_key_t) -> bool {
    // SAFETY: the key was made.
    !unsafe { pthread_getspecific(key) }.is_null()
}
