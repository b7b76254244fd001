//! Notification of a thread's end. The loader calls the functions between `.CRT$XLA` and `.CRT$XLZ`
//! for every thread that ends, of whatever language; ours is in `lifecycle`.

use core::arch::{asm, global_asm};
use core::ffi::c_void;
use core::ptr::null_mut;

use tinyalloc_alloc::EMPTY_BINS;

use super::tls_windows::define_tls;

pub(crate) type Destructor = unsafe extern "C" fn(value: *mut c_void);

/// What this thread remembers: whether its end matters.
struct Ending;

define_tls!(Ending, "tinyalloc_thread_end");

const IS_ARMED: usize = 8;

pub(crate) struct ThreadEnd {
    destructor: Destructor,
}

impl ThreadEnd {
    pub(crate) const fn new(destructor: Destructor) -> ThreadEnd {
        ThreadEnd { destructor }
    }

    /// Arms the destructor for the end of this thread; false if it was armed before.
    pub(crate) fn arm(&self) -> bool {
        let is_armed = Ending::word::<IS_ARMED>() != 0;
        Ending::set_word::<IS_ARMED>(1);
        !is_armed
    }

    #[inline]
    pub(crate) fn is_certain(&self) -> bool {
        true
    }

    /// This thread ends: calls the destructor, if it was armed.
    pub(crate) fn tell(&self) {
        if Ending::word::<IS_ARMED>() != 0 {
            Ending::set_word::<IS_ARMED>(0);
            // SAFETY: it is meant for this, and does not look at its value.
            unsafe { (self.destructor)(null_mut()) };
        }
    }
}
