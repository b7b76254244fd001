//! Backtraces: return addresses, found with the unwind tables that compilers write for exceptions
//! and debuggers. The unwinder loads nothing, takes no lock and allocates nothing. Guarded blocks
//! keep its result.

mod bytes;
mod trampoline;

#[cfg(target_arch = "aarch64")]
#[path = "registers_aarch64.rs"]
mod registers;
#[cfg(target_arch = "riscv64")]
#[path = "registers_riscv64.rs"]
mod registers;
#[cfg(target_arch = "x86_64")]
#[path = "registers_x86_64.rs"]
mod registers;

mod expression;
mod frame_entry;

mod rules;

pub(crate) mod rule_cache;

mod frame;

use core::ops::Range;

use libc::{AT_PHDR, getauxval};

use frame::Frame;

/// The most frames of this library that are passed over.
const OWN_MAX: usize = 64;

/// The callers, innermost first.
#[inline(never)]
pub(crate) fn callers(trace: &mut [usize]) {
    let (mut frame, own) = (Frame::here(), own_code());
    let mut places = trace.iter_mut().peekable();
    for _ in 0..OWN_MAX + places.len() {
        if places.peek().is_none() || frame.climb().is_none() {
            break;
        }
        if !own.contains(&frame.address()) {
            if let Some(place) = places.next() {
                *place = frame.address();
            }
        }
    }
}

unsafe extern "C" {
    /// The start of this library and the end of its code, as the linker defines them.
    static __ehdr_start: u8;
    static etext: u8;
}

/// Where the code of this library is. Nowhere, if the library is part of the program.
#[expect(clippy::cast_possible_truncation, reason = "an address")]
fn own_code() -> Range<usize> {
    let file = (&raw const __ehdr_start).addr()..(&raw const etext).addr();
    // SAFETY: getauxval takes any number.
    let program = unsafe { getauxval(AT_PHDR) } as usize;
    if file.contains(&program) { 0..0 } else { file }
}

#[cfg(test)]
#[allow(clippy::disallowed_types, reason = "tests may allocate")]
mod tests {
    extern crate std;

    use core::hint::black_box;
    use std::thread;

    use super::callers;
    use crate::faults::loaded_object;

    #[inline(never)]
    fn inner(trace: &mut [usize]) {
        callers(trace);
        black_box(());
    }

    #[inline(never)]
    fn outer(depth: usize, trace: &mut [usize]) {
        let kept: [usize; 100] = black_box([depth; 100]);
        if depth == 0 {
            inner(trace)
        } else {
            outer(depth - 1, trace)
        }
        black_box(kept);
    }

    fn is_in(function: usize, address: usize) -> bool {
        (1..4096).contains(&address.wrapping_sub(function))
    }

    #[test]
    fn every_caller_is_found_once_the_innermost_first() {
        loaded_object::prepare();
        let mut trace = [0; 9];
        outer(5, &mut trace);
        assert!(is_in(inner as *const () as usize, trace[0]), "{trace:x?}");
        assert!(trace[1..7].iter().all(|caller| is_in(outer as *const () as usize, *caller)), "{trace:x?}");
        assert!(!is_in(outer as *const () as usize, trace[7]) && trace[8] != 0, "{trace:x?}");
    }

    #[test]
    fn a_trace_ends_where_the_thread_begins() {
        loaded_object::prepare();
        let trace = thread::spawn(|| {
            let mut trace = [0; 60];
            outer(3, &mut trace);
            trace
        });
        let trace = trace.join().unwrap_or([0; 60]);
        let end = trace.iter().position(|caller| *caller == 0).unwrap_or(trace.len());
        assert!((6..40).contains(&end) && trace[end..].iter().all(|caller| *caller == 0), "{trace:x?}");
    }
}
