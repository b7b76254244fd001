//! Aligned blocks: aligned_alloc, posix_memalign, memalign, valloc, pvalloc. Manual:
//! posix_memalign(3).

#[cfg(unix)]
use core::ffi::c_int;
use core::ffi::c_void;
use core::ptr::NonNull;

use libc::EINVAL;
#[cfg(unix)]
use libc::ENOMEM;
#[cfg(unix)]
use tinyalloc_sys::{Mapper, SystemMapper};

#[cfg(unix)]
use super::results::out_of_memory;
use super::results::{block_or_enomem, null_and};
use crate::process::instance::ALLOCATOR;
use crate::process::memory_limit::retry_at_new_limit;
use crate::process::thread::Thread;
#[cfg(unix)]
use crate::support::errno::set_errno;

#[cfg(unix)]
pub(crate) const ALIGN_MAX: usize = 1 << (usize::BITS - 1);

/// The hit path is in the library once, not in every function that aligns.
#[inline(never)]
pub(crate) fn allocate_aligned(bytes: usize, align: usize) -> Option<NonNull<u8>> {
    ALLOCATOR.allocate_aligned_hit(Thread, bytes, align).or_else(|| allocate_aligned_slow(bytes, align))
}

#[cold]
#[inline(never)]
fn allocate_aligned_slow(bytes: usize, align: usize) -> Option<NonNull<u8>> {
    retry_at_new_limit(|| ALLOCATOR.allocate_aligned_slow(Thread, bytes, align))
}

/// A block aligned to `align`; null and `EINVAL` unless that is a power of two. The size need not
/// be a multiple of the alignment (ISO C23).
#[cfg_attr(unix, unsafe(no_mangle))]
#[cfg_attr(target_os = "linux", unsafe(link_section = ".text"))]
pub extern "C" fn aligned_alloc(align: usize, bytes: usize) -> *mut c_void {
    if !align.is_power_of_two() {
        return null_and(EINVAL);
    }
    block_or_enomem(allocate_aligned(bytes, align))
}

/// A block aligned to `align`, rounded up to a power of two as in the GNU C library; null and
/// `EINVAL` beyond the largest.
#[cfg(unix)]
#[unsafe(no_mangle)]
pub extern "C" fn memalign(align: usize, bytes: usize) -> *mut c_void {
    if align > ALIGN_MAX {
        return null_and(EINVAL);
    }
    block_or_enomem(allocate_aligned(bytes, align.max(1).next_power_of_two()))
}

/// Stores a block aligned to `align` in `*block`. Returns `EINVAL` unless `align` is a power of two
/// and a multiple of the size of a pointer, and `ENOMEM` if there is no memory; `*block` is then
/// unchanged. `errno` is set with `ENOMEM` only, as in the GNU C library.
///
/// # Safety
/// `block` is valid for a write.
#[cfg(unix)]
#[unsafe(no_mangle)]
#[cfg_attr(target_os = "linux", unsafe(link_section = ".text"))]
pub unsafe extern "C" fn posix_memalign(block: *mut *mut c_void, align: usize, bytes: usize) -> c_int {
    if !align.is_power_of_two() || align % size_of::<*mut c_void>() != 0 {
        return EINVAL;
    }
    let Some(start) = allocate_aligned(bytes, align) else {
        set_errno(ENOMEM);
        return ENOMEM;
    };
    // SAFETY: the caller's promise.
    unsafe { block.write(start.as_ptr().cast()) };
    0
}

/// A block aligned to a page.
#[cfg(unix)]
#[unsafe(no_mangle)]
pub extern "C" fn valloc(bytes: usize) -> *mut c_void {
    block_or_enomem(allocate_aligned(bytes, SystemMapper::new().page_bytes()))
}

/// Whole pages: the size is rounded up to a page.
#[cfg(unix)]
#[unsafe(no_mangle)]
pub extern "C" fn pvalloc(bytes: usize) -> *mut c_void {
    let page_bytes = SystemMapper::new().page_bytes();
    match bytes.max(1).checked_next_multiple_of(page_bytes) {
        Some(bytes) => block_or_enomem(allocate_aligned(bytes, page_bytes)),
        None => out_of_memory(),
    }
}
