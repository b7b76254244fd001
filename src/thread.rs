//! The three words that the engine keeps for each thread, in initial-exec thread-local storage.
//!
//! `thread_local!` would be a call to `__tls_get_addr` in a shared library, which may allocate; hence a symbol of our own.

use core::arch::{asm, global_asm};
use core::ptr::{NonNull, with_exposed_provenance};

use tinyalloc_alloc::{Attachments, Bins, EMPTY_BINS, Local, Misuse, Mode, ThreadId, Tunables};

use crate::{options, process, trace};

global_asm!(
    ".pushsection .tdata.tinyalloc_thread, \"awT\", @progbits",
    ".p2align 4",
    ".globl tinyalloc_thread",
    ".hidden tinyalloc_thread",
    ".type tinyalloc_thread, @object",
    ".size tinyalloc_thread, 24",
    "tinyalloc_thread:",
    ".quad {empty}",
    ".quad 0",
    ".quad 0",
    ".popsection",
    empty = sym EMPTY_BINS,
);

const BINS: usize = 0;
const MODE: usize = 8;
const ATTACHMENTS: usize = 16;

/// The calling thread.
#[derive(Clone, Copy)]
pub(crate) struct Thread;

/// x86-64: offsets are relative to the segment that `fs` names.
#[cfg(target_arch = "x86_64")]
impl Thread {
    #[inline(always)]
    fn offset() -> usize {
        let offset: usize;
        // SAFETY: reads a constant that the dynamic linker fixed before this library's code runs.
        unsafe {
            asm!(
                "mov {}, qword ptr [rip + tinyalloc_thread@GOTTPOFF]",
                out(reg) offset,
                options(pure, nomem, nostack, preserves_flags),
            );
        }
        offset
    }

    #[inline(always)]
    fn word<const AT: usize>() -> usize {
        let word: usize;
        // SAFETY: reads one of this thread's three words.
        unsafe {
            asm!(
                "mov {}, qword ptr fs:[{} + {at}]",
                out(reg) word,
                in(reg) Thread::offset(),
                at = const AT,
                options(pure, readonly, nostack, preserves_flags),
            );
        }
        word
    }

    #[inline(always)]
    fn set_word<const AT: usize>(word: usize) {
        // SAFETY: writes one of this thread's three words.
        unsafe {
            asm!(
                "mov qword ptr fs:[{} + {at}], {}",
                in(reg) Thread::offset(),
                in(reg) word,
                at = const AT,
                options(nostack, preserves_flags),
            );
        }
    }
}

/// 64-bit Arm: offsets are relative to `tpidr_el0`.
#[cfg(target_arch = "aarch64")]
impl Thread {
    #[inline(always)]
    fn address() -> usize {
        let address: usize;
        // SAFETY: reads the thread pointer and a constant that the dynamic linker fixed.
        unsafe {
            asm!(
                "adrp {offset}, :gottprel:tinyalloc_thread",
                "ldr {offset}, [{offset}, :gottprel_lo12:tinyalloc_thread]",
                "mrs {address}, tpidr_el0",
                "add {address}, {address}, {offset}",
                offset = out(reg) _,
                address = out(reg) address,
                options(pure, nomem, nostack, preserves_flags),
            );
        }
        address
    }

    #[inline(always)]
    fn word<const AT: usize>() -> usize {
        let word: usize;
        // SAFETY: reads one of this thread's three words.
        unsafe {
            asm!(
                "ldr {}, [{}, #{at}]",
                out(reg) word,
                in(reg) Thread::address(),
                at = const AT,
                options(pure, readonly, nostack, preserves_flags),
            );
        }
        word
    }

    #[inline(always)]
    fn set_word<const AT: usize>(word: usize) {
        // SAFETY: writes one of this thread's three words.
        unsafe {
            asm!(
                "str {}, [{}, #{at}]",
                in(reg) word,
                in(reg) Thread::address(),
                at = const AT,
                options(nostack, preserves_flags),
            );
        }
    }
}

// SAFETY: the words are thread-local and start as `EMPTY_BINS`, 0, which is `Mode::Unattached`, and null.
unsafe impl Local for Thread {
    #[inline(always)]
    fn bins(self) -> NonNull<Bins> {
        let bins = Thread::word::<BINS>() as *mut Bins;
        // SAFETY: the word starts as an address and is only ever set to one.
        unsafe { NonNull::new_unchecked(bins) }
    }

    #[cfg(target_arch = "x86_64")]
    #[inline(always)]
    fn is(self, bins: *const Bins) -> bool {
        // SAFETY: compares with one of this thread's three words, in one instruction.
        unsafe {
            asm!(
                "cmp {}, qword ptr fs:[{}]",
                "jne {}",
                in(reg) bins,
                in(reg) Thread::offset(),
                label { return false },
                options(readonly, nostack),
            );
        }
        true
    }

    #[inline(always)]
    fn set_bins(self, bins: NonNull<Bins>) {
        Thread::set_word::<BINS>(bins.as_ptr().expose_provenance());
    }

    #[inline(always)]
    fn attachments(self) -> *const Attachments {
        with_exposed_provenance(Thread::word::<ATTACHMENTS>())
    }

    fn set_attachments(self, attachments: *const Attachments) {
        Thread::set_word::<ATTACHMENTS>(attachments.expose_provenance());
    }

    fn mode(self) -> Mode {
        match Thread::word::<MODE>() {
            1 => Mode::Attached,
            2 => Mode::Busy,
            3 => Mode::Detached,
            _ => Mode::Unattached,
        }
    }

    fn set_mode(self, mode: Mode) {
        Thread::set_word::<MODE>(mode as usize);
    }

    fn id(self) -> ThreadId {
        process::thread_id()
    }

    fn arm_detach(self) {
        process::arm_detach();
    }

    fn configure(self, tunables: &mut Tunables) {
        options::configure(tunables);
    }

    fn trace(self, callers: &mut [usize]) {
        trace::callers(callers);
    }

    fn report(self, misuse: Misuse) {
        process::abort_on(misuse);
    }
}
