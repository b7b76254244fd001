//! An index that is a part of an address.

#[cfg(target_arch = "aarch64")]
use core::arch::asm;

/// `number >> shift`, for the index of a table of words. The compiler would combine this shift with
/// the one by the size of a word: the result takes a shift and a mask, where 64-bit Arm loads a
/// word by its index.
#[cfg(target_arch = "aarch64")]
#[inline(always)]
pub(crate) fn index_of(number: usize, shift: u32) -> usize {
    let mut index = number >> shift;
    // SAFETY: no instruction at all.
    unsafe { asm!("/* {} */", inout(reg) index, options(pure, nomem, nostack, preserves_flags)) };
    index
}

/// `number >> shift`, for the index of a table of words.
#[cfg(not(target_arch = "aarch64"))]
#[inline(always)]
pub(crate) fn index_of(number: usize, shift: u32) -> usize {
    number >> shift
}
