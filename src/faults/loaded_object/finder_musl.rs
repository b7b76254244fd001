//! Loaded objects are found with `dl_iterate_phdr`, which allocates nothing.
//!
//! musl's waits while a thread is in `dlopen`, up to the constructors. That thread never waits for
//! this library: musl's loader has memory of its own. Only a signal handler that interrupts
//! `dlopen` itself, and asks for the callers there, would wait for its own thread.

use core::ffi::{c_int, c_void};
use core::ops::Range;
use core::ptr::{null, with_exposed_provenance};
use core::slice::from_raw_parts;

use libc::{Elf64_Phdr, PT_GNU_EH_FRAME, PT_LOAD, dl_iterate_phdr, dl_phdr_info};

use super::LoadedObject;

struct Search {
    address: usize,
    found: Option<LoadedObject>,
}

/// Nothing is to be prepared.
pub(crate) fn prepare() {}

/// The object that contains the address.
pub(super) fn around(address: usize) -> Option<LoadedObject> {
    let mut search = Search { address, found: None };
    // SAFETY: the function is called with this search, during the call.
    unsafe { dl_iterate_phdr(Some(look_at), (&raw mut search).cast()) };
    search.found
}

/// Returns whether the search is over.
unsafe extern "C" fn look_at(info: *mut dl_phdr_info, _bytes: usize, search: *mut c_void) -> c_int {
    // SAFETY: the search of `around`.
    let search = unsafe { &mut *search.cast::<Search>() };
    // SAFETY: the loader's record of an object, during the call.
    let info = unsafe { &*info };
    // SAFETY: its program headers.
    let headers = unsafe { from_raw_parts(info.dlpi_phdr, info.dlpi_phnum.into()) };
    search.found = object_around(search.address, info, headers);
    search.found.is_some().into()
}

#[expect(clippy::cast_possible_truncation, reason = "addresses")]
fn object_around(address: usize, info: &dl_phdr_info, headers: &[Elf64_Phdr]) -> Option<LoadedObject> {
    let base = info.dlpi_addr as usize;
    let place = |header: &Elf64_Phdr| base.wrapping_add(header.p_vaddr as usize);
    let range_of = |header: &Elf64_Phdr| place(header)..place(header).wrapping_add(header.p_memsz as usize);
    let range = headers.iter().filter(|header| header.p_type == PT_LOAD).map(range_of).reduce(around_both)?;
    if !range.contains(&address) {
        return None;
    }
    let tables = headers.iter().find(|header| header.p_type == PT_GNU_EH_FRAME);
    let tables = tables.map_or(null(), |header| with_exposed_provenance(place(header)));
    Some(LoadedObject { range, tables, base, name: info.dlpi_name })
}

fn around_both(one: Range<usize>, other: Range<usize>) -> Range<usize> {
    one.start.min(other.start)..one.end.max(other.end)
}
