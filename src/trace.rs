//! Who called: addresses of code, by the unwinder that C++ and Rust programs bring along. Guarded blocks remember them.

use core::ffi::{c_char, c_int, c_void};
use core::mem::transmute;
use core::ptr::null_mut;
use core::sync::atomic::{AtomicBool, AtomicPtr, Ordering};

use libc::{AT_PHDR, RTLD_LAZY, dlopen, dlsym, getauxval};

/// `_Unwind_Backtrace`, found when it is first needed; null where there is none.
static UNWIND: AtomicPtr<c_void> = AtomicPtr::new(null_mut());
static IS_READY: AtomicBool = AtomicBool::new(false);
static IS_BEGUN: AtomicBool = AtomicBool::new(false);

/// `_Unwind_GetIP`.
static ADDRESS: AtomicPtr<c_void> = AtomicPtr::new(null_mut());

type Visit = extern "C" fn(context: *mut c_void, callers: *mut Callers<'_>) -> c_int;
type Unwind = unsafe extern "C-unwind" fn(visit: Visit, callers: *mut Callers<'_>) -> c_int;
type Address = unsafe extern "C" fn(context: *mut c_void) -> usize;

const GO_ON: c_int = 0;
const STOP: c_int = 4;

struct Callers<'trace> {
    trace: &'trace mut [usize],
    length: usize,
}

/// Loads the unwinder, which allocates. From then on it neither allocates nor waits (glibc 2.35 finds its tables without a lock). Not before
/// the C library knows the environment: it would be started by the loading, and never learn of it.
fn prepare() {
    // SAFETY: a word of the C library's.
    if unsafe { environ }.is_null() || IS_BEGUN.swap(true, Ordering::Relaxed) {
        return;
    }
    // SAFETY: the name is a C string; nobody unloads the library.
    let library = unsafe { dlopen(c"libgcc_s.so.1".as_ptr(), RTLD_LAZY) };
    if library.is_null() {
        return;
    }
    // SAFETY: the library was loaded, and the name is a C string.
    UNWIND.store(unsafe { dlsym(library, c"_Unwind_Backtrace".as_ptr()) }, Ordering::Relaxed);
    // SAFETY: as above.
    ADDRESS.store(unsafe { dlsym(library, c"_Unwind_GetIP".as_ptr()) }, Ordering::Relaxed);
    let found = !UNWIND.load(Ordering::Relaxed).is_null() && !ADDRESS.load(Ordering::Relaxed).is_null();
    IS_READY.store(found, Ordering::Release);
}

/// The callers, the innermost first.
pub(crate) fn callers(trace: &mut [usize]) {
    if !IS_READY.load(Ordering::Acquire) {
        prepare();
    }
    if !IS_READY.load(Ordering::Acquire) {
        return;
    }
    // SAFETY: not null, and such a function.
    let unwind: Unwind = unsafe { transmute(UNWIND.load(Ordering::Relaxed)) };
    let mut callers = Callers { trace, length: 0 };
    // SAFETY: `visit` takes what is passed on to it.
    unsafe { unwind(visit, &raw mut callers) };
}

extern "C" fn visit(context: *mut c_void, callers: *mut Callers<'_>) -> c_int {
    // SAFETY: not null, and such a function: an unwinder is running.
    let address: Address = unsafe { transmute(ADDRESS.load(Ordering::Relaxed)) };
    // SAFETY: the context is the unwinder's.
    let caller = unsafe { address(context) };
    // SAFETY: passed on by `callers`.
    let callers = unsafe { &mut *callers };
    if is_ours(caller) {
        return GO_ON;
    }
    let Some(place) = callers.trace.get_mut(callers.length) else {
        return STOP;
    };
    *place = caller;
    callers.length += 1;
    GO_ON
}

unsafe extern "C" {
    static environ: *const *const c_char;
    /// Where this library begins and where its code ends, as the linker lays them out.
    static __ehdr_start: u8;
    static etext: u8;
}

/// Whether code at an address is this library's own. Where the library is part of the program, nobody can tell.
#[expect(clippy::cast_possible_truncation, reason = "an address")]
fn is_ours(address: usize) -> bool {
    let file = (&raw const __ehdr_start).addr()..(&raw const etext).addr();
    // SAFETY: getauxval takes any number.
    let program = unsafe { getauxval(AT_PHDR) } as usize;
    file.contains(&address) && !file.contains(&program)
}
