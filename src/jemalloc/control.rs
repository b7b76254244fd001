//! `mallctl` and its like: values of the allocator by name.

use core::ffi::{CStr, c_char, c_int, c_void};
use core::slice::from_raw_parts;

use libc::{EINVAL, ENOENT};

use super::exchange::Exchange;
use super::mib::{DEPTH_MAX, Located, by_mib, by_name, mib_of};
use super::names::{Access, Outcome};

/// Reads the value of a name to `*old`, and sets it to `*new`, of `new_bytes` bytes; either may be
/// null. Returns 0 or the error that jemalloc(3) has.
///
/// # Safety
/// `name` is a string; `old` is null or has room for `*old_bytes` bytes; `new` is null or has
/// `new_bytes` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mallctl(
    name: *const c_char,
    old: *mut c_void,
    old_bytes: *mut usize,
    new: *mut c_void,
    new_bytes: usize,
) -> c_int {
    if name.is_null() {
        return EINVAL;
    }
    // SAFETY: the caller's promise.
    let name = unsafe { CStr::from_ptr(name) };
    // SAFETY: as above.
    let exchange = unsafe { Exchange::new(old, old_bytes, new, new_bytes) };
    status(by_name(name.to_bytes()).and_then(|located| answer(located, &exchange)))
}

/// Translates a name, or the beginning of one, to a MIB, of up to `*words` words, for
/// `mallctlbymib`. Returns 0 or the error that jemalloc(3) has.
///
/// # Safety
/// `name` is a string; `mib` has room for `*words` words.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mallctlnametomib(name: *const c_char, mib: *mut usize, words: *mut usize) -> c_int {
    if name.is_null() || mib.is_null() || words.is_null() {
        return EINVAL;
    }
    // SAFETY: the caller's promise.
    let name = unsafe { CStr::from_ptr(name) };
    // SAFETY: as above.
    let words_max = unsafe { words.read() };
    let found = mib_of(name.to_bytes(), words_max, &mut |place, word| {
        // SAFETY: as above: no more words than there is room for.
        let to = unsafe { mib.add(place) };
        // SAFETY: as above.
        unsafe { to.write(word) };
    });
    status(found.map(|count| {
        // SAFETY: as above.
        unsafe { words.write(count) };
    }))
}

/// As `mallctl`, by MIB.
///
/// # Safety
/// `mib` has `words` words; else as for `mallctl`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mallctlbymib(
    mib: *const usize,
    words: usize,
    old: *mut c_void,
    old_bytes: *mut usize,
    new: *mut c_void,
    new_bytes: usize,
) -> c_int {
    if mib.is_null() || words == 0 || words > DEPTH_MAX {
        return ENOENT;
    }
    // SAFETY: the caller's promise.
    let mib = unsafe { from_raw_parts(mib, words) };
    // SAFETY: as above.
    let exchange = unsafe { Exchange::new(old, old_bytes, new, new_bytes) };
    status(by_mib(mib).and_then(|located| answer(located, &exchange)))
}

fn status(outcome: Outcome) -> c_int {
    outcome.err().unwrap_or(0)
}

fn answer(located: Located, exchange: &Exchange) -> Outcome {
    let place = located.place();
    match located.row().access() {
        Access::Reads(read) => {
            exchange.forbid_new()?;
            exchange.put(read(place)?)
        }
        Access::Sets(read, set) => {
            let value = read(place)?;
            let new = exchange.take(value.kind())?;
            exchange.put(value)?;
            new.map_or(Ok(()), |new| set(place, new))
        }
        Access::Takes(kind, take) => {
            exchange.forbid_old()?;
            take(place, exchange.take(kind)?)
        }
        Access::Acts(act) => {
            exchange.forbid_old()?;
            exchange.forbid_new()?;
            act(place)
        }
        Access::Trades(trade) => trade(place, exchange),
    }
}
