//! The functions that the loops of `operator new` call, and the personality routine.

use core::ffi::{c_int, c_void};
use core::mem::transmute;
use core::ptr::null_mut;

use libc::abort;
use tinyalloc_alloc::Route;

use super::super::aligned::allocate_aligned;
use super::super::malloc::malloc_usable_size;
use super::super::partition::allocate_on_route;
use super::runtime::Runtime;
use crate::lifecycle::process::allocate_slow;
use crate::process::instance::ALLOCATOR;
use crate::process::message::say;
use crate::process::thread::Thread;

/// Where a landing finds the exception, by its number in the tables: where a function returns its
/// result.
const EXCEPTION_REGISTER: c_int = if cfg!(target_arch = "riscv64") { 10 } else { 0 };

const SEARCH_PHASE: c_int = 1;
const HANDLER_FRAME: c_int = 4;
const FORCED_UNWIND: c_int = 8;

const HANDLER_FOUND: c_int = 6;
const INSTALL_CONTEXT: c_int = 7;
const CONTINUE_UNWIND: c_int = 8;

unsafe extern "C-unwind" {
    safe fn tinyalloc_new_landing();
}

/// Where the number of a route lies in the word of an alignment, plus one. No block is aligned to
/// that much.
const ROUTE_SHIFT: u32 = 56;

/// The alignment, and with it the way of a token, for the functions of this module.
pub(crate) fn typed_align(align: usize, token: usize) -> usize {
    let has_route = ALLOCATOR.may_have_partitions() && align < 1 << ROUTE_SHIFT;
    if has_route { align.max(1) | (ALLOCATOR.route(Thread, token).number() + 1) << ROUTE_SHIFT } else { align }
}

/// One attempt to allocate; null when there is no memory.
pub(super) extern "C" fn attempt(bytes: usize, align: usize) -> *mut c_void {
    let route = (align >> ROUTE_SHIFT).checked_sub(1).and_then(Route::of);
    let least = align & ((1 << ROUTE_SHIFT) - 1);
    let block = if let Some(route) = route.filter(|_| least > 0) {
        allocate_on_route(route, bytes, least)
    } else if align <= 16 {
        ALLOCATOR.allocate_hit(Thread, bytes).or_else(|| allocate_slow(bytes))
    } else {
        allocate_aligned(bytes, align)
    };
    block.map_or(null_mut(), |start| start.as_ptr().cast())
}

/// The usable bytes of a new block.
pub(super) extern "C" fn usable(start: *const c_void) -> usize {
    // SAFETY: it is live.
    unsafe { malloc_usable_size(start) }
}

/// The program's new-handler, or null.
pub(super) extern "C" fn handler() -> *mut c_void {
    let address = Runtime::GetNewHandler.address();
    if address.is_null() {
        return address;
    }
    // SAFETY: the symbol is that function.
    let get_new_handler = unsafe { transmute::<*mut c_void, extern "C" fn() -> *mut c_void>(address) };
    get_new_handler()
}

/// The function that throws `std::bad_alloc`. Without a C++ library the process ends: there is no
/// code to catch the exception either.
pub(super) extern "C" fn thrower() -> *mut c_void {
    let address = Runtime::ThrowBadAlloc.address();
    if address.is_null() {
        say(&"out of memory in operator new, and no C++ library to throw std::bad_alloc");
        // SAFETY: ends the process.
        unsafe { abort() }
    }
    address
}

/// Ends the life of a caught exception.
pub(super) extern "C" fn swallow(exception: *mut c_void) {
    let (begin, end) = (Runtime::BeginCatch.address(), Runtime::EndCatch.address());
    if begin.is_null() || end.is_null() {
        return;
    }
    // SAFETY: the symbol is that function.
    let begin = unsafe { transmute::<*mut c_void, extern "C" fn(*mut c_void) -> *mut c_void>(begin) };
    // SAFETY: the symbol is that function.
    let end = unsafe { transmute::<*mut c_void, extern "C" fn()>(end) };
    begin(exception);
    end();
}

/// The personality of the nothrow functions: it catches every exception, and lets a thread's
/// cancellation pass.
pub(super) extern "C" fn personality(
    _version: c_int,
    actions: c_int,
    _class: u64,
    exception: *mut c_void,
    context: *mut c_void,
) -> c_int {
    if actions & FORCED_UNWIND != 0 {
        return CONTINUE_UNWIND;
    }
    if actions & SEARCH_PHASE != 0 {
        return HANDLER_FOUND;
    }
    let (set_register, set_instruction) = (Runtime::SetRegister.address(), Runtime::SetInstruction.address());
    if actions & HANDLER_FRAME == 0 || set_register.is_null() || set_instruction.is_null() {
        return CONTINUE_UNWIND;
    }
    // SAFETY: the symbol is that function.
    let set_register = unsafe { transmute::<*mut c_void, extern "C" fn(*mut c_void, c_int, usize)>(set_register) };
    // SAFETY: the symbol is that function.
    let set_instruction = unsafe { transmute::<*mut c_void, extern "C" fn(*mut c_void, usize)>(set_instruction) };
    set_register(context, EXCEPTION_REGISTER, exception.expose_provenance());
    set_instruction(context, tinyalloc_new_landing as *const () as usize);
    INSTALL_CONTEXT
}
