//! The test helpers over `TinyAlloc`, as a dependent's tests have them.
#![allow(clippy::disallowed_types, reason = "tests may allocate")]

use tinyalloc::TinyAlloc;
use tinyalloc::testing::{Budget, Counting, assert_no_alloc, budget, measure};

#[global_allocator]
static GLOBAL: Counting<TinyAlloc> = Counting::new(TinyAlloc);

#[test]
fn what_a_test_allocates_is_counted() {
    let (text, measured) = measure(|| String::from("Hello, World!"));
    assert_eq!((measured.allocations(), measured.bytes_live()), (1, 13));
    assert_no_alloc(|| drop(text));
    let sum = budget(Budget::new().bytes_live_most(4000), || (0..1000).collect::<Vec<u32>>().iter().sum::<u32>());
    assert_eq!(sum, 499_500);
    assert!(GLOBAL.inner().stats().allocated > 0);
}
