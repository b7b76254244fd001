//! Loaded objects: the program and its libraries, by an address of theirs.
//!
//! They are found by `_dl_find_object`, which glibc has since 2.35, and which neither locks nor allocates: a thread that holds the loader's
//! lock may be waiting for this one. Elsewhere none is found.

use core::ffi::{CStr, c_char, c_int, c_void};
use core::fmt::{Display, Formatter, Result as FmtResult};
use core::mem::{transmute, zeroed};
use core::ptr::{null_mut, with_exposed_provenance};
use core::str::from_utf8;
use core::sync::atomic::{AtomicPtr, Ordering};

use libc::{RTLD_DEFAULT, dlsym, readlink};

/// More of a path is not shown.
const PATH_BYTES_MAX: usize = 512;

/// `_dl_find_object`; null before [`prepare`], and where there is none.
static FIND: AtomicPtr<c_void> = AtomicPtr::new(null_mut());

type Find = unsafe extern "C" fn(address: *const c_void, found: *mut Found) -> c_int;

/// `struct dl_find_object` of dlfcn.h, where nothing but tables belongs to it.
#[repr(C)]
struct Found {
    flags: u64,
    start: *const c_void,
    end: *const c_void,
    link_map: *const LinkMap,
    tables: *const u8,
    reserved: [u64; 7],
}

/// How `struct link_map` of link.h begins.
#[repr(C)]
struct LinkMap {
    base: usize,
    name: *const c_char,
}

/// Invariant J1: code of the object is on somebody's stack, or was when a block was made: it is not unloaded while it is looked at.
pub(crate) struct LoadedObject {
    found: Found,
}

/// Looks for the way to find objects; takes the loader's lock, and allocates nothing.
pub(crate) fn prepare() {
    // SAFETY: the name is a C string.
    FIND.store(unsafe { dlsym(RTLD_DEFAULT, c"_dl_find_object".as_ptr()) }, Ordering::Relaxed);
}

impl LoadedObject {
    /// The object that an address lies in.
    pub(crate) fn around(address: usize) -> Option<LoadedObject> {
        let find = FIND.load(Ordering::Relaxed);
        if find.is_null() {
            return None;
        }
        // SAFETY: it is not null, and such a function.
        let find: Find = unsafe { transmute(find) };
        // SAFETY: all zero is a result.
        let mut found: Found = unsafe { zeroed() };
        // SAFETY: any address may be asked for.
        let failed = unsafe { find(with_exposed_provenance(address), &raw mut found) };
        (failed == 0).then_some(LoadedObject { found })
    }

    /// The index of its unwind tables, `.eh_frame_hdr`; null if it has none.
    pub(crate) fn tables(&self) -> *const u8 {
        self.found.tables
    }

    /// What is added to the addresses in its file.
    pub(crate) fn base(&self) -> usize {
        // SAFETY: the loader's record of the object (J1).
        unsafe { &*self.found.link_map }.base
    }
}

/// Its file.
impl Display for LoadedObject {
    fn fmt(&self, out: &mut Formatter<'_>) -> FmtResult {
        // SAFETY: the loader's record of the object (J1).
        let name = unsafe { &*self.found.link_map }.name;
        // SAFETY: a C string (J1).
        let name = unsafe { CStr::from_ptr(name) };
        if name.is_empty() { write_program(out) } else { out.write_str(name.to_str().unwrap_or("?")) }
    }
}

/// The loader has no name for the program itself.
fn write_program(out: &mut Formatter<'_>) -> FmtResult {
    let mut path = [0; PATH_BYTES_MAX];
    // SAFETY: the name is a C string, and the path is valid for the write.
    let bytes = unsafe { readlink(c"/proc/self/exe".as_ptr(), path.as_mut_ptr().cast(), path.len()) };
    let path = usize::try_from(bytes).ok().and_then(|bytes| path.get(..bytes));
    out.write_str(path.and_then(|path| from_utf8(path).ok()).unwrap_or("?"))
}
