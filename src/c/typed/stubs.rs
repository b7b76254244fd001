//! The forms that put a token, or a hint of how hot a block is, elsewhere: each is a move and a
//! jump.

use core::arch::naked_asm;

/// A function that moves its last argument, a token, over the one before, a hint, and goes on with
/// the function that takes no hint. The number is that of the arguments before both.
macro_rules! without_hint {
    ($($name:literal => $arguments:tt $target:literal,)*) => {
        $(const _: () = {
            #[unsafe(naked)]
            #[unsafe(export_name = concat!("__alloc_token_", $name))]
            unsafe extern "C" fn stub() {
                naked_asm!(move_down!($arguments), concat!(jump!(), "__alloc_token_", $target))
            }
        };)*
    };
}

/// The functions with a token in their names, up to that many tokens: each sets the argument and
/// goes on with the function that takes a token. The number is that of the arguments before it.
macro_rules! fast {
    ([$($token:literal)*] $names:tt) => {
        $(fast!(@ $token $names);)*
    };
    (@ $token:literal { $($name:literal => $arguments:tt $target:literal,)* }) => {
        $(const _: () = {
            #[unsafe(naked)]
            #[unsafe(export_name = concat!("__alloc_token_", $token, "_", $name))]
            unsafe extern "C" fn stub() {
                naked_asm!(set!($arguments $token), concat!(jump!(), "__alloc_token_", $target))
            }
        };)*
    };
}

#[cfg(target_arch = "x86_64")]
macro_rules! jump {
    () => {
        "jmp "
    };
}
#[cfg(target_arch = "x86_64")]
macro_rules! move_down {
    (1) => {
        "mov rsi, rdx"
    };
    (2) => {
        "mov rdx, rcx"
    };
    (3) => {
        "mov rcx, r8"
    };
}
#[cfg(target_arch = "x86_64")]
macro_rules! set {
    (1 $token:literal) => {
        concat!("mov esi, ", $token)
    };
    (2 $token:literal) => {
        concat!("mov edx, ", $token)
    };
    (3 $token:literal) => {
        concat!("mov ecx, ", $token)
    };
}

#[cfg(target_arch = "aarch64")]
macro_rules! jump {
    () => {
        "b "
    };
}
#[cfg(target_arch = "aarch64")]
macro_rules! move_down {
    (1) => {
        "mov x1, x2"
    };
    (2) => {
        "mov x2, x3"
    };
    (3) => {
        "mov x3, x4"
    };
}
#[cfg(target_arch = "aarch64")]
macro_rules! set {
    ($arguments:tt $token:literal) => {
        concat!("mov x", $arguments, ", #", $token)
    };
}

#[cfg(target_arch = "riscv64")]
macro_rules! jump {
    () => {
        "tail "
    };
}
#[cfg(target_arch = "riscv64")]
macro_rules! move_down {
    (1) => {
        "mv a1, a2"
    };
    (2) => {
        "mv a2, a3"
    };
    (3) => {
        "mv a3, a4"
    };
}
#[cfg(target_arch = "riscv64")]
macro_rules! set {
    ($arguments:tt $token:literal) => {
        concat!("li a", $arguments, ", ", $token)
    };
}

without_hint! {
    "_Znwm12__hot_cold_t" => 1 "_Znwm",
    "_Znam12__hot_cold_t" => 1 "_Znam",
    "_ZnwmRKSt9nothrow_t12__hot_cold_t" => 2 "_ZnwmRKSt9nothrow_t",
    "_ZnamRKSt9nothrow_t12__hot_cold_t" => 2 "_ZnamRKSt9nothrow_t",
    "_ZnwmSt11align_val_t12__hot_cold_t" => 2 "_ZnwmSt11align_val_t",
    "_ZnamSt11align_val_t12__hot_cold_t" => 2 "_ZnamSt11align_val_t",
    "_ZnwmSt11align_val_tRKSt9nothrow_t12__hot_cold_t" => 3 "_ZnwmSt11align_val_tRKSt9nothrow_t",
    "_ZnamSt11align_val_tRKSt9nothrow_t12__hot_cold_t" => 3 "_ZnamSt11align_val_tRKSt9nothrow_t",
    "__size_returning_new_hot_cold" => 1 "__size_returning_new",
    "__size_returning_new_aligned_hot_cold" => 2 "__size_returning_new_aligned",
}

fast! {
    [0 1 2 3]
    {
        "malloc" => 1 "malloc",
        "calloc" => 2 "calloc",
        "realloc" => 2 "realloc",
        "reallocarray" => 3 "reallocarray",
        "aligned_alloc" => 2 "aligned_alloc",
        "memalign" => 2 "memalign",
        "posix_memalign" => 3 "posix_memalign",
        "valloc" => 1 "valloc",
        "pvalloc" => 1 "pvalloc",
        "_Znwm" => 1 "_Znwm",
        "_Znam" => 1 "_Znam",
        "_ZnwmRKSt9nothrow_t" => 2 "_ZnwmRKSt9nothrow_t",
        "_ZnamRKSt9nothrow_t" => 2 "_ZnamRKSt9nothrow_t",
        "_ZnwmSt11align_val_t" => 2 "_ZnwmSt11align_val_t",
        "_ZnamSt11align_val_t" => 2 "_ZnamSt11align_val_t",
        "_ZnwmSt11align_val_tRKSt9nothrow_t" => 3 "_ZnwmSt11align_val_tRKSt9nothrow_t",
        "_ZnamSt11align_val_tRKSt9nothrow_t" => 3 "_ZnamSt11align_val_tRKSt9nothrow_t",
    }
}

// No compiler names these of its own accord; TCMalloc, which brought them up, has two tokens.
fast! {
    [0 1]
    {
        "_Znwm12__hot_cold_t" => 1 "_Znwm",
        "_Znam12__hot_cold_t" => 1 "_Znam",
        "_ZnwmRKSt9nothrow_t12__hot_cold_t" => 2 "_ZnwmRKSt9nothrow_t",
        "_ZnamRKSt9nothrow_t12__hot_cold_t" => 2 "_ZnamRKSt9nothrow_t",
        "_ZnwmSt11align_val_t12__hot_cold_t" => 2 "_ZnwmSt11align_val_t",
        "_ZnamSt11align_val_t12__hot_cold_t" => 2 "_ZnamSt11align_val_t",
        "_ZnwmSt11align_val_tRKSt9nothrow_t12__hot_cold_t" => 3 "_ZnwmSt11align_val_tRKSt9nothrow_t",
        "_ZnamSt11align_val_tRKSt9nothrow_t12__hot_cold_t" => 3 "_ZnamSt11align_val_tRKSt9nothrow_t",
        "__size_returning_new" => 1 "__size_returning_new",
        "__size_returning_new_aligned" => 2 "__size_returning_new_aligned",
        "__size_returning_new_hot_cold" => 1 "__size_returning_new",
        "__size_returning_new_aligned_hot_cold" => 2 "__size_returning_new_aligned",
    }
}
