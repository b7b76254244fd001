//! The end of a program that freed what it had not. A panic would not do: it allocates, and must
//! not unwind out of an allocator.

/// Ends the program by an illegal instruction; the name of this function is what a debugger or a
/// core dump shows.
#[cold]
#[inline(never)]
pub(crate) fn freed_twice_or_never_allocated() -> ! {
    trap()
}

macro_rules! trap {
    ($instruction:literal) => {
        fn trap() -> ! {
            // SAFETY: it goes no further.
            unsafe { core::arch::asm!($instruction, options(noreturn, nomem, nostack)) }
        }
    };
}

#[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
trap!("ud2");
#[cfg(any(target_arch = "arm", target_arch = "aarch64"))]
trap!("udf #0");
#[cfg(any(target_arch = "riscv32", target_arch = "riscv64"))]
trap!("unimp");
#[cfg(not(any(
    target_arch = "x86",
    target_arch = "x86_64",
    target_arch = "arm",
    target_arch = "aarch64",
    target_arch = "riscv32",
    target_arch = "riscv64"
)))]
extern "C" fn trap() -> ! {
    panic!("freed twice, or never allocated")
}
