//! USDT probes for sampled blocks, as the heap profiler of OpenTelemetry's eBPF profiler expects
//! them (its design document 00003): `otel_memory:alloc(ptr, size, weight)` and
//! `otel_memory:free(ptr)`. Experimental: that document is not final.
//!
//! A probe is an instruction that does nothing, and a note that says where it is, and where its
//! arguments are. A tracer counts up its semaphore, so that nothing is done while no tracer is
//! there.

use core::sync::atomic::{AtomicU16, Ordering};

#[unsafe(link_section = ".probes")]
static ALLOC_SEMAPHORE: AtomicU16 = AtomicU16::new(0);
#[unsafe(link_section = ".probes")]
static FREE_SEMAPHORE: AtomicU16 = AtomicU16::new(0);

/// The note of a probe, as SystemTap's `sys/sdt.h` writes it: of the vendor "stapsdt", of type 3.
/// The byte whose address it has, too, tells how far its addresses were moved since it was written;
/// without it, gdb reads no note.
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64", target_arch = "riscv64"))]
macro_rules! probe {
    ($name:literal, $arguments:literal, $semaphore:ident, $($operands:tt)*) => {
        // SAFETY: one instruction, which does nothing; the rest is a note in the file.
        unsafe {
            core::arch::asm!(
                "990: nop",
                ".ifndef _.stapsdt.base",
                ".pushsection .stapsdt.base, \"aGR\", %progbits, .stapsdt.base, comdat",
                ".weak _.stapsdt.base",
                ".hidden _.stapsdt.base",
                "_.stapsdt.base: .space 1",
                ".size _.stapsdt.base, 1",
                ".popsection",
                ".endif",
                ".pushsection .note.stapsdt, \"\", %note",
                ".balign 4",
                ".4byte 992f - 991f, 994f - 993f, 3",
                "991: .asciz \"stapsdt\"",
                "992: .balign 4",
                "993: .8byte 990b",
                ".8byte _.stapsdt.base",
                ".8byte {semaphore}",
                ".asciz \"otel_memory\"",
                concat!(".asciz \"", $name, "\""),
                concat!(".asciz \"", $arguments, "\""),
                "994: .balign 4",
                ".popsection",
                semaphore = sym $semaphore,
                $($operands)*
                options(readonly, nostack, preserves_flags),
            );
        }
    };
}

/// A block was sampled, which represents `weight` bytes.
#[inline(never)]
pub(crate) fn sampled(address: usize, bytes: usize, weight: u64) {
    if ALLOC_SEMAPHORE.load(Ordering::Relaxed) == 0 {
        return;
    }
    #[cfg(target_arch = "x86_64")]
    probe!("alloc", "8@%rdi 8@%rsi 8@%rdx", ALLOC_SEMAPHORE, in("rdi") address, in("rsi") bytes, in("rdx") weight,);
    #[cfg(target_arch = "aarch64")]
    probe!("alloc", "8@x0 8@x1 8@x2", ALLOC_SEMAPHORE, in("x0") address, in("x1") bytes, in("x2") weight,);
    #[cfg(target_arch = "riscv64")]
    probe!("alloc", "8@a0 8@a1 8@a2", ALLOC_SEMAPHORE, in("a0") address, in("a1") bytes, in("a2") weight,);
}

/// A sampled block was freed.
#[inline(never)]
pub(crate) fn freed(address: usize) {
    if FREE_SEMAPHORE.load(Ordering::Relaxed) == 0 {
        return;
    }
    #[cfg(target_arch = "x86_64")]
    probe!("free", "8@%rdi", FREE_SEMAPHORE, in("rdi") address,);
    #[cfg(target_arch = "aarch64")]
    probe!("free", "8@x0", FREE_SEMAPHORE, in("x0") address,);
    #[cfg(target_arch = "riscv64")]
    probe!("free", "8@a0", FREE_SEMAPHORE, in("a0") address,);
}
