//! The same for futures: what counts is what happens while they are polled, on whatever threads.

use std::future::poll_fn;
use std::panic::Location;
use std::pin::pin;

use crate::budget::Budget;
use crate::measurement::Measurement;
use crate::scope::{measure, require_counting};

/// As [`measure`](crate::measure), for a future: what the threads that poll it allocate and free in
/// it, and nothing in between.
///
/// # Panics
/// If the program's global allocator is not a [`Counting`](crate::Counting).
#[track_caller]
pub fn measure_async<F: Future>(future: F) -> impl Future<Output = (F::Output, Measurement)> {
    require_counting();
    async move {
        let mut future = pin!(future);
        let mut measured = Measurement::NOTHING;
        let output = poll_fn(|context| {
            let (poll, polled) = measure(|| future.as_mut().poll(context));
            measured.add(&polled);
            poll
        })
        .await;
        (output, measured)
    }
}

/// As [`budget`](crate::budget), for a future.
///
/// # Panics
/// If a limit was exceeded, when the future is ready; and if the program's global allocator is not
/// a [`Counting`](crate::Counting).
#[track_caller]
pub fn budget_async<F: Future>(limits: Budget, future: F) -> impl Future<Output = F::Output> {
    let caller = Location::caller();
    let future = measure_async(future);
    async move {
        let (output, measured) = future.await;
        if let Err(exceeded) = limits.check(&measured) {
            panic!("over budget, at {caller}: {exceeded}");
        }
        output
    }
}

/// As [`assert_no_alloc`](crate::assert_no_alloc), for a future.
///
/// # Panics
/// If something was allocated, when the future is ready; and if the program's global allocator is
/// not a
/// [`Counting`](crate::Counting).
#[track_caller]
pub fn assert_no_alloc_async<F: Future>(future: F) -> impl Future<Output = F::Output> {
    let caller = Location::caller();
    let future = measure_async(future);
    async move {
        let (output, measured) = future.await;
        let is_none = Budget::new().allocations(0).check(&measured).is_ok();
        assert!(is_none, "no allocation is allowed in the future made at {caller}: {measured}");
        output
    }
}
