//! What Linux has of its own: the auxiliary vector, mremap, coarse clocks, and madvise that zeroes.

use core::ffi::{c_char, c_int, c_long, c_ulong, c_void};
use core::ptr::{null, null_mut, with_exposed_provenance};
use libc::{
    __errno_location, _SC_PAGESIZE, AT_PAGESZ, AT_RANDOM, CLOCK_MONOTONIC, CLOCK_MONOTONIC_COARSE, EFAULT, ENOSYS,
    FUTEX_PRIVATE_FLAG, FUTEX_WAIT, MADV_DONTNEED, MADV_HUGEPAGE, MADV_NOHUGEPAGE, MAP_ANONYMOUS, MAP_FIXED, MAP_NORESERVE,
    MAP_PRIVATE, MREMAP_MAYMOVE, PROT_READ, PROT_WRITE, SYS_futex, SYS_get_mempolicy, SYS_mbind, SYS_prctl, clockid_t, getauxval,
    madvise, mmap, mremap, syscall, sysconf, timespec,
};

/// The flag of mmap by which a reservation needs no memory set aside for it.
pub(crate) const RESERVE_FLAGS: c_int = MAP_NORESERVE;

pub(crate) fn page_bytes() -> usize {
    // SAFETY: getauxval takes any number, and 0 is absent.
    match unsafe { getauxval(AT_PAGESZ) } {
        // SAFETY: sysconf takes any number; a system has pages, so this one is known.
        0 => usize::try_from(unsafe { sysconf(_SC_PAGESIZE) }).unwrap_or(1),
        bytes => usize::try_from(bytes).unwrap_or(1),
    }
}

/// The 16 random bytes that the kernel gives each program it starts; see getauxval(3).
pub(crate) fn random_seeds() -> [u64; 2] {
    // SAFETY: getauxval takes any number, and 0 is absent.
    match usize::try_from(unsafe { getauxval(AT_RANDOM) }) {
        Ok(address @ 1..) => {
            let seeds = with_exposed_provenance::<[u64; 2]>(address);
            // SAFETY: the kernel put 16 bytes there, aligned to nothing in particular, and they
            // stay for good.
            unsafe { seeds.read_unaligned() }
        }
        _ => [0; 2],
    }
}

/// Transparent huge pages for a range, or none.
///
/// # Safety
/// The range is the caller's.
pub(crate) unsafe fn advise_huge_pages(start: *mut c_void, bytes: usize, preferred: bool) -> c_int {
    let advice = if preferred { MADV_HUGEPAGE } else { MADV_NOHUGEPAGE };
    // SAFETY: the caller promises it; contents stay.
    unsafe { madvise(start, bytes, advice) }
}

/// Decommits a range; it reads as zero from then on.
///
/// # Safety
/// The range is the caller's, and nothing in it is still wanted.
#[inline]
pub(crate) unsafe fn discard(start: *mut c_void, bytes: usize) -> c_int {
    // SAFETY: the caller promises it; private anonymous memory reads as zero afterwards.
    let status = unsafe { madvise(start, bytes, MADV_DONTNEED) };
    // SAFETY: the C library keeps errno of this thread at this address.
    if status != 0 && unsafe { errno_location().read() } == ENOSYS {
        // SAFETY: as above.
        return unsafe { replace(start, bytes) };
    }
    status
}

/// New memory in the place of the old. Kernels are built without madvise
/// (`CONFIG_ADVISE_SYSCALLS`).
///
/// # Safety
/// The range is the caller's, and nothing in it is still wanted.
#[cold]
unsafe fn replace(start: *mut c_void, bytes: usize) -> c_int {
    let flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE;
    // SAFETY: the caller promises it.
    if unsafe { mmap(start, bytes, PROT_READ | PROT_WRITE, flags, -1, 0) } == start { 0 } else { -1 }
}

/// Since Linux 6.13; not among the C library's constants yet.
const MADV_GUARD_INSTALL: c_int = 102;
const MADV_GUARD_REMOVE: c_int = 103;

/// Decommits a range and makes every access fault.
///
/// # Safety
/// The range is the caller's, and nothing in it is still wanted.
pub(crate) unsafe fn install_guards(start: *mut c_void, bytes: usize) -> c_int {
    // SAFETY: the caller promises it.
    unsafe { madvise(start, bytes, MADV_GUARD_INSTALL) }
}

/// Whether the kernel finds nothing at an address. Emulators of system calls say yes to every
/// advice, and many do nothing.
///
/// # Safety
/// The range is the caller's.
pub(crate) unsafe fn is_guarded(start: *mut c_void) -> bool {
    let at_once = timespec { tv_sec: 0, tv_nsec: 0 };
    let anything: c_int = 1;
    // SAFETY: the kernel reads a word there, if it can, and waits for nothing.
    let status = unsafe { syscall(SYS_futex, start, FUTEX_WAIT | FUTEX_PRIVATE_FLAG, anything, &raw const at_once) };
    // SAFETY: the C library keeps errno of this thread at this address.
    status == -1 && unsafe { errno_location().read() } == EFAULT
}

/// Takes guards away, where there are any.
///
/// # Safety
/// The range is the caller's.
pub(crate) unsafe fn remove_guards(start: *mut c_void, bytes: usize) -> c_int {
    // SAFETY: the caller promises it; contents stay.
    unsafe { madvise(start, bytes, MADV_GUARD_REMOVE) }
}

/// mseal, since Linux 6.10; not among the C library's constants everywhere. Nothing but an address,
/// a length, and no flags.
const SYS_MSEAL: c_long = 462;

/// Keeps a range as it is for good.
///
/// # Safety
/// The range is the caller's, who keeps it.
pub(crate) unsafe fn seal(start: *mut c_void, bytes: usize) -> c_int {
    // SAFETY: the caller promises it; contents stay.
    if unsafe { syscall(SYS_MSEAL, start, bytes, 0 as c_ulong) } == 0 { 0 } else { -1 }
}

/// prctl's request for mappings, since Linux 5.17, and the only thing that it sets: a name.
const PR_SET_VMA: c_long = 0x5356_4d41;
const PR_SET_VMA_ANON_NAME: c_ulong = 0;

/// Names anonymous memory.
///
/// # Safety
/// `name` is a string; the kernel copies it.
pub(crate) unsafe fn name(start: *mut c_void, bytes: usize, name: *const c_char) -> c_int {
    // SAFETY: the caller promises it; contents and access rights stay.
    if unsafe { syscall(SYS_prctl, PR_SET_VMA, PR_SET_VMA_ANON_NAME, start, bytes, name) } == 0 { 0 } else { -1 }
}

/// As many nodes of memory as there may be: the kernel fills in no mask with room for fewer nodes
/// than it was built for.
const NODES: usize = 1024;

const MPOL_PREFERRED: c_int = 1;
const MPOL_INTERLEAVE: c_int = 3;
const MPOL_F_MEMS_ALLOWED: c_ulong = 4;

/// The nodes whose memory the process may use, the first 64 of them: one where the kernel knows of
/// no nodes, none where a sandbox refuses to say.
pub(crate) fn nodes() -> u64 {
    let mut nodes = [0_u64; NODES / 64];
    let mode = null_mut::<c_int>();
    // SAFETY: the mask has as many bits.
    let status = unsafe { syscall(SYS_get_mempolicy, mode, nodes.as_mut_ptr(), NODES, null::<c_void>(), MPOL_F_MEMS_ALLOWED) };
    // SAFETY: the C library keeps errno of this thread at this address.
    let error = || unsafe { errno_location().read() };
    if status == 0 { nodes[0] } else { u64::from(error() == ENOSYS) }
}

/// Has the pages of a range come from a node, or by turns from all.
///
/// # Safety
/// The range is the caller's.
pub(crate) unsafe fn place(start: *mut c_void, bytes: usize, node: Option<u32>) -> c_int {
    let (mode, nodes) = match node {
        Some(node) => (MPOL_PREFERRED, 1_u64.checked_shl(node).unwrap_or(0)),
        None => (MPOL_INTERLEAVE, nodes()),
    };
    // The kernel takes one bit less.
    let bits = u64::BITS as c_ulong + 1;
    // SAFETY: the caller promises it; contents stay.
    if unsafe { syscall(SYS_mbind, start, bytes, mode, &raw const nodes, bits, 0 as c_ulong) } == 0 { 0 } else { -1 }
}

/// # Safety
/// The mapping is the caller's, who only uses the returned one afterwards.
pub(crate) unsafe fn remap(start: *mut c_void, bytes: usize, new_bytes: usize) -> *mut c_void {
    // SAFETY: the caller promises it.
    unsafe { mremap(start, bytes, new_bytes, MREMAP_MAYMOVE) }
}

/// A clock that ticks every few milliseconds and is the cheapest to read.
pub(crate) fn tick_clock() -> clockid_t {
    CLOCK_MONOTONIC_COARSE
}

pub(crate) fn monotonic_clock() -> clockid_t {
    CLOCK_MONOTONIC
}

pub(crate) fn errno_location() -> *mut c_int {
    // SAFETY: the function has no requirements.
    unsafe { __errno_location() }
}
