//! The tls of the engine where programs are PE files: three words for each thread, in the
//! thread-local storage of the program or library.
//!
//! The loader gives each of them an index, `_tls_index`, and each thread a block for it, a copy of
//! what is between `.tls$AAA` and `.tls$ZZZ`. It does so before any code of the thread runs, and
//! for threads that are older than a library, too.

use core::arch::asm;

/// Defines the storage under the symbol, and `word` and `set_word` of the type that represents the
/// calling thread.
macro_rules! define_tls {
    ($thread:ident, $symbol:literal) => {
        global_asm!(
            ".section .tls$TINYALLOC, \"dw\"",
            ".p2align 4",
            concat!(".globl ", $symbol),
            concat!($symbol, ":"),
            ".quad {empty}",
            ".quad 0",
            ".quad 0",
            ".text",
            empty = sym EMPTY_BINS,
        );

        impl $thread {
            /// This thread's block of the program or library.
            #[inline(always)]
            fn storage() -> usize {
                let storage: usize;
                // SAFETY: reads a constant that the loader fixed before any code runs, and an
                // address that it fixed before any code of this thread did.
                unsafe {
                    asm!(
                        "mov {index:e}, dword ptr [rip + _tls_index]",
                        "mov {storage}, qword ptr gs:[0x58]",
                        "mov {storage}, qword ptr [{storage} + 8*{index}]",
                        index = out(reg) _,
                        storage = out(reg) storage,
                        options(pure, readonly, nostack, preserves_flags),
                    );
                }
                storage
            }

            #[inline(always)]
            pub(crate) fn word<const AT: usize>() -> usize {
                let word: usize;
                // SAFETY: reads one of this thread's three words.
                unsafe {
                    asm!(
                        concat!("mov {}, qword ptr [{} + ", $symbol, "@SECREL32 + {at}]"),
                        out(reg) word,
                        in(reg) $thread::storage(),
                        at = const AT,
                        options(pure, readonly, nostack, preserves_flags),
                    );
                }
                word
            }

            #[inline(always)]
            pub(crate) fn set_word<const AT: usize>(word: usize) {
                // SAFETY: writes one of this thread's three words.
                unsafe {
                    asm!(
                        concat!("mov qword ptr [{} + ", $symbol, "@SECREL32 + {at}], {}"),
                        in(reg) $thread::storage(),
                        in(reg) word,
                        at = const AT,
                        options(nostack, preserves_flags),
                    );
                }
            }

            #[allow(dead_code, reason = "not every type asks")]
            #[inline(always)]
            pub(crate) fn has_first_word(word: usize) -> bool {
                $thread::word::<0>() == word
            }
        }
    };
}

/// The address of this thread's block of the system's, which is its own while it lives.
pub(crate) fn block() -> usize {
    let block: usize;
    // SAFETY: reads a constant of this thread.
    unsafe { asm!("mov {}, qword ptr gs:[0x30]", out(reg) block, options(pure, readonly, nostack, preserves_flags)) };
    block
}

pub(crate) use define_tls;
