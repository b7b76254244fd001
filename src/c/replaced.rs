//! A program may replace C++'s operators one by one, and the others then call the replacements (ISO
//! C++20 17.6.3).
//!
//! So the dynamic linker binds our calls of these operators; it binds no other call of our own
//! functions. In static programs the program's operators take the place of ours, which are weak
//! there.

use core::arch::{asm, global_asm};
use core::ffi::c_void;

// Our own operators under second names: the names themselves stand for what the program has. (This
// has to be in one object file with the operators, as with the single codegen unit of release
// builds.)
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

/// A jump to the operator that the program has. With `align_third` the operator takes an address
/// and an alignment, and the caller's arguments have a size between them.
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

#[cfg(target_arch = "riscv64")]
macro_rules! jump_to {
    ($name:literal) => {
        naked_asm!(concat!("lga t1, ", $name), "jr t1")
    };
    ($name:literal, align_third) => {
        naked_asm!("mv a1, a2", concat!("lga t1, ", $name), "jr t1")
    };
}

pub(crate) use jump_to;

/// The program's operator, compared with ours.
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

#[cfg(target_arch = "riscv64")]
macro_rules! replaceable {
    ($name:literal, $ours:literal) => {{
        let (bound, ours): (*const c_void, *const c_void);
        // SAFETY: reads a slot that the dynamic linker filled.
        unsafe {
            asm!(
                concat!("lga {0}, ", $name),
                // Of `lla`, the assembler would take the name that ours is another one of.
                concat!("2: auipc {1}, %pcrel_hi(", $ours, ")"),
                "addi {1}, {1}, %pcrel_lo(2b)",
                out(reg) bound,
                out(reg) ours,
                options(pure, nomem, nostack, preserves_flags),
            );
        }
        Replaceable { bound, is_replaced: bound != ours }
    }};
}

/// An operator that others call.
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

    /// Whether the program replaced it, or an operator that it calls.
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

/// Our operators for one object and for arrays, without an alignment; `None` if the program
/// replaced one of the four.
pub(crate) fn deletes() -> Option<[*const c_void; 2]> {
    let plain = replaceable!("_ZdlPv", "tinyalloc_delete");
    let array = replaceable!("_ZdaPv", "tinyalloc_delete_array");
    let aligned = replaceable!("_ZdlPvSt11align_val_t", "tinyalloc_delete_aligned");
    let array_aligned = replaceable!("_ZdaPvSt11align_val_t", "tinyalloc_delete_array_aligned");
    let is_any_replaced = [plain, array, aligned, array_aligned].iter().any(|delete| delete.is_replaced);
    (!is_any_replaced).then_some([plain.bound, array.bound])
}
