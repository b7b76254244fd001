//! Programs replace C++'s operators one by one: those that they leave go through those that they replace (ISO
//! C++20 17.6.3).
//!
//! So the operators that others go through are looked up by the dynamic linker, unlike everything else of
//! ours that we call. Static programs find theirs in place of ours, which are weak there.

use core::arch::{asm, global_asm};
use core::ffi::c_void;

// Ours, whoever replaced them: the names themselves stand for what the program has. (This has to be in one
// object with the operators, as with the one codegen unit of release builds.)
global_asm!(
    ".hidden tinyalloc_new, tinyalloc_new_array, tinyalloc_new_aligned, tinyalloc_new_array_aligned",
    ".globl tinyalloc_new, tinyalloc_new_array, tinyalloc_new_aligned, tinyalloc_new_array_aligned",
    ".set tinyalloc_new, _Znwm",
    ".set tinyalloc_new_array, _Znam",
    ".set tinyalloc_new_aligned, _ZnwmSt11align_val_t",
    ".set tinyalloc_new_array_aligned, _ZnamSt11align_val_t",
    ".hidden tinyalloc_delete, tinyalloc_delete_array, tinyalloc_delete_aligned, tinyalloc_delete_array_aligned",
    ".globl tinyalloc_delete, tinyalloc_delete_array, tinyalloc_delete_aligned, tinyalloc_delete_array_aligned",
    ".set tinyalloc_delete, _ZdlPv",
    ".set tinyalloc_delete_array, _ZdaPv",
    ".set tinyalloc_delete_aligned, _ZdlPvSt11align_val_t",
    ".set tinyalloc_delete_array_aligned, _ZdaPvSt11align_val_t",
);

/// A jump to an operator, whoever defines it. With `align_third` it takes an address and an alignment,
/// between which the caller has a size.
#[cfg(target_arch = "x86_64")]
macro_rules! jump_to {
    ($name:literal) => {
        naked_asm!(concat!("jmp qword ptr [rip + ", $name, "@GOTPCREL]"))
    };
    ($name:literal, align_third) => {
        naked_asm!("mov rsi, rdx", concat!("jmp qword ptr [rip + ", $name, "@GOTPCREL]"))
    };
}

#[cfg(target_arch = "aarch64")]
macro_rules! jump_to {
    ($name:literal) => {
        naked_asm!(concat!("adrp x16, :got:", $name), concat!("ldr x16, [x16, :got_lo12:", $name, "]"), "br x16")
    };
    ($name:literal, align_third) => {
        naked_asm!("mov x1, x2", concat!("adrp x16, :got:", $name), concat!("ldr x16, [x16, :got_lo12:", $name, "]"), "br x16")
    };
}

pub(crate) use jump_to;

/// An operator that others go through, and ours.
#[cfg(target_arch = "x86_64")]
macro_rules! replaceable {
    ($name:literal, $ours:literal) => {{
        let (bound, ours): (*const c_void, *const c_void);
        // SAFETY: reads a slot that the dynamic linker filled.
        unsafe {
            asm!(
                concat!("mov {}, qword ptr [rip + ", $name, "@GOTPCREL]"),
                concat!("lea {}, [rip + ", $ours, "]"),
                out(reg) bound,
                out(reg) ours,
                options(pure, nomem, nostack, preserves_flags),
            );
        }
        Replaceable { bound, is_replaced: bound != ours }
    }};
}

#[cfg(target_arch = "aarch64")]
macro_rules! replaceable {
    ($name:literal, $ours:literal) => {{
        let (bound, ours): (*const c_void, *const c_void);
        // SAFETY: reads a slot that the dynamic linker filled.
        unsafe {
            asm!(
                concat!("adrp {0}, :got:", $name),
                concat!("ldr {0}, [{0}, :got_lo12:", $name, "]"),
                concat!("adrp {1}, ", $ours),
                concat!("add {1}, {1}, :lo12:", $ours),
                out(reg) bound,
                out(reg) ours,
                options(pure, nomem, nostack, preserves_flags),
            );
        }
        Replaceable { bound, is_replaced: bound != ours }
    }};
}

/// An operator that others go through.
#[derive(Clone, Copy)]
pub(crate) struct Replaceable {
    bound: *const c_void,
    is_replaced: bool,
}

impl Replaceable {
    /// The program's operator, or ours.
    pub(crate) fn address(self) -> *const c_void {
        self.bound
    }

    /// Whether it is the program's, or one that it goes through itself is.
    pub(crate) fn is_replaced(self) -> bool {
        self.is_replaced
    }

    fn through(self, base: Replaceable) -> Replaceable {
        Replaceable { is_replaced: self.is_replaced || base.is_replaced, ..self }
    }
}

/// `operator new(std::size_t)`
pub(crate) fn new() -> Replaceable {
    replaceable!("_Znwm", "tinyalloc_new")
}

/// `operator new[](std::size_t)`
pub(crate) fn new_array() -> Replaceable {
    replaceable!("_Znam", "tinyalloc_new_array").through(new())
}

/// `operator new(std::size_t, std::align_val_t)`
pub(crate) fn new_aligned() -> Replaceable {
    replaceable!("_ZnwmSt11align_val_t", "tinyalloc_new_aligned")
}

/// `operator new[](std::size_t, std::align_val_t)`
pub(crate) fn new_array_aligned() -> Replaceable {
    replaceable!("_ZnamSt11align_val_t", "tinyalloc_new_array_aligned").through(new_aligned())
}

/// Ours for one object and for arrays, without an alignment; `None` if one of the four is the program's.
pub(crate) fn deletes() -> Option<[*const c_void; 2]> {
    let plain = replaceable!("_ZdlPv", "tinyalloc_delete");
    let array = replaceable!("_ZdaPv", "tinyalloc_delete_array");
    let aligned = replaceable!("_ZdlPvSt11align_val_t", "tinyalloc_delete_aligned");
    let array_aligned = replaceable!("_ZdaPvSt11align_val_t", "tinyalloc_delete_array_aligned");
    let is_any_replaced = [plain, array, aligned, array_aligned].iter().any(|delete| delete.is_replaced);
    (!is_any_replaced).then_some([plain.bound, array.bound])
}
