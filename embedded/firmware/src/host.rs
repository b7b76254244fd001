//! How a program prints and ends, on every board.

pub use crate::board::host::{exit, print, print_panic};

/// What `println` prints. Not `core::fmt`: LLVM (22.1.8 and before) does not align the stack on AVR
/// (llvm/llvm-project#169190), and `fmt::Arguments` tells its two forms apart by an aligned
/// pointer.
pub trait Print {
    fn print(&self);
}

impl Print for &str {
    fn print(&self) {
        print(self);
    }
}

impl Print for u32 {
    fn print(&self) {
        let (mut digits, mut first, mut rest) = ([b'0'; 10], 9, *self);
        while rest > 9 {
            digits[first] = b'0' + (rest % 10).to_le_bytes()[0];
            (first, rest) = (first - 1, rest / 10);
        }
        digits[first] = b'0' + rest.to_le_bytes()[0];
        print(str::from_utf8(&digits[first..]).unwrap_or_default());
    }
}

impl Print for usize {
    fn print(&self) {
        (*self as u32).print();
    }
}

/// Prints text and numbers, and ends the line.
#[macro_export]
macro_rules! println {
    ($($part:expr),* $(,)?) => {{
        $($crate::host::Print::print(&$part);)*
        $crate::host::print("\n");
    }};
}
