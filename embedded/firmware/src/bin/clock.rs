//! The clock counts what the tables say: instructions in QEMU, cycles in simavr, each as many as
//! the data sheet has for the instruction.
#![no_std]
#![no_main]
#![cfg_attr(target_arch = "avr", feature(asm_experimental_arch))]

use core::arch::asm;

use firmware::host::exit;
use firmware::measure::measured;
use firmware::{end_on_panic, println, timer};

end_on_panic!();

/// What 100 of an instruction take, while the pointer X is somewhere in memory.
#[cfg(target_arch = "avr")]
macro_rules! hundred {
    ($($instruction:literal),*) => {
        measured(|| unsafe { asm!(".rept 100", $($instruction),*, ".endr", in("X") 0x200_u16) }).0
    };
}

/// Around the step there may be some instructions more or less than around nothing.
const SLACK: u32 = 8;

fn expect(wanted: u32, measured: u32) {
    if measured.abs_diff(wanted) > SLACK {
        println!("wanted ", wanted, ", measured ", measured);
        exit(false)
    }
}

#[cfg(not(target_arch = "avr"))]
fn check() {
    expect(100, measured(|| unsafe { asm!(".rept 100", "nop", ".endr") }).0);
}

/// An ATmega's cycles; of those with a program counter of 16 bits.
#[cfg(target_arch = "avr")]
fn check() {
    expect(100, hundred!("nop"));
    expect(100, hundred!("movw r0, r0"));
    expect(100, hundred!("in r0, 0x3f"));
    expect(200, hundred!("adiw r26, 0"));
    expect(300, hundred!("mul r26, r27", "clr r1"));
    expect(400, hundred!("push r0", "pop r0"));
    expect(200, hundred!("lds r0, 0x100"));
    expect(400, hundred!("ld r0, -X", "ld r0, X+"));
    expect(200, hundred!("rjmp 0f", "0:"));
    expect(900, hundred!("rcall 0f", "rjmp 1f", "0: ret", "1:"));
    expect(1000, hundred!("call 0f", "rjmp 1f", "0: ret", "1:"));
    expect(300, hundred!("sec", "brcs 0f", "0:"));
    expect(200, hundred!("clc", "brcs 0f", "0:"));
}

#[unsafe(no_mangle)]
extern "C" fn main() -> ! {
    timer::start_clock();
    check();
    println!("test the clock counts instructions or cycles ... ok");
    exit(true)
}
