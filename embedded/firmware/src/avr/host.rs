//! The serial port, which the emulator prints, and the sleep from which nothing wakes: it ends with
//! that. Its exit status says nothing, so the last line does.

use core::arch::asm;
use core::panic::PanicInfo;

const STATUS: *mut u8 = 0xC0 as *mut u8;
const CONTROL: *mut u8 = 0xC1 as *mut u8;
const DATA: *mut u8 = 0xC6 as *mut u8;
const SENT: u8 = 1 << 6;
const READY: u8 = 1 << 5;
const SENDER: u8 = 1 << 3;
const SLEEP: *mut u8 = 0x53 as *mut u8;

fn send(byte: u8) {
    unsafe {
        CONTROL.write_volatile(SENDER);
        while STATUS.read_volatile() & READY == 0 {}
        STATUS.write_volatile(SENT);
        DATA.write_volatile(byte);
    }
}

pub fn print(text: &str) {
    text.bytes().for_each(send);
}

/// Only where: the message would need an aligned stack.
pub fn print_panic(info: &PanicInfo<'_>) {
    if let Some(place) = info.location() {
        crate::println!("panicked at ", place.file(), ":", place.line());
    }
}

pub fn exit(succeeded: bool) -> ! {
    print(if succeeded { "exit 0\n" } else { "exit 1\n" });
    loop {
        unsafe {
            while STATUS.read_volatile() & SENT == 0 {}
            SLEEP.write_volatile(1);
            asm!("cli", "sleep");
        }
    }
}
