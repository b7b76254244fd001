//! Loaded objects: the program or the library that an address belongs to.
//!
//! They are found with `_dl_find_object`, which exists in glibc since 2.35. It neither locks nor
//! allocates: a thread that holds the loader's lock may be waiting for this one. With other C
//! libraries none is found.

use core::ffi::{CStr, c_char, c_int, c_void};
use core::fmt::{Display, Formatter, Result as FmtResult};
use core::mem::{transmute, zeroed};
use core::ops::Range;
use core::ptr::{null_mut, with_exposed_provenance};
use core::str::from_utf8;
use core::sync::atomic::{AtomicPtr, Ordering};

use libc::{RTLD_DEFAULT, dlsym, readlink};

/// Longer paths are cut.
const PATH_BYTES_MAX: usize = 512;

/// `_dl_find_object`; null before [`prepare`], and if the C library has no such function.
#[unsafe(link_section = ".data")]
static FIND: AtomicPtr<c_void> = AtomicPtr::new(null_mut());

type Find = unsafe extern "C" fn(address: *const c_void, found: *mut Found) -> c_int;

/// `struct dl_find_object` of dlfcn.h, on architectures where it ends with the tables.
#[repr(C)]
struct Found {
    flags: u64,
    start: *const c_void,
    end: *const c_void,
    link_map: *const LinkMap,
    tables: *const u8,
    reserved: [u64; 7],
}

/// The beginning of `struct link_map` of link.h.
#[repr(C)]
struct LinkMap {
    base: usize,
    name: *const c_char,
}

/// Invariant J1: a stack holds a return address in the object, or held one when a block was
/// allocated or freed. So the object is not unloaded while its records are read.
pub(crate) struct LoadedObject {
    found: Found,
}

/// Looks up `_dl_find_object`. Takes the loader's lock, and allocates nothing.
pub(crate) fn prepare() {
    // SAFETY: the name is a C string.
    FIND.store(unsafe { dlsym(RTLD_DEFAULT, c"_dl_find_object".as_ptr()) }, Ordering::Relaxed);
}

impl LoadedObject {
    /// The object that contains the address.
    pub(crate) fn around(address: usize) -> Option<LoadedObject> {
        let find = FIND.load(Ordering::Relaxed);
        if find.is_null() {
            return None;
        }
        // SAFETY: it is not null, and a function of this type.
        let find: Find = unsafe { transmute(find) };
        // SAFETY: all zero is a result.
        let mut found: Found = unsafe { zeroed() };
        // SAFETY: the function takes any address.
        let failed = unsafe { find(with_exposed_provenance(address), &raw mut found) };
        (failed == 0).then_some(LoadedObject { found })
    }

    /// The addresses of its code and data.
    pub(crate) fn range(&self) -> Range<usize> {
        self.found.start.addr()..self.found.end.addr()
    }

    /// The index of its unwind tables, `.eh_frame_hdr`; null if it has none.
    pub(crate) fn tables(&self) -> *const u8 {
        self.found.tables
    }

    /// The difference between addresses in memory and in the file.
    pub(crate) fn base(&self) -> usize {
        // SAFETY: the loader's record of the object (J1).
        unsafe { &*self.found.link_map }.base
    }
}

/// The path of its file.
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
