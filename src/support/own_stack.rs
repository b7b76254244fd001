//! A stack of its own for long work in a signal handler: the stack that the program has for its
//! handlers may hold little more than what the kernel saves there. Rust's has 8 KiB.

use core::arch::asm;
use core::ffi::{c_int, c_void};
use core::ptr::{from_ref, null, null_mut, with_exposed_provenance_mut};

use libc::{
    MAP_ANONYMOUS, MAP_PRIVATE, PROT_NONE, PROT_READ, PROT_WRITE, SIG_SETMASK, SYS_mmap, SYS_mprotect, SYS_munmap,
    SYS_rt_sigprocmask, syscall,
};

/// Several times what a dump needs.
const STACK_BYTES: usize = 64 * 1024;
/// Below it, without rights. No page is larger.
const GUARD_BYTES: usize = 64 * 1024;
const WHOLE_BYTES: usize = GUARD_BYTES + STACK_BYTES;
/// The kernel's set of signals.
type Signals = u64;

type Work = fn() -> bool;

/// What the work returns; `None`, and nothing was done, if there is no memory for a stack.
///
/// No signal comes meanwhile: the kernel would take the stack for handlers to be unused, and write
/// over what called this.
pub(crate) fn on_own_stack(work: Work) -> Option<bool> {
    let start = map()?;
    let mut before: Signals = 0;
    set_signals(&Signals::MAX, &raw mut before);
    let result = call(start.wrapping_byte_add(WHOLE_BYTES), &work);
    set_signals(&before, null_mut());
    // SAFETY: the stack is used no more.
    unsafe { syscall(SYS_munmap, start, WHOLE_BYTES) };
    Some(result)
}

fn map() -> Option<*mut c_void> {
    let (no_rights, rights): (c_int, c_int) = (PROT_NONE, PROT_READ | PROT_WRITE);
    let (flags, no_file): (c_int, c_int) = (MAP_PRIVATE | MAP_ANONYMOUS, -1);
    // SAFETY: a new mapping.
    let start = unsafe { syscall(SYS_mmap, null::<c_void>(), WHOLE_BYTES, no_rights, flags, no_file, 0_usize) };
    let start: *mut c_void = usize::try_from(start).ok().map(with_exposed_provenance_mut)?;
    // SAFETY: the end of that mapping. Refused, the stack is of no use.
    let refused = unsafe { syscall(SYS_mprotect, start.wrapping_byte_add(GUARD_BYTES), STACK_BYTES, rights) } != 0;
    if refused {
        // SAFETY: nothing is there.
        unsafe { syscall(SYS_munmap, start, WHOLE_BYTES) };
        return None;
    }
    Some(start)
}

fn set_signals(signals: &Signals, before: *mut Signals) {
    // SAFETY: both are sets of signals, or there is none.
    unsafe { syscall(SYS_rt_sigprocmask, SIG_SETMASK, from_ref(signals), before, size_of::<Signals>()) };
}

extern "C" fn carry_out(work: &Work) -> usize {
    work().into()
}

/// `end` is that of a stack, which is aligned as calls need it.
#[cfg(target_arch = "x86_64")]
fn call(end: *mut c_void, work: &Work) -> bool {
    let result: usize;
    // SAFETY: the stack is as it was afterwards; calls preserve the register that has it meanwhile.
    unsafe {
        asm!(
            "xchg rsp, r12",
            "call {work}",
            "mov rsp, r12",
            work = sym carry_out,
            inout("r12") end => _,
            in("rdi") work,
            lateout("rax") result,
            clobber_abi("C"),
        );
    }
    result != 0
}

/// As above.
#[cfg(target_arch = "aarch64")]
fn call(end: *mut c_void, work: &Work) -> bool {
    let result: usize;
    // SAFETY: as above.
    unsafe {
        asm!(
            "mov x9, sp",
            "mov sp, x20",
            "mov x20, x9",
            "bl {work}",
            "mov sp, x20",
            work = sym carry_out,
            inout("x20") end => _,
            inlateout("x0") from_ref(work).addr() => result,
            clobber_abi("C"),
        );
    }
    result != 0
}

/// As above.
#[cfg(target_arch = "riscv64")]
fn call(end: *mut c_void, work: &Work) -> bool {
    let result: usize;
    // SAFETY: as above.
    unsafe {
        asm!(
            "mv t0, sp",
            "mv sp, s2",
            "mv s2, t0",
            "call {work}",
            "mv sp, s2",
            work = sym carry_out,
            inout("s2") end => _,
            inlateout("a0") from_ref(work).addr() => result,
            clobber_abi("C"),
        );
    }
    result != 0
}
