//! A program whose global allocator does not count: no helper may pass.
#![allow(clippy::disallowed_types, clippy::absolute_paths, reason = "tests may allocate and give up")]

use tinyalloc_testing::{Budget, assert_no_alloc, assert_no_alloc_async, budget, measure, measure_async};

#[test]
#[should_panic(expected = "#[global_allocator] static GLOBAL: Counting<System> = Counting::new(System);")]
fn nothing_can_be_measured() {
    measure(|| ());
}

#[test]
#[should_panic(expected = "nothing is counted")]
fn nothing_can_be_asserted() {
    assert_no_alloc(|| ());
}

#[test]
#[should_panic(expected = "nothing is counted")]
fn no_budget_is_kept() {
    budget(Budget::new(), || ());
}

#[test]
#[should_panic(expected = "nothing is counted")]
fn no_future_can_be_measured() {
    drop(measure_async(async {}));
}

#[test]
#[should_panic(expected = "nothing is counted")]
fn nothing_can_be_asserted_of_a_future() {
    drop(assert_no_alloc_async(async {}));
}
