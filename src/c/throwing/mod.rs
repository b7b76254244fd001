//! The part of `operator new` that exceptions pass through.
//!
//! The loops are in assembly, one file for each architecture, with unwind tables of their own: attempt; ask for the new-handler; call
//! it, or throw. The nothrow loop has a personality routine that catches whatever the handler throws, as a `catch (...)` would; see
//! the Itanium C++ ABI, Exception Handling, 1.6 (two-phase unwinding). So has the function that calls an operator of the program's for
//! a nothrow one.

use core::ffi::{CStr, c_int, c_void};
use core::mem::transmute;
use core::ptr::null_mut;

use libc::{RTLD_DEFAULT, RTLD_LAZY, RTLD_NOLOAD, abort, dlclose, dlopen, dlsym};

use self::new_loop::{tinyalloc_new_landing, weak_address};
use crate::process::message::say;

#[cfg(target_arch = "aarch64")]
#[path = "aarch64.rs"]
mod new_loop;
#[cfg(target_arch = "x86_64")]
#[path = "x86_64.rs"]
mod new_loop;

pub(crate) use new_loop::{tinyalloc_new_nothrow_by, tinyalloc_new_nothrow_slow, tinyalloc_new_slow};

/// Where the C++ runtime may be, if a plugin brought it along and kept its symbols to itself.
const LIBRARIES: [&CStr; 4] = [c"libstdc++.so.6", c"libgcc_s.so.1", c"libc++abi.so.1", c"libc++.so.1"];

const SEARCH_PHASE: c_int = 1;
const HANDLER_FRAME: c_int = 4;
const FORCED_UNWIND: c_int = 8;

const HANDLER_FOUND: c_int = 6;
const INSTALL_CONTEXT: c_int = 7;
const CONTINUE_UNWIND: c_int = 8;

/// What the C++ runtime defines.
#[derive(Clone, Copy)]
pub(crate) enum Runtime {
    GetNewHandler,
    ThrowBadAlloc,
    BeginCatch,
    EndCatch,
    SetRegister,
    SetInstruction,
}

impl Runtime {
    fn name(self) -> &'static CStr {
        match self {
            Runtime::GetNewHandler => c"_ZSt15get_new_handlerv",
            Runtime::ThrowBadAlloc => c"_ZSt17__throw_bad_allocv",
            Runtime::BeginCatch => c"__cxa_begin_catch",
            Runtime::EndCatch => c"__cxa_end_catch",
            Runtime::SetRegister => c"_Unwind_SetGR",
            Runtime::SetInstruction => c"_Unwind_SetIP",
        }
    }

    /// Bound when the library was loaded, or visible now, or in a C++ library that is loaded but keeps to itself; null otherwise.
    fn address(self) -> *mut c_void {
        let bound = weak_address(self);
        if !bound.is_null() {
            return bound;
        }
        // SAFETY: the name is a C string.
        let visible = unsafe { dlsym(RTLD_DEFAULT, self.name().as_ptr()) };
        if !visible.is_null() {
            return visible;
        }
        LIBRARIES.iter().map(|library| look_into(library, self.name())).find(|address| !address.is_null()).unwrap_or(null_mut())
    }
}

fn look_into(library: &CStr, name: &CStr) -> *mut c_void {
    // SAFETY: the name is a C string; nothing is loaded that is not loaded yet.
    let handle = unsafe { dlopen(library.as_ptr(), RTLD_LAZY | RTLD_NOLOAD) };
    if handle.is_null() {
        return handle;
    }
    // SAFETY: the handle is open, the name a C string.
    let address = unsafe { dlsym(handle, name.as_ptr()) };
    // SAFETY: the handle is open; whoever loaded the library keeps it.
    unsafe { dlclose(handle) };
    address
}

/// The program's new-handler, or null.
pub(crate) extern "C" fn handler() -> *mut c_void {
    let address = Runtime::GetNewHandler.address();
    if address.is_null() {
        return address;
    }
    // SAFETY: the symbol is that function.
    let get_new_handler = unsafe { transmute::<*mut c_void, extern "C" fn() -> *mut c_void>(address) };
    get_new_handler()
}

/// The function that throws `std::bad_alloc`. Without one there is nobody to catch it either.
pub(crate) extern "C" fn thrower() -> *mut c_void {
    let address = Runtime::ThrowBadAlloc.address();
    if address.is_null() {
        say(&"out of memory in operator new, and no C++ library to throw std::bad_alloc");
        // SAFETY: ends the process.
        unsafe { abort() }
    }
    address
}

/// Ends the life of an exception that was caught.
pub(crate) extern "C" fn swallow(exception: *mut c_void) {
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

/// The personality of the nothrow functions: catches every exception, and lets thread cancellation pass.
pub(crate) extern "C" fn personality(
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
    set_register(context, 0, exception.expose_provenance());
    set_instruction(context, tinyalloc_new_landing as *const () as usize);
    INSTALL_CONTEXT
}
