//! What a program does wrong with heaps ends it with a message: each case runs in a process of its
//! own, which is this test again.
#![cfg(feature = "engine")]
#![allow(clippy::unwrap_used, clippy::disallowed_types, reason = "tests may allocate and give up")]

use std::alloc::Layout;
use std::env::{current_exe, var_os};
#[cfg(unix)]
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, ExitStatus};

use tinyalloc::Heap;

const IN_CHILD: &str = "TINYALLOC_TEST_MISUSE";

/// Whether SIGABRT ended the process.
#[cfg(unix)]
fn is_aborted(status: ExitStatus) -> bool {
    status.signal() == Some(6)
}

/// Whether the process has the exit code of the C runtime's abort.
#[cfg(windows)]
fn is_aborted(status: ExitStatus) -> bool {
    status.code() == Some(3)
}

/// Runs `misuse` in a child, which must be aborted; what it said.
fn message_of(test: &str, misuse: impl FnOnce()) -> String {
    if var_os(IN_CHILD).is_some() {
        misuse();
        return String::new();
    }
    let child = Command::new(current_exe().unwrap()).args(["--exact", test, "--nocapture"]).env(IN_CHILD, "1").output().unwrap();
    assert!(is_aborted(child.status), "{child:?}");
    String::from_utf8(child.stderr).unwrap()
}

fn layout() -> Layout {
    Layout::new::<[u8; 100]>()
}

#[test]
fn a_block_that_is_freed_to_another_heap_ends_the_program() {
    let said = message_of("a_block_that_is_freed_to_another_heap_ends_the_program", || {
        let (tenant, other) = (Heap::named("tenant", usize::MAX).unwrap(), Heap::named("other", usize::MAX).unwrap());
        let block = tenant.allocate(layout()).unwrap();
        // SAFETY: none: this is the mistake.
        unsafe { other.deallocate(block) };
    });
    if var_os(IN_CHILD).is_none() {
        assert!(said.contains("tinyalloc: ") && said.contains("tenant") && said.contains("other"), "{said}");
    }
}

#[test]
fn a_block_that_is_freed_twice_ends_the_program() {
    let said = message_of("a_block_that_is_freed_twice_ends_the_program", || {
        let heap = Heap::new().unwrap();
        let block = heap.allocate(layout()).unwrap();
        // SAFETY: the block is this heap's.
        unsafe { heap.deallocate(block) };
        // SAFETY: none: this is the mistake.
        unsafe { heap.deallocate(block) };
    });
    if var_os(IN_CHILD).is_none() {
        assert!(said.contains("tinyalloc: double free of "), "{said}");
    }
}
