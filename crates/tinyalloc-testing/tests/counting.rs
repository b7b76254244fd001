//! What is counted, on which thread, and what a failed test says.
#![allow(clippy::disallowed_types, clippy::unwrap_used, clippy::absolute_paths, reason = "tests may allocate and give up")]

use std::alloc::System;
use std::any::Any;
use std::future::poll_fn;
use std::hint::black_box;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Barrier;
use std::task::{Context, Poll, Waker};
use std::thread::{scope, spawn};

use tinyalloc_testing::{
    Budget, Counting, Measurement, assert_no_alloc, assert_no_alloc_async, budget, budget_async, measure, measure_async,
};

#[global_allocator]
static GLOBAL: Counting<System> = Counting::new(System);

/// What a closure says when it panics.
fn panic_of<R>(work: impl FnOnce() -> R) -> String {
    let said: Box<dyn Any + Send> = catch_unwind(AssertUnwindSafe(work)).map(drop).expect_err("it panics");
    said.downcast_ref::<String>().cloned().or_else(|| said.downcast_ref::<&str>().map(|said| (*said).to_owned())).unwrap()
}

fn bytes(count: usize) -> Vec<u8> {
    black_box(Vec::with_capacity(count))
}

#[test]
fn allocations_reallocations_and_frees_are_counted_with_their_bytes() {
    let (kept, measured) = measure(|| {
        let mut grows = bytes(100);
        grows.reserve_exact(400);
        drop(bytes(50));
        grows.shrink_to(300);
        grows
    });
    assert_eq!((measured.allocations(), measured.reallocations(), measured.frees()), (2, 2, 1));
    assert_eq!((measured.bytes_allocated(), measured.bytes_freed(), measured.bytes_live()), (450, 150, 300));
    assert_eq!((measured.bytes_live_most(), measured.first_bytes()), (450, Some(100)));
    assert_eq!(kept.capacity(), 300);
    let (_, measured) = measure(|| drop(kept));
    assert_eq!((measured.frees(), measured.bytes_live(), measured.bytes_live_most()), (1, -300, 0));
}

#[test]
fn zeroed_blocks_count_as_any_other() {
    let (_, measured) = measure(|| black_box(vec![0u8; 64]));
    assert_eq!((measured.allocations(), measured.bytes_allocated()), (1, 64));
}

#[test]
fn what_allocates_nothing_measures_nothing() {
    assert_eq!(measure(|| black_box(1) + 1), (2, Measurement::default()));
    assert_eq!(assert_no_alloc(|| black_box([7; 10]).len()), 10);
    let held = bytes(10);
    assert_no_alloc(|| drop(held));
}

#[test]
fn an_allocation_where_none_is_allowed_is_a_panic_that_says_how_many_and_how_large() {
    let said = panic_of(|| assert_no_alloc(|| (bytes(24), bytes(1000))));
    assert!(said.contains("no allocation is allowed here: 2 allocations"), "{said}");
    assert!(said.contains("the first of 24 bytes"), "{said}");
    let mut grows = bytes(8);
    let said = panic_of(|| assert_no_alloc(|| grows.reserve_exact(4096)));
    assert!(said.contains("1 reallocations") && said.contains("the first of 4096 bytes"), "{said}");
}

#[test]
fn a_budget_limits_calls_bytes_and_bytes_at_once() {
    let work = || (0..10).for_each(|_| drop(bytes(100)));
    budget(Budget::new().allocations(10).bytes_allocated(1000).bytes_live_most(100), work);
    let said = [Budget::new().allocations(9), Budget::new().bytes_allocated(999), Budget::new().bytes_live_most(99)]
        .map(|limits| panic_of(|| budget(limits, work)));
    assert!(said[0].contains("over budget: 10 allocations and reallocations, and 9 are allowed"), "{}", said[0]);
    assert!(said[1].contains("over budget: 1000 bytes allocated, and 999 are allowed"), "{}", said[1]);
    assert!(said[2].contains("over budget: 100 bytes live at once, and 99 are allowed"), "{}", said[2]);
    budget(Budget::new(), work);
}

#[test]
fn the_outer_measurement_counts_what_the_inner_ones_do() {
    let (inner, outer) = measure(|| {
        let held = bytes(10);
        let ((), inner) = measure(|| drop(bytes(100)));
        drop(held);
        drop(bytes(50));
        inner
    });
    assert_eq!((inner.allocations(), inner.bytes_live_most(), inner.first_bytes()), (1, 100, Some(100)));
    assert_eq!((outer.allocations(), outer.frees(), outer.bytes_live_most()), (3, 3, 110));
    assert_eq!((outer.bytes_live(), outer.first_bytes()), (0, Some(10)));
}

#[test]
fn a_panic_inside_goes_on_as_itself_and_leaves_the_counts_right() {
    let fails = || {
        let _held = bytes(777);
        panic!("the closure's own");
    };
    let (said, outer) = measure(|| panic_of(|| assert_no_alloc(fails)));
    assert_eq!(said, "the closure's own");
    assert!(outer.bytes_allocated() >= 777);
    let (_, after) = measure(|| drop(bytes(3)));
    assert_eq!((after.allocations(), after.bytes_allocated()), (1, 3));
}

#[test]
fn other_threads_are_not_counted() {
    let barrier = Barrier::new(2);
    let ((), measured) = scope(|threads| {
        threads.spawn(|| {
            barrier.wait();
            (0..100).for_each(|_| drop(bytes(1000)));
            barrier.wait();
        });
        measure(|| {
            barrier.wait();
            drop(bytes(5));
            barrier.wait();
        })
    });
    assert_eq!((measured.allocations(), measured.bytes_allocated()), (1, 5));
}

#[test]
fn every_thread_counts_its_own() {
    let threads: Vec<_> = (1..=4)
        .map(|size| {
            spawn(move || {
                let (_, measured) = measure(|| (0..1000).for_each(|_| drop(bytes(size))));
                (measured.allocations(), measured.bytes_allocated()) == (1000, 1000 * size as u64)
            })
        })
        .collect();
    assert!(threads.into_iter().all(|thread| thread.join().unwrap()));
}

#[test]
fn what_came_from_another_thread_counts_where_it_is_freed() {
    let block = spawn(|| bytes(60)).join().unwrap();
    let ((), measured) = measure(|| drop(block));
    assert_eq!((measured.frees(), measured.bytes_freed(), measured.bytes_live()), (1, 60, -60));
}

/// A future that allocates that many bytes in each of three polls, and holds them to its end.
async fn allocates(count: usize) -> usize {
    let mut held = [const { Vec::new() }; 3];
    for part in &mut held {
        *part = bytes(count);
        let mut waited = false;
        poll_fn(|_| if std::mem::replace(&mut waited, true) { Poll::Ready(()) } else { Poll::Pending }).await;
    }
    held.iter().map(Vec::capacity).sum()
}

/// Polls until it is ready, and allocates in between what must not count.
fn run<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            return output;
        }
        drop(bytes(100_000));
    }
}

#[test]
fn a_future_is_measured_while_it_is_polled_and_not_in_between() {
    let (sum, measured) = run(measure_async(allocates(100)));
    assert_eq!((sum, measured.allocations(), measured.bytes_allocated()), (300, 3, 300));
    assert_eq!((measured.bytes_live_most(), measured.frees(), measured.bytes_live()), (300, 3, 0));
    assert_eq!(run(assert_no_alloc_async(allocates(0))), 0);
    assert_eq!(run(budget_async(Budget::new().bytes_live_most(300), allocates(100))), 300);
}

#[test]
fn a_future_over_its_budget_panics_and_says_where_it_was_made() {
    let said = panic_of(|| run(budget_async(Budget::new().bytes_live_most(299), allocates(100))));
    assert!(said.contains("counting.rs") && said.contains("300 bytes live at once"), "{said}");
    let said = panic_of(|| run(assert_no_alloc_async(allocates(1))));
    assert!(said.contains("counting.rs") && said.contains("3 allocations"), "{said}");
}

#[test]
fn measuring_itself_allocates_nothing() {
    let ((), measured) = measure(|| {
        for _ in 0..10 {
            measure(|| ());
            assert_no_alloc(|| ());
            budget(Budget::new().allocations(1), || ());
        }
    });
    assert_eq!(measured, Measurement::default());
}
