//! One isolated heap, many threads: they allocate in it, free each other's blocks, enter it, end,
//! and leave it to others.
#![cfg(all(feature = "engine", feature = "allocator-api2-04"))]
#![allow(clippy::disallowed_types, clippy::unwrap_used, reason = "tests may allocate and give up")]

use std::array::from_fn;
use std::mem::forget;
use std::panic::catch_unwind;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::channel;
use std::sync::{Arc, OnceLock};
use std::thread::{scope, spawn};

use allocator_api2_04::boxed::Box;
use allocator_api2_04::vec::Vec as HeapVec;
use tinyalloc::{Entered, Heap, TinyAlloc};

#[global_allocator]
static GLOBAL: TinyAlloc = TinyAlloc;

const THREADS: usize = 4;

/// Compiles only for what may go to other threads, and be used by several at once.
fn is_shared<T: Send + Sync>() {}

#[test]
fn heaps_and_what_is_in_them_go_to_other_threads() {
    is_shared::<Heap>();
    is_shared::<Box<u32, &Heap>>();
    is_shared::<HeapVec<u32, &Heap>>();
}

#[test]
fn several_threads_fill_a_heap_at_once() {
    let heap = Heap::new().unwrap();
    scope(|scope| {
        let threads: [_; THREADS] = from_fn(|mark| {
            let heap = &heap;
            scope.spawn(move || {
                let mut rows = HeapVec::new_in(heap);
                for length in 1..500 {
                    let mut row = HeapVec::new_in(heap);
                    row.resize(length, mark);
                    rows.push(row);
                }
                assert!(rows.iter().flatten().all(|number| *number == mark));
            })
        });
        // Joined, they have ended: the end of the scope does not wait for that.
        threads.into_iter().for_each(|thread| thread.join().unwrap());
    });
    assert_eq!(heap.stats().allocated, 0);
}

#[test]
fn blocks_of_a_heap_are_freed_by_other_threads() {
    let heap = Heap::new().unwrap();
    let (sender, receiver) = channel();
    scope(|scope| {
        let threads: [_; THREADS] = from_fn(|mark| {
            let (heap, sender) = (&heap, sender.clone());
            scope.spawn(move || (0..2000).for_each(|number| sender.send(Box::new_in((mark, number), heap)).unwrap()))
        });
        drop(sender);
        let received = receiver.iter().filter(|pair| pair.0 < THREADS && pair.1 < 2000 && heap.contains(&raw const **pair));
        assert_eq!(received.count(), THREADS * 2000);
        threads.into_iter().for_each(|thread| thread.join().unwrap());
    });
    // What others freed is counted as free once a thread has collected it.
    heap.purge();
    assert_eq!(heap.stats().live_slots, 0);
}

#[test]
fn a_heap_outlives_the_threads_that_used_it() {
    let heap = Arc::new(Heap::new().unwrap());
    for round in 0..50 {
        let heap = Arc::clone(&heap);
        let used = spawn(move || {
            let numbers = Box::new_in([round; 100], &*heap);
            let is_inside = heap.contains(numbers.as_ptr());
            forget(numbers);
            is_inside
        });
        assert!(used.join().unwrap());
    }
    assert_eq!(heap.stats().live_slots, 50);
    let last = spawn(move || drop(Arc::into_inner(heap).unwrap()));
    last.join().unwrap();
}

#[test]
fn a_heap_may_be_a_static() {
    static HEAP: OnceLock<Heap> = OnceLock::new();
    let heap = HEAP.get_or_init(|| Heap::named("static", usize::MAX).unwrap());
    let numbers: Box<[u32; 4], &'static Heap> = Box::new_in([1, 2, 3, 4], heap);
    let sum = spawn(move || numbers.iter().sum::<u32>()).join().unwrap();
    assert_eq!((sum, heap.name().as_str()), (10, "static"));
}

#[test]
fn while_entered_a_heap_serves_ordinary_collections_of_this_thread_alone() {
    let heap = Heap::new().unwrap();
    // SAFETY: what is allocated meanwhile is dropped before the heap.
    let pushed = unsafe { heap.enter() }.unwrap();
    let numbers = Vec::from_iter(0..1000u32);
    let elsewhere = scope(|scope| scope.spawn(|| Vec::from([1u8; 100])).join().unwrap());
    assert!(heap.contains(numbers.as_ptr()));
    assert!(!heap.contains(elsewhere.as_ptr()));
    drop(pushed);
    assert!(!heap.contains(Vec::from_iter(0..1000u32).as_ptr()));
    drop(numbers);
}

#[test]
fn heaps_are_entered_within_each_other() {
    let (outer, inner) = (Heap::new().unwrap(), Heap::new().unwrap());
    // SAFETY: what is allocated meanwhile is dropped before the heaps, and the entries in reverse
    // order.
    let in_outer = unsafe { outer.enter() }.unwrap();
    // SAFETY: as above.
    let in_inner = unsafe { inner.enter() }.unwrap();
    let innermost = Vec::from([1u8; 100]);
    drop(in_inner);
    let mut middle = Vec::from([2u8; 100]);
    drop(in_outer);
    assert!(inner.contains(innermost.as_ptr()) && outer.contains(middle.as_ptr()));
    middle.resize(100_000, 2);
    assert!(outer.contains(middle.as_ptr()), "a block stays in its heap");
}

#[test]
fn a_heap_that_is_entered_for_good_stays_when_it_is_dropped() {
    let numbers = spawn(|| {
        let heap = Heap::new().unwrap();
        // SAFETY: the heap is never reset, and dropping it does nothing: it is entered.
        forget::<Option<Entered<'_>>>(unsafe { heap.enter() });
        let numbers = Vec::from_iter(0..1000u32);
        assert!(heap.contains(numbers.as_ptr()));
        drop(heap);
        numbers.iter().sum::<u32>()
    });
    assert_eq!(numbers.join().unwrap(), 499_500);
}

#[test]
fn a_heap_is_used_on_after_a_panic() {
    let heap = Heap::new().unwrap();
    let panicked = catch_unwind(|| {
        let _numbers = Box::new_in([1u8; 100], &heap);
        panic!("expected");
    });
    assert!(panicked.is_err());
    assert_eq!(heap.stats().allocated, 0);
}

#[test]
fn a_heap_is_looked_at_while_other_threads_use_it() {
    let heap = Heap::with_limit(256 << 20).unwrap();
    let is_over = AtomicBool::new(false);
    scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while !is_over.load(Ordering::Relaxed) {
                    let blocks = (0..40).map(|step| HeapVec::<u8, &Heap>::with_capacity_in(1 << (step % 20), &heap));
                    drop(blocks.collect::<Vec<_>>());
                }
            });
        }
        let inside = Box::new_in(1, &heap);
        for _ in 0..500 {
            assert!(heap.stats().allocated >= 16 && GLOBAL.stats().isolated_heaps > 0);
            assert!(heap.contains(&raw const *inside));
            heap.purge();
        }
        is_over.store(true, Ordering::Relaxed);
    });
}
