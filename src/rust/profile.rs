//! The heap profile, for Rust.

use core::ffi::c_int;

use libc::EAGAIN;
use tinyalloc_alloc::ProfileSummary;

use super::global_alloc::TinyAlloc;
use crate::process::instance::ALLOCATOR;
use crate::process::thread::Thread;
use crate::report::heap_profile::{is_at_hand, write_to};

impl TinyAlloc {
    /// What the heap profile says beside its call sites. The option `profile` turns it on and off.
    ///
    /// ```
    /// use tinyalloc::TinyAlloc;
    ///
    /// #[global_allocator]
    /// static GLOBAL: TinyAlloc = TinyAlloc;
    ///
    /// GLOBAL.set_option("profile", "4K")?;
    /// let kept = vec![1_u8; 10 << 20];
    /// assert!(GLOBAL.profile_summary().live_bytes >= 10 << 20);
    /// # drop(kept);
    /// # Ok::<(), tinyalloc::OptionError>(())
    /// ```
    #[must_use]
    pub fn profile_summary(&self) -> ProfileSummary {
        ALLOCATOR.profile_summary(Thread)
    }

    /// Writes the heap profile to a file descriptor, in the format of `ta_profile_dump`.
    ///
    /// # Errors
    /// The `errno` of write(2), or `EAGAIN` in a signal handler that interrupted the allocator.
    pub fn write_profile(&self, descriptor: c_int) -> Result<(), c_int> {
        if is_at_hand() { write_to(descriptor) } else { Err(EAGAIN) }
    }
}
