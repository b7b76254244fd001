//! Loaded objects are found with `_dl_find_object`, which exists in glibc since 2.35. It neither
//! locks nor allocates: a thread that holds the loader's lock may be waiting for this one. Where
//! there is no such function, none is found.

use core::ffi::{c_char, c_int, c_void};
use core::mem::{transmute, zeroed};
use core::ptr::{null_mut, with_exposed_provenance};
use core::sync::atomic::{AtomicPtr, Ordering};

use libc::{RTLD_DEFAULT, dlsym};

use super::LoadedObject;

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

/// Looks up `_dl_find_object`. Takes the loader's lock, and allocates nothing.
pub(crate) fn prepare() {
    // SAFETY: the name is a C string.
    FIND.store(unsafe { dlsym(RTLD_DEFAULT, c"_dl_find_object".as_ptr()) }, Ordering::Relaxed);
}

/// The object that contains the address.
pub(super) fn around(address: usize) -> Option<LoadedObject> {
    let find = FIND.load(Ordering::Relaxed);
    if find.is_null() {
        return None;
    }
    // SAFETY: it is not null, and a function of this type.
    let find: Find = unsafe { transmute(find) };
    // SAFETY: all zero is a result.
    let mut found: Found = unsafe { zeroed() };
    // SAFETY: the function takes any address.
    if unsafe { find(with_exposed_provenance(address), &raw mut found) } != 0 {
        return None;
    }
    // SAFETY: the loader's record of the object (J1).
    let map = unsafe { &*found.link_map };
    Some(LoadedObject { range: found.start.addr()..found.end.addr(), tables: found.tables, base: map.base, name: map.name })
}
