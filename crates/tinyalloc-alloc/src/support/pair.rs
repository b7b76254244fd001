//! Two words at any address.

#[cfg(target_arch = "riscv64")]
use core::arch::asm;
use core::ptr::NonNull;

/// # Safety
/// The words may be read, and no other thread writes to them.
#[cfg(not(target_arch = "riscv64"))]
#[inline(always)]
pub(crate) unsafe fn read_pair(start: NonNull<u8>) -> [usize; 2] {
    // SAFETY: the caller's promise.
    unsafe { start.cast::<[usize; 2]>().read_unaligned() }
}

/// The compiler would read byte by byte, for processors that take long where words are not aligned:
/// these rarely are not.
///
/// # Safety
/// The words may be read, and no other thread writes to them.
#[cfg(target_arch = "riscv64")]
#[inline(always)]
pub(crate) unsafe fn read_pair(start: NonNull<u8>) -> [usize; 2] {
    let (first, second): (usize, usize);
    // SAFETY: the caller's promise; Linux lets programs read words anywhere.
    unsafe { asm!("ld {}, 0({})", out(reg) first, in(reg) start.as_ptr(), options(pure, readonly, nostack, preserves_flags)) };
    // SAFETY: as above.
    unsafe { asm!("ld {}, 8({})", out(reg) second, in(reg) start.as_ptr(), options(pure, readonly, nostack, preserves_flags)) };
    [first, second]
}
