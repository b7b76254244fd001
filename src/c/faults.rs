//! The fault report for a program's own handler: `ta_explain_trap`.

use core::ffi::{c_int, c_void};

use crate::faults::handler::explain;
use crate::process::message::write_text;
use crate::support::errno::{errno, set_errno};

/// Says on a file descriptor what a trapped access to a guarded block was, and who made the block
/// and freed it, as is said on standard error where a program has no handler of its own for
/// SIGSEGV. `address` is the `si_addr` of the signal. For signal handlers; keeps errno.
///
/// Returns 1, or 0, and writes nothing, if the access was meant for no guarded block.
#[unsafe(no_mangle)]
pub extern "C" fn ta_explain_trap(address: *const c_void, descriptor: c_int) -> c_int {
    let errno_before = errno();
    let explanation = explain(address.addr());
    if let Some(explanation) = &explanation {
        write_text(descriptor, explanation);
    }
    set_errno(errno_before);
    explanation.is_some().into()
}
