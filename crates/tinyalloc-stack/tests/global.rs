//! A stack allocator as the global allocator of a program with a runtime and threads: this one.
#![allow(clippy::disallowed_types, clippy::unwrap_used, clippy::absolute_paths, reason = "tests may allocate and give up")]

use std::collections::BTreeMap;
use std::env::{current_exe, var_os};
use std::hint::black_box;
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, Output};
use std::thread::spawn;

use tinyalloc_stack::StackAllocator;

/// Room for the test runner too.
const BYTES: usize = 4 << 20;
const ABORTED: i32 = 6;
const CHILD: &str = "TINYALLOC_STACK_CHILD";

#[global_allocator]
static GLOBAL: StackAllocator<BYTES> = StackAllocator::new();

/// Runs one test of this program in a process of its own.
fn run_child(test: &str) -> Output {
    Command::new(current_exe().unwrap())
        .args(["--exact", test, "--nocapture", "--test-threads=1"])
        .env(CHILD, "1")
        .output()
        .unwrap()
}

#[test]
fn collections_and_threads_live_in_the_buffer() {
    let threads: Vec<_> = (0..4u32)
        .map(|thread| spawn(move || (0..200).map(|number| (number * 4 + thread, number.to_string())).collect::<BTreeMap<_, _>>()))
        .collect();
    let mut all = BTreeMap::new();
    threads.into_iter().for_each(|thread| all.append(&mut thread.join().unwrap()));
    assert_eq!(all.len(), 800);
    assert!(all.values().all(|text| GLOBAL.contains(text.as_ptr())));
    assert!(GLOBAL.used() <= GLOBAL.high_water() && GLOBAL.high_water() <= BYTES);
}

#[test]
fn exhaustion_ends_the_program_with_rusts_own_message() {
    if var_os(CHILD).is_some() {
        let mut kept = Vec::new();
        loop {
            kept.push(black_box(vec![1u8; 30_000]));
        }
    }
    let child = run_child("exhaustion_ends_the_program_with_rusts_own_message");
    let said = String::from_utf8_lossy(&child.stderr);
    assert!(said.contains("memory allocation of 30000 bytes failed"), "{said}");
    assert_eq!(child.status.signal(), Some(ABORTED), "{said}");
}

#[test]
fn exhaustion_can_be_caught_and_survived() {
    let mut large = Vec::<u8>::new();
    assert!(large.try_reserve(BYTES).is_err());
    assert!(large.try_reserve(100).is_ok());
}

#[test]
fn freeing_what_was_never_allocated_ends_the_program() {
    if var_os(CHILD).is_some() {
        let local = [0u64; 4];
        // SAFETY: it is a mistake, and noticed: nothing is read through the pointer.
        unsafe { std::alloc::dealloc((&raw const local).cast_mut().cast(), std::alloc::Layout::new::<[u64; 4]>()) };
        std::process::exit(0);
    }
    let child = run_child("freeing_what_was_never_allocated_ends_the_program");
    assert!(child.status.signal().is_some(), "{child:?}");
}
