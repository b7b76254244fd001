//! Symbols that other loaded objects may or may not define, or define in place of ours.

/// The address of the symbol; null if no loaded object defines it.
macro_rules! weak_symbol {
    ($name:literal) => {{
        let address: *mut c_void;
        // SAFETY: reads a slot that the dynamic linker filled.
        unsafe {
            #[cfg(target_arch = "x86_64")]
            asm!(
                concat!(".weak ", $name),
                concat!("mov {}, qword ptr [rip + ", $name, "@GOTPCREL]"),
                out(reg) address,
                options(pure, nomem, nostack, preserves_flags),
            );
            #[cfg(target_arch = "aarch64")]
            asm!(
                concat!(".weak ", $name),
                concat!("adrp {0}, :got:", $name),
                concat!("ldr {0}, [{0}, :got_lo12:", $name, "]"),
                out(reg) address,
                options(pure, nomem, nostack, preserves_flags),
            );
            #[cfg(target_arch = "riscv64")]
            asm!(
                concat!(".weak ", $name),
                concat!("lga {}, ", $name),
                out(reg) address,
                options(pure, nomem, nostack, preserves_flags),
            );
        }
        address
    }};
}

pub(crate) use weak_symbol;

/// The address of a symbol of ours, or of the definition that the program has of it.
#[cfg(feature = "jemalloc")]
macro_rules! bound_symbol {
    ($name:literal) => {{
        let address: *mut c_void;
        // SAFETY: reads a slot that the dynamic linker filled.
        unsafe {
            #[cfg(target_arch = "x86_64")]
            asm!(
                concat!("mov {}, qword ptr [rip + ", $name, "@GOTPCREL]"),
                out(reg) address,
                options(pure, nomem, nostack, preserves_flags),
            );
            #[cfg(target_arch = "aarch64")]
            asm!(
                concat!("adrp {0}, :got:", $name),
                concat!("ldr {0}, [{0}, :got_lo12:", $name, "]"),
                out(reg) address,
                options(pure, nomem, nostack, preserves_flags),
            );
            #[cfg(target_arch = "riscv64")]
            asm!(concat!("lga {}, ", $name), out(reg) address, options(pure, nomem, nostack, preserves_flags));
        }
        address
    }};
}

#[cfg(feature = "jemalloc")]
pub(crate) use bound_symbol;
