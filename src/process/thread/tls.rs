//! The tls of the engine: three words for each thread, in initial-exec thread-local storage.
//!
//! In a shared library `thread_local!` would call `__tls_get_addr`, which may allocate. So the
//! storage has a symbol of its own.

/// Defines the storage under the symbol, and `word` and `set_word` of the type that represents the
/// calling thread.
#[cfg(unix)]
macro_rules! define_tls {
    ($thread:ident, $symbol:literal) => {
        global_asm!(
            concat!(".pushsection .tdata.", $symbol, ", \"awT\", @progbits"),
            ".p2align 4",
            concat!(".globl ", $symbol),
            concat!(".hidden ", $symbol),
            concat!(".type ", $symbol, ", @object"),
            concat!(".size ", $symbol, ", 24"),
            concat!($symbol, ":"),
            ".quad {empty}",
            ".quad 0",
            ".quad 0",
            ".popsection",
            empty = sym EMPTY_BINS,
        );

        /// x86-64: offsets are relative to the segment that `fs` names.
        #[cfg(target_arch = "x86_64")]
        impl $thread {
            #[inline(always)]
            fn offset() -> usize {
                let offset: usize;
                // SAFETY: reads a constant that the dynamic linker fixed before this library's code
                // runs.
                unsafe {
                    asm!(
                        concat!("mov {}, qword ptr [rip + ", $symbol, "@GOTTPOFF]"),
                        out(reg) offset,
                        options(pure, nomem, nostack, preserves_flags),
                    );
                }
                offset
            }

            #[inline(always)]
            pub(crate) fn word<const AT: usize>() -> usize {
                let word: usize;
                // SAFETY: reads one of this thread's three words.
                unsafe {
                    asm!(
                        "mov {}, qword ptr fs:[{} + {at}]",
                        out(reg) word,
                        in(reg) $thread::offset(),
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
                        "mov qword ptr fs:[{} + {at}], {}",
                        in(reg) $thread::offset(),
                        in(reg) word,
                        at = const AT,
                        options(nostack, preserves_flags),
                    );
                }
            }

            /// Compares in one instruction.
            #[cfg(asm_labels)]
            #[inline(always)]
            pub(crate) fn has_first_word(word: usize) -> bool {
                // SAFETY: compares with one of this thread's three words.
                unsafe {
                    asm!(
                        "cmp {}, qword ptr fs:[{}]",
                        "jne {}",
                        in(reg) word,
                        in(reg) $thread::offset(),
                        label { return false },
                        options(readonly, nostack),
                    );
                }
                true
            }

            #[cfg(not(asm_labels))]
            #[inline(always)]
            pub(crate) fn has_first_word(word: usize) -> bool {
                $thread::word::<0>() == word
            }
        }

        /// 64-bit Arm: offsets are relative to `tpidr_el0`.
        #[cfg(target_arch = "aarch64")]
        impl $thread {
            #[inline(always)]
            fn offset() -> usize {
                let offset: usize;
                // SAFETY: reads a constant that the dynamic linker fixed before this library's code
                // runs.
                unsafe {
                    asm!(
                        concat!("adrp {offset}, :gottprel:", $symbol),
                        concat!("ldr {offset}, [{offset}, :gottprel_lo12:", $symbol, "]"),
                        offset = out(reg) offset,
                        options(pure, nomem, nostack, preserves_flags),
                    );
                }
                offset
            }

            #[inline(always)]
            fn pointer() -> usize {
                let pointer: usize;
                // SAFETY: reads the thread pointer.
                unsafe {
                    asm!("mrs {}, tpidr_el0", out(reg) pointer, options(pure, nomem, nostack, preserves_flags));
                }
                pointer
            }

            #[inline(always)]
            pub(crate) fn word<const AT: usize>() -> usize {
                let word: usize;
                // SAFETY: reads one of this thread's three words.
                unsafe {
                    asm!(
                        "ldr {}, [{}, {}]",
                        out(reg) word,
                        in(reg) $thread::pointer(),
                        in(reg) $thread::offset() + AT,
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
                        "str {}, [{}, {}]",
                        in(reg) word,
                        in(reg) $thread::pointer(),
                        in(reg) $thread::offset() + AT,
                        options(nostack, preserves_flags),
                    );
                }
            }
        }

        /// 64-bit RISC-V: offsets are relative to `tp`.
        #[cfg(target_arch = "riscv64")]
        impl $thread {
            #[inline(always)]
            fn address() -> usize {
                let offset: usize;
                // SAFETY: reads a constant that the dynamic linker fixed before this library's code
                // runs.
                unsafe {
                    asm!(concat!("la.tls.ie {}, ", $symbol), out(reg) offset, options(pure, nomem, nostack, preserves_flags));
                }
                let address: usize;
                // SAFETY: adds the thread pointer.
                unsafe {
                    asm!("add {}, tp, {}", out(reg) address, in(reg) offset, options(pure, nomem, nostack, preserves_flags));
                }
                address
            }

            #[inline(always)]
            pub(crate) fn word<const AT: usize>() -> usize {
                let word: usize;
                // SAFETY: reads one of this thread's three words.
                unsafe {
                    asm!(
                        "ld {}, {at}({})",
                        out(reg) word,
                        in(reg) $thread::address(),
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
                        "sd {}, {at}({})",
                        in(reg) word,
                        in(reg) $thread::address(),
                        at = const AT,
                        options(nostack, preserves_flags),
                    );
                }
            }
        }
    };
}

/// The methods of `ThreadContext` that read and write the words.
macro_rules! local_from_tls {
    ($thread:ident) => {
        #[inline(always)]
        fn bins(self) -> NonNull<Bins> {
            let bins = $thread::word::<BINS>() as *mut Bins;
            // SAFETY: the word is an address from the start and is only ever set to one.
            unsafe { NonNull::new_unchecked(bins) }
        }

        #[cfg(target_arch = "x86_64")]
        #[inline(always)]
        fn is(self, bins: *const Bins) -> bool {
            $thread::has_first_word(bins.addr())
        }

        #[inline(always)]
        fn set_bins(self, bins: NonNull<Bins>) {
            $thread::set_word::<BINS>(bins.as_ptr().expose_provenance());
        }

        #[inline(always)]
        fn heap_table(self) -> *const HeapTable {
            with_exposed_provenance($thread::word::<ATTACHMENTS>())
        }

        fn set_heap_table(self, heap_table: *const HeapTable) {
            $thread::set_word::<ATTACHMENTS>(heap_table.expose_provenance());
        }

        fn mode(self) -> Mode {
            match $thread::word::<MODE>() & MODE_MASK {
                1 => Mode::Attached,
                2 => Mode::InSlowPath,
                3 => Mode::Detached,
                4 => Mode::Visiting,
                _ => Mode::Unattached,
            }
        }

        fn set_mode(self, mode: Mode) {
            $thread::set_word::<MODE>(mode as usize);
        }

        fn visits(self) -> usize {
            $thread::word::<MODE>() >> MODE_BITS
        }

        fn set_visits(self, visits: usize) {
            $thread::set_word::<MODE>(Mode::Unattached as usize | visits << MODE_BITS);
        }
    };
}

pub(crate) const BINS: usize = 0;
pub(crate) const MODE: usize = 8;
/// The mode, and above it the number of visits.
pub(crate) const MODE_BITS: u32 = 3;
pub(crate) const MODE_MASK: usize = (1 << MODE_BITS) - 1;
pub(crate) const ATTACHMENTS: usize = 16;

#[cfg(unix)]
pub(crate) use define_tls;
pub(crate) use local_from_tls;
