//! The one allocator of a process.

#[cfg(target_arch = "aarch64")]
use core::arch::asm;
use core::ptr::NonNull;

use tinyalloc_alloc::Allocator;
use tinyalloc_sys::SystemMapper;

/// The global heap. It ends with a page of its own, in a section of its own after all other
/// initialised data.
#[unsafe(link_section = ".tinyalloc")]
pub(crate) static ALLOCATOR: Allocator<SystemMapper> = Allocator::new(SystemMapper::new());

/// Its address. An address is two instructions here, and the compiler takes another for each page
/// that it reads: it does not know that the heap begins with a page, nor that a load reaches the
/// next page from there.
#[cfg(target_arch = "aarch64")]
#[inline(always)]
pub(crate) fn address() -> Option<NonNull<u8>> {
    const { assert!(align_of::<Allocator<SystemMapper>>() % 4096 == 0) };
    let address;
    // SAFETY: computes the address of the page where the heap begins.
    unsafe { asm!("adrp {}, {}", out(reg) address, sym ALLOCATOR, options(pure, nomem, nostack, preserves_flags)) };
    // SAFETY: that of a static.
    Some(unsafe { NonNull::new_unchecked(address) })
}

/// Its address, where the compiler does not need to be helped.
#[cfg(not(target_arch = "aarch64"))]
#[inline(always)]
pub(crate) fn address() -> Option<NonNull<u8>> {
    None
}
