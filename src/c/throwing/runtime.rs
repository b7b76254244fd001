//! The functions of the C++ runtime. It is not linked, so they are looked up when they are needed.

use core::arch::asm;
use core::ffi::{CStr, c_void};
use core::ptr::null_mut;

use libc::{RTLD_DEFAULT, RTLD_LAZY, RTLD_NOLOAD, dlclose, dlopen, dlsym};

use crate::support::weak_symbol::weak_symbol;

/// The libraries to search if a plugin loaded the C++ runtime with local symbols.
const LIBRARIES: [&CStr; 4] = [c"libstdc++.so.6", c"libgcc_s.so.1", c"libc++abi.so.1", c"libc++.so.1"];

/// A function of the C++ runtime.
#[derive(Clone, Copy)]
pub(super) enum Runtime {
    GetNewHandler,
    ThrowBadAlloc,
    BeginCatch,
    EndCatch,
    SetRegister,
    SetInstruction,
}

/// The name of a function, and its address when this library was loaded; null if it was undefined
/// then.
macro_rules! name_and_bound {
    ($name:literal) => {{
        const NAME: &CStr = match CStr::from_bytes_with_nul(concat!($name, "\0").as_bytes()) {
            Ok(name) => name,
            Err(_) => c"",
        };
        (NAME, weak_symbol!($name))
    }};
}

impl Runtime {
    fn name_and_bound(self) -> (&'static CStr, *mut c_void) {
        match self {
            Runtime::GetNewHandler => name_and_bound!("_ZSt15get_new_handlerv"),
            Runtime::ThrowBadAlloc => name_and_bound!("_ZSt17__throw_bad_allocv"),
            Runtime::BeginCatch => name_and_bound!("__cxa_begin_catch"),
            Runtime::EndCatch => name_and_bound!("__cxa_end_catch"),
            Runtime::SetRegister => name_and_bound!("_Unwind_SetGR"),
            Runtime::SetInstruction => name_and_bound!("_Unwind_SetIP"),
        }
    }

    /// The address bound when this library was loaded, or visible now, or local to a loaded C++
    /// library; else null.
    pub(super) fn address(self) -> *mut c_void {
        let (name, bound) = self.name_and_bound();
        if !bound.is_null() {
            return bound;
        }
        // SAFETY: the name is a C string.
        let visible = unsafe { dlsym(RTLD_DEFAULT, name.as_ptr()) };
        if !visible.is_null() {
            return visible;
        }
        LIBRARIES.iter().map(|library| look_into(library, name)).find(|address| !address.is_null()).unwrap_or(null_mut())
    }
}

fn look_into(library: &CStr, name: &CStr) -> *mut c_void {
    // SAFETY: the name is a C string; RTLD_NOLOAD loads nothing.
    let handle = unsafe { dlopen(library.as_ptr(), RTLD_LAZY | RTLD_NOLOAD) };
    if handle.is_null() {
        return handle;
    }
    // SAFETY: the handle is open, the name a C string.
    let address = unsafe { dlsym(handle, name.as_ptr()) };
    // SAFETY: the handle is open, and the library stays loaded without it.
    unsafe { dlclose(handle) };
    address
}
