//! From reset to `main`.

use core::arch::global_asm;
use core::ptr::{addr_of, addr_of_mut, copy_nonoverlapping, write_bytes};

use super::host::{exit, print};

unsafe extern "C" {
    static mut DATA_START: u32;
    static DATA_END: u32;
    static DATA_IN_FLASH: u32;
    static mut BSS_START: u32;
    static BSS_END: u32;
}

// The first words of the flash: the stack, then what the processor calls. `main` and `on_timer`
// are the program's.
global_asm!(
    ".section .vectors, \"a\"",
    ".word STACK_TOP",
    ".word reset",
    ".rept 13",
    ".word {fault}",
    ".endr",
    ".word on_timer",
    ".text",
    fault = sym fault,
);

unsafe extern "C" {
    fn main() -> !;
}

/// What the processor calls for everything that no program expects; the linker script names it for
/// `on_timer`, too, where a program has no such function.
#[unsafe(no_mangle)]
extern "C" fn fault() -> ! {
    print("fault\n");
    exit(false)
}

#[unsafe(no_mangle)]
unsafe extern "C" fn reset() -> ! {
    // The floating point unit, where there is one: compilers use it without asking.
    #[cfg(target_abi = "eabihf")]
    unsafe {
        (0xE000_ED88 as *mut u32).write_volatile(0xF << 20);
    }
    unsafe {
        let data = addr_of!(DATA_END).addr() - addr_of!(DATA_START).addr();
        copy_nonoverlapping(addr_of!(DATA_IN_FLASH).cast::<u8>(), addr_of_mut!(DATA_START).cast(), data);
        let bss = addr_of!(BSS_END).addr() - addr_of!(BSS_START).addr();
        write_bytes(addr_of_mut!(BSS_START).cast::<u8>(), 0, bss);
        main()
    }
}
