//! What a process on Windows has of its own: ends of threads, the environment, exit, faults. Cases
//! that end a process run in one of their own, which is this test again.
#![cfg(windows)]
#![allow(clippy::disallowed_types, clippy::unwrap_used, reason = "tests may allocate and give up")]

use std::alloc::{GlobalAlloc, Layout};
use std::cell::RefCell;
use std::env::{current_exe, var_os};
use std::io::Error;
use std::process::{Command, Output};
use std::thread::{scope, spawn};

use tinyalloc::{Heap, OptionError, TinyAlloc};
use windows_sys::Win32::Foundation::SetLastError;

#[global_allocator]
static GLOBAL: TinyAlloc = TinyAlloc;

const IN_CHILD: &str = "TINYALLOC_TEST_IN_CHILD";
const MIB: usize = 1024 * 1024;
const ABORTED: i32 = 3;

/// Runs `work` in a child with these options; how that ended, or `None` in the child.
fn child(test: &str, options: &str, work: impl FnOnce()) -> Option<Output> {
    if var_os(IN_CHILD).is_some() {
        work();
        return None;
    }
    let mut command = Command::new(current_exe().unwrap());
    let command = command.args(["--exact", test, "--nocapture", "--test-threads=1"]);
    Some(command.env(IN_CHILD, "1").env("TINYALLOC_OPTIONS", options).output().unwrap())
}

/// Whether an exception ended the process: its code, or the debugger's.
fn is_ended(output: &Output) -> bool {
    output.status.code().is_some_and(|code| code < 0)
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

thread_local! {
    static KEPT: RefCell<Vec<Vec<u8>>> = const { RefCell::new(Vec::new()) };
}

#[test]
fn the_memory_of_threads_that_end_is_used_by_those_that_come() {
    let test = "the_memory_of_threads_that_end_is_used_by_those_that_come";
    let rounds = |count: usize| {
        for _ in 0..count {
            let ended = spawn(|| {
                // Freed as the thread ends, before its heap is returned.
                KEPT.with_borrow_mut(|kept| kept.extend((1..200).map(|bytes| vec![1_u8; 16 * bytes])));
            });
            ended.join().unwrap();
        }
        GLOBAL.stats()
    };
    let output = child(test, "", || {
        let before = rounds(20);
        let after = rounds(300);
        assert!(after.mapped <= before.mapped + MIB, "{} and {} bytes", before.mapped, after.mapped);
        assert!(after.allocated <= before.allocated + MIB / 4, "{} and {} bytes", before.allocated, after.allocated);
        assert!(after.heaps <= before.heaps + 1, "{} and {}", before.heaps, after.heaps);
    });
    assert!(output.is_none_or(|output| output.status.success()));
}

#[test]
fn threads_that_allocate_at_once_have_blocks_of_their_own() {
    scope(|scope| {
        for mark in 0..4_u8 {
            scope.spawn(move || {
                for round in 1..200 {
                    let blocks: Vec<_> = (1..100).map(|bytes| vec![mark; bytes * round]).collect();
                    assert!(blocks.iter().all(|block| block.iter().all(|byte| *byte == mark)));
                }
            });
        }
    });
}

#[test]
fn options_come_from_the_environment_and_mistakes_are_reported() {
    let test = "options_come_from_the_environment_and_mistakes_are_reported";
    let output = child(test, "limit=64M,no_such=1", || {
        assert_eq!(GLOBAL.limit(), 64 * MIB);
        assert!(Vec::<u8>::new().try_reserve_exact(100 * MIB).is_err());
    });
    if let Some(output) = output {
        assert!(output.status.success() && said(&output).contains("TINYALLOC_OPTIONS: no key \"no_such\""), "{output:?}");
    }
}

#[test]
fn statistics_are_written_when_the_process_ends() {
    let output = child("statistics_are_written_when_the_process_ends", "stats_at_exit=json", || drop(vec![1; 1000]));
    if let Some(output) = output {
        assert!(output.status.success() && said(&output).contains("{\"tinyalloc\":{\"version\""), "{output:?}");
    }
}

#[test]
fn a_double_free_ends_the_process_with_a_line() {
    let output = child("a_double_free_ends_the_process_with_a_line", "", || {
        let layout = Layout::new::<[u64; 9]>();
        // SAFETY: the layout is not empty.
        let block = unsafe { GLOBAL.alloc(layout) };
        // SAFETY: the block is live.
        unsafe { GLOBAL.dealloc(block, layout) };
        // SAFETY: none: this is the mistake.
        unsafe { GLOBAL.dealloc(block, layout) };
    });
    if let Some(output) = output {
        assert_eq!(output.status.code(), Some(ABORTED), "{output:?}");
        assert!(said(&output).contains("tinyalloc: double free of "), "{output:?}");
    }
}

#[test]
fn an_access_behind_a_guarded_block_is_reported() {
    let output = child("an_access_behind_a_guarded_block_is_reported", "guard=1", || {
        let layout = Layout::new::<[u64; 9]>();
        // SAFETY: the layout is not empty.
        let block = unsafe { GLOBAL.alloc(layout) };
        // SAFETY: none: this is the mistake.
        unsafe { block.wrapping_add(80).write_volatile(1) };
    });
    if let Some(output) = output {
        assert!(is_ended(&output) && said(&output).contains("tinyalloc: overflow: "), "{output:?}");
    }
}

#[test]
fn a_use_of_a_destroyed_heap_ends_the_process() {
    let output = child("a_use_of_a_destroyed_heap_ends_the_process", "", || {
        let heap = Heap::new().unwrap();
        let block = heap.allocate(Layout::new::<[u64; 9]>()).unwrap();
        drop(heap);
        // SAFETY: none: this is the mistake.
        unsafe { block.write_volatile(1) };
    });
    assert!(output.is_none_or(|output| is_ended(&output)));
}

#[test]
fn the_last_error_stays() {
    let mut blocks = Vec::new();
    // SAFETY: a word of this thread.
    unsafe { SetLastError(1234) };
    blocks.extend((1..1000).map(|bytes| vec![0_u8; bytes * 64]));
    drop(blocks);
    GLOBAL.purge();
    assert_eq!(Error::last_os_error().raw_os_error(), Some(1234));
}

#[test]
fn memory_that_is_purged_is_used_again_and_zero() {
    for _ in 0..3 {
        let block = vec![7_u8; 20 * MIB];
        assert!(block.iter().all(|byte| *byte == 7));
        drop(block);
        GLOBAL.purge();
        let block = vec![0_u8; 20 * MIB];
        assert!(block.iter().all(|byte| *byte == 0));
    }
}

#[test]
fn options_for_what_is_not_there_are_none() {
    for name in
        ["background_purge", "pressure", "stats_signal", "profile", "profile_file", "name_mappings", "valgrind", "deepbind"]
    {
        assert_eq!(GLOBAL.set_option(name, "on"), Err(OptionError::UnknownName), "{name}");
        assert!(GLOBAL.option(name).is_none(), "{name}");
    }
    assert!(!Heap::new().unwrap().set_profile_interval(Some(4096)));
}
