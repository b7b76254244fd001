//! Fork handlers, as POSIX has them.

use libc::pthread_atfork;

/// Registers what runs before a fork, and after it in the parent and in the child.
pub(super) fn register(prepare: unsafe extern "C" fn(), parent: unsafe extern "C" fn(), child: unsafe extern "C" fn()) {
    // SAFETY: the handlers are functions of this library. The C library forgets them when it is
    // unloaded. Without memory for them there are none.
    unsafe { pthread_atfork(Some(prepare), Some(parent), Some(child)) };
}
