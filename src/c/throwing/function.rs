//! Functions in assembly, with unwind tables.

/// A hidden function of these lines; `$personality` names the routine that catches exceptions, if
/// any.
macro_rules! function {
    ($name:literal, $personality:literal, [$($line:literal),* $(,)?] $(, $operand:ident = $function:path)*) => {
        global_asm!(
            ".pushsection .text, \"ax\", @progbits",
            concat!(".globl ", $name),
            concat!(".hidden ", $name),
            concat!(".type ", $name, ", @function"),
            concat!($name, ":"),
            ".cfi_startproc",
            $personality,
            $($line,)*
            ".cfi_endproc",
            concat!(".size ", $name, ", . - ", $name),
            ".popsection",
            $($operand = sym $function,)*
        );
    };
}

pub(super) use function;
