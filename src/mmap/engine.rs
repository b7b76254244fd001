//! The engine on a file, and its ties to the process: start, thread exit, fork and messages.

use core::ffi::c_void;
use core::fmt::{Display, Formatter, Result as FmtResult};
use core::sync::atomic::{AtomicU8, AtomicU32, AtomicUsize, Ordering};

use libc::{abort, pthread_atfork};
use tinyalloc_alloc::{Allocator, Mode, ThreadContext};
use tinyalloc_sys::{BackingFile, FileFailure, FileMapper, FileOptions, Inheritance};

use super::place::Place;
use super::thread::FileThread;
use crate::process::message::say;
use crate::process::thread::end_notice::ThreadEnd;

/// The first request opens it.
pub(super) static FILE: BackingFile = BackingFile::new();
pub(super) static ENGINE: Allocator<FileMapper<'static>> = Allocator::new(FileMapper::new(&FILE));

static THREAD_END: ThreadEnd = ThreadEnd::new(detach);
/// The number of threads that have a heap and have not ended.
static THREADS: AtomicUsize = AtomicUsize::new(0);
/// One bit for each kind of failure that was reported.
static REPORTED: AtomicU32 = AtomicU32::new(0);

static STATE: AtomicU8 = AtomicU8::new(UNSTARTED);
const UNSTARTED: u8 = 0;
const READY: u8 = 1;
/// A child of a fork that may read its parent's file and has no heap.
const VIEWING: u8 = 2;

/// Whether there is a heap.
#[inline(always)]
pub(super) fn is_ready() -> bool {
    STATE.load(Ordering::Relaxed) == READY
}

/// Chooses the file. False in a child without a heap.
pub(super) fn start(place: Place, sparse: bool) -> bool {
    if STATE.load(Ordering::Relaxed) == VIEWING {
        return false;
    }
    let options = FileOptions::new(place.resolve());
    FILE.choose(if sparse { options.sparse() } else { options });
    if STATE.compare_exchange(UNSTARTED, READY, Ordering::AcqRel, Ordering::Relaxed).is_ok() {
        // SAFETY: the handlers are valid for the life of the process.
        unsafe { pthread_atfork(Some(prepare_fork), Some(resume_parent), Some(resume_child)) };
    }
    true
}

pub(super) fn arm_detach() {
    THREADS.fetch_add(1, Ordering::Relaxed);
    THREAD_END.arm();
}

unsafe extern "C" fn detach(_value: *mut c_void) {
    if is_ready() {
        ENGINE.detach(FileThread);
        THREADS.fetch_sub(1, Ordering::Relaxed);
    }
}

unsafe extern "C" fn prepare_fork() {
    ENGINE.prepare_fork(FileThread);
    FILE.prepare_fork(THREADS.load(Ordering::Relaxed) == 1 && FileThread.mode() == Mode::Attached);
}

unsafe extern "C" fn resume_parent() {
    FILE.resume_parent();
    ENGINE.resume_parent(FileThread);
}

unsafe extern "C" fn resume_child() {
    match FILE.resume_child() {
        Ok(Inheritance::Copy | Inheritance::Nothing) => {
            ENGINE.resume_child(FileThread);
            THREADS.store(usize::from(FileThread.mode() == Mode::Attached), Ordering::Relaxed);
        }
        // All records of the heap are in the file.
        Ok(Inheritance::View) => STATE.store(VIEWING, Ordering::Relaxed),
        Err(refused) => {
            say(&format_args!("a child cannot have its memory apart from its parent's: {refused}"));
            // SAFETY: ends the process, which would otherwise write to its parent's memory.
            unsafe { abort() }
        }
    }
}

/// Reports why there was no memory, if the file is the reason: each kind of failure once.
#[cold]
pub(super) fn report_failure(place: Place) {
    if let Some(failure) = FILE.take_failure() {
        let step = 1 << failure.step() as u32;
        if REPORTED.fetch_or(step, Ordering::Relaxed) & step == 0 {
            say(&Message { place, failure });
        }
    }
}

struct Message {
    place: Place,
    failure: FileFailure,
}

impl Display for Message {
    fn fmt(&self, out: &mut Formatter<'_>) -> FmtResult {
        write!(out, "no memory from a file ({}): {}", self.place, self.failure)
    }
}
