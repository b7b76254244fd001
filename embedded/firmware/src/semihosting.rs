//! Semihosting: the emulator prints for us, and ends with our exit code.

use core::fmt::{Result, Write};
use core::panic::PanicInfo;

use super::call::call;

const SYS_WRITE0: usize = 0x04;
const SYS_EXIT_EXTENDED: usize = 0x20;
const STOPPED: usize = 0x20026;

pub fn print(text: &str) {
    let mut line = [0u8; 129];
    for piece in text.as_bytes().chunks(line.len() - 1) {
        line[..piece.len()].copy_from_slice(piece);
        line[piece.len()] = 0;
        unsafe { call(SYS_WRITE0, line.as_ptr()) };
    }
}

struct Output;

impl Write for Output {
    fn write_str(&mut self, text: &str) -> Result {
        print(text);
        Ok(())
    }
}

pub fn print_panic(info: &PanicInfo<'_>) {
    let _ = writeln!(Output, "{info}");
}

pub fn exit(succeeded: bool) -> ! {
    let arguments = [STOPPED, usize::from(!succeeded)];
    loop {
        unsafe { call(SYS_EXIT_EXTENDED, arguments.as_ptr().cast()) };
    }
}
