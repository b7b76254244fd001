//! The start of the process, forks, and the work after a slow allocation.

use core::ptr::NonNull;

use super::fork_handlers;
use crate::options::running;
use crate::process::background;
use crate::process::instance::ALLOCATOR;
use crate::process::memory_limit::retry_at_new_limit;
use crate::process::thread::{self, Thread};
use crate::report::{heap_profile, stats_dump};

/// Runs before other constructors: the linker sorts by the number, and the shared library is
/// initialised first. Fork handlers that are registered first run last before a fork, and first
/// after it, so no other handler waits for a lock while ours are held.
#[used]
#[unsafe(link_section = ".init_array.00101")]
static START: extern "C" fn() = start;

#[cfg_attr(target_os = "linux", unsafe(link_section = ".text"))]
extern "C" fn start() {
    fork_handlers::register(prepare_fork, resume_parent, resume_child);
    thread::prepare();
    running::start();
}

#[cfg_attr(target_os = "linux", unsafe(link_section = ".text"))]
unsafe extern "C" fn prepare_fork() {
    ALLOCATOR.prepare_fork(Thread);
}

#[cfg_attr(target_os = "linux", unsafe(link_section = ".text"))]
unsafe extern "C" fn resume_parent() {
    ALLOCATOR.resume_parent(Thread);
}

#[cfg_attr(target_os = "linux", unsafe(link_section = ".text"))]
unsafe extern "C" fn resume_child() {
    ALLOCATOR.resume_child(Thread);
    thread::on_child();
    background::on_child();
    stats_dump::on_child();
    heap_profile::on_child();
}

/// At least `bytes` bytes when no free slot is ready. Afterwards the pending work outside the
/// allocator is done.
#[cold]
#[inline(never)]
#[cfg_attr(target_os = "linux", unsafe(link_section = ".text"))]
pub(crate) fn allocate_slow(bytes: usize) -> Option<NonNull<u8>> {
    let block = retry_at_new_limit(|| ALLOCATOR.allocate_slow(Thread, bytes));
    end_slow(bytes);
    block
}

/// The work that is due after a slow allocation.
#[cfg_attr(target_os = "linux", unsafe(link_section = ".text"))]
pub(crate) fn end_slow(bytes: usize) {
    background::on_allocation(bytes);
    stats_dump::on_allocation();
    heap_profile::on_allocation();
}
