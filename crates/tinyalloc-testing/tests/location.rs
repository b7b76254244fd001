//! Where a failure is reported: at the line of the test, not of the helper. In a program of its
//! own, for it sets the panic hook.
#![allow(clippy::disallowed_types, clippy::unwrap_used, clippy::absolute_paths, reason = "tests may allocate and give up")]

use std::alloc::System;
use std::panic::{catch_unwind, set_hook};
use std::sync::Mutex;

use tinyalloc_testing::{Budget, Counting, assert_no_alloc, budget};

#[global_allocator]
static GLOBAL: Counting<System> = Counting::new(System);

static PANICKED_AT: Mutex<Option<(String, u32)>> = Mutex::new(None);

fn panicked_at() -> (String, u32) {
    PANICKED_AT.lock().unwrap().take().unwrap()
}

#[test]
fn a_failure_is_reported_at_the_line_that_called_the_helper() {
    set_hook(Box::new(|panic| {
        let location = panic.location().unwrap();
        *PANICKED_AT.lock().unwrap() = Some((location.file().to_owned(), location.line()));
    }));
    let line = line!() + 1;
    assert!(catch_unwind(|| drop(assert_no_alloc(|| vec![1u8; 10]))).is_err());
    assert_eq!(panicked_at(), (file!().to_owned(), line));
    let line = line!() + 1;
    assert!(catch_unwind(|| drop(budget(Budget::new().bytes_allocated(9), || vec![1u8; 10]))).is_err());
    assert_eq!(panicked_at(), (file!().to_owned(), line));
}
