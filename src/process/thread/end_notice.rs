//! Notification of a thread's end, through the destructor of a pthread key, which runs for every
//! kind of thread.
//!
//! The GNU C library keeps the values of the first 32 keys in the thread's own record. For later
//! keys pthread_setspecific allocates. If the program's own call of pthread_setspecific is the
//! first allocation of a thread, that allocation sets our value; then the outer call replaces the
//! memory that holds it, and our value is lost. So our key is made before the program makes any.
//! Where that is not possible (`.preinit_array`, constructors of a statically linked program), a
//! value counts as set only after a later call finds it. The key is never number 0: that is the
//! value of a variable for a key that was never made, and some libraries delete such keys.

use core::ffi::{c_int, c_void};
use core::ptr::without_provenance;
use core::sync::atomic::{AtomicU32, Ordering};

use libc::{pthread_getspecific, pthread_key_create, pthread_key_delete, pthread_key_t, pthread_setspecific};

pub(crate) type Destructor = unsafe extern "C" fn(value: *mut c_void);

/// The thread's own record holds the values of this many keys.
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

    /// Makes the key. If the C library has no key left, the first thread that is armed tries again.
    pub(crate) fn prepare(&self) {
        let _ = self.key();
    }

    /// Arms the destructor for the end of this thread; false if it was armed before. Without a key
    /// the destructor is not called.
    pub(crate) fn arm(&self) -> bool {
        let Some(key) = self.key() else {
            return true;
        };
        if is_set(key) {
            return false;
        }
        // Any value but null makes the destructor run.
        let value: *const c_void = without_provenance(1);
        // SAFETY: the key was made. If there is no memory for the value, the destructor is not
        // called.
        unsafe { pthread_setspecific(key, value) };
        true
    }

    /// Whether the value of this thread, set or to be set, cannot be lost.
    #[inline]
    pub(crate) fn is_certain(&self) -> bool {
        let key = self.key.load(Ordering::Relaxed);
        key <= EARLY_KEYS || is_set(key - 1)
    }

    #[cfg_attr(target_os = "linux", unsafe(link_section = ".text"))]
    fn key(&self) -> Option<pthread_key_t> {
        match self.key.load(Ordering::Acquire) {
            0 => self.make_key(),
            key => Some(key - 1),
        }
    }

    fn make_key(&self) -> Option<pthread_key_t> {
        let key = new_key_but_zero(self.destructor)?;
        // A thread that loses the race leaves an unused key behind.
        match self.key.compare_exchange(0, key + 1, Ordering::AcqRel, Ordering::Acquire) {
            Ok(_) => Some(key),
            Err(theirs) => Some(theirs - 1),
        }
    }
}

/// A key; number 0 only if there is no other.
fn new_key_but_zero(destructor: Destructor) -> Option<pthread_key_t> {
    let key = new_key(destructor)?;
    if key != 0 {
        return Some(key);
    }
    let Some(other) = new_key(destructor) else {
        return Some(key);
    };
    // SAFETY: made above, and used nowhere else.
    unsafe { pthread_key_delete(key) };
    Some(other)
}

#[inline(never)]
#[cfg_attr(target_os = "linux", unsafe(link_section = ".text"))]
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
