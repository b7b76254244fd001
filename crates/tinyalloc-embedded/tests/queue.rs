//! The queue against a deque of bytes, and between threads.
#![cfg(feature = "global-alloc")]
#![allow(clippy::unwrap_used, clippy::disallowed_types, reason = "tests may allocate and give up")]

use core::hint::spin_loop;
use core::sync::atomic::{AtomicBool, Ordering};
use std::collections::VecDeque;
use std::thread::{scope, yield_now};

use proptest::collection::vec;
use proptest::prelude::{ProptestConfig, any, prop_assert_eq, proptest};
use tinyalloc_embedded::prelude::*;

const BYTES: usize = 7;

fn step(queue: &GlobalDeque<BYTES>, model: &mut VecDeque<u8>, operation: u8, data: &[u8]) {
    let room = BYTES - model.len();
    match operation % 6 {
        0 => {
            let pushed = queue.push(operation);
            assert_eq!(pushed, if room > 0 { Ok(()) } else { Err(QueueError::Full) });
            model.extend((room > 0).then_some(operation));
        }
        1 => assert_eq!(queue.pop(), model.pop_front()),
        2 => {
            let written = queue.write(data);
            assert_eq!(written, data.len().min(room));
            model.extend(&data[..written]);
        }
        3 => {
            let mut out = vec![0; data.len()];
            let read = queue.read(&mut out);
            assert!(read == data.len().min(model.len()) && model.drain(..read).eq(out[..read].iter().copied()));
        }
        4 => {
            let mut grant = queue.producer().unwrap().reserve(data.len());
            let used = grant.len().min(usize::from(operation / 6));
            grant[..used].copy_from_slice(&data[..used]);
            model.extend(&data[..used]);
            drop(grant.commit(used));
        }
        _ => {
            let grant = queue.consumer().unwrap().fetch();
            let used = grant.len().min(usize::from(operation / 6));
            assert!(grant.iter().eq(model.iter().take(grant.len())) && grant.is_empty() == model.is_empty());
            model.drain(..used);
            drop(grant.release(used));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_queue_is_a_deque_of_bytes(steps in vec((any::<u8>(), vec(any::<u8>(), 0..12)), 0..100)) {
        let (queue, mut model) = (GlobalDeque::new(), VecDeque::new());
        for (operation, data) in steps {
            step(&queue, &mut model, operation, &data);
            prop_assert_eq!(queue.len(), model.len());
        }
    }
}

fn number(at: u32) -> u8 {
    at.wrapping_mul(0x9E37_79B1).to_be_bytes()[0]
}

/// Waits until there is something.
fn insist<R>(mut step: impl FnMut() -> Option<R>) -> R {
    for _ in 0..50 {
        if let Some(result) = step() {
            return result;
        }
        spin_loop();
    }
    loop {
        if let Some(result) = step() {
            return result;
        }
        yield_now();
    }
}

const MILLION: u32 = 1_000_000;

#[test]
fn a_million_bytes_arrive_in_order_through_push_and_pop() {
    static QUEUE: GlobalDeque<256> = GlobalDeque::new();
    scope(|scope| {
        scope.spawn(|| (0..MILLION).for_each(|at| insist(|| QUEUE.push(number(at)).ok())));
        (0..MILLION).for_each(|at| assert_eq!(insist(|| QUEUE.pop()), number(at)));
    });
    assert!(QUEUE.is_empty());
}

#[test]
fn a_million_bytes_arrive_in_order_through_the_two_ends() {
    let mut queue = Box::new(GlobalDeque::<37>::new());
    let (mut producer, mut consumer) = queue.split();
    scope(|scope| {
        scope.spawn(move || (0..MILLION).for_each(|at| insist(|| producer.push(number(at)).ok())));
        (0..MILLION).for_each(|at| assert_eq!(insist(|| consumer.pop()), number(at)));
    });
}

#[test]
fn a_million_bytes_arrive_in_order_through_grants() {
    static QUEUE: GlobalDeque<100> = GlobalDeque::new();
    fn fill(at: u32, wanted: usize) -> Option<u32> {
        let mut grant = QUEUE.producer()?.reserve(wanted);
        (at..).zip(grant.iter_mut()).for_each(|(at, byte)| *byte = number(at));
        let bytes = grant.len();
        drop(grant.commit(bytes));
        u32::try_from(bytes).ok().filter(|bytes| *bytes > 0)
    }
    fn drain(at: u32) -> Option<u32> {
        let grant = QUEUE.consumer()?.fetch();
        (at..).zip(grant.iter()).for_each(|(at, byte)| assert_eq!(*byte, number(at)));
        let bytes = grant.len();
        drop(grant.release(bytes));
        u32::try_from(bytes).ok().filter(|bytes| *bytes > 0)
    }
    scope(|scope| {
        scope.spawn(|| {
            let mut at = 0;
            while at < MILLION {
                let wanted = usize::try_from(MILLION - at).unwrap().min(33);
                at += insist(|| fill(at, wanted));
            }
        });
        let mut at = 0;
        while at < MILLION {
            at += insist(|| drain(at));
        }
    });
}

#[test]
fn several_producers_and_consumers_lose_and_invent_nothing() {
    static QUEUE: GlobalDeque<16> = GlobalDeque::new();
    const EACH: usize = 20_000;
    let counts = scope(|scope| {
        for mark in 0..3 {
            scope.spawn(move || (0..EACH).for_each(|_| insist(|| QUEUE.push(mark).ok())));
        }
        let consumers = [(); 3].map(|()| {
            scope.spawn(|| {
                let mut counts = [0; 3];
                (0..EACH).for_each(|_| counts[usize::from(insist(|| QUEUE.pop()))] += 1);
                counts
            })
        });
        consumers.map(|consumer| consumer.join().unwrap())
    });
    for mark in 0..3 {
        assert_eq!(counts.iter().map(|count| count[mark]).sum::<usize>(), EACH);
    }
}

#[test]
fn an_end_that_is_held_is_refused_to_others_until_it_is_dropped() {
    let queue = GlobalDeque::<8>::new();
    let grant = queue.producer().unwrap().reserve(4);
    assert_eq!((queue.push(1), queue.write(b"no")), (Err(QueueError::Busy), 0));
    assert!(queue.producer().is_none() && queue.pop().is_none());
    drop(grant);
    assert_eq!((queue.push(1), queue.len()), (Ok(()), 1));
    let consumer = queue.consumer().unwrap();
    assert!(queue.pop().is_none() && queue.consumer().is_none());
    drop(consumer);
    assert_eq!(queue.pop(), Some(1));
}

#[test]
fn a_transfer_size_that_divides_the_queue_is_never_cut_short() {
    let queue = GlobalDeque::<64>::new();
    for _ in 0..20 {
        let grant = queue.producer().unwrap().reserve(16);
        assert_eq!(grant.len(), 16);
        drop(grant.commit(16));
        let grant = queue.consumer().unwrap().fetch();
        assert_eq!(grant.len(), 16);
        drop(grant.release(16));
    }
}

#[test]
fn an_end_that_two_cores_reach_for_stays_free_when_both_let_go() {
    const ROUNDS: usize = 1_000_000;
    static QUEUE: GlobalDeque<8> = GlobalDeque::new();
    scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| (0..ROUNDS).for_each(|_| drop(QUEUE.producer())));
        }
    });
    assert!(QUEUE.producer().is_some());
}

#[test]
fn a_queue_never_says_that_it_has_more_bytes_than_it_can() {
    const ROUNDS: usize = 1_000_000;
    static QUEUE: GlobalDeque<64> = GlobalDeque::new();
    static DONE: AtomicBool = AtomicBool::new(false);
    scope(|scope| {
        scope.spawn(|| {
            while !DONE.load(Ordering::Relaxed) {
                QUEUE.write(&[1; 64]);
            }
        });
        scope.spawn(|| {
            while !DONE.load(Ordering::Relaxed) {
                QUEUE.read(&mut [0; 64]);
            }
        });
        let most = (0..ROUNDS).map(|_| QUEUE.len()).max();
        DONE.store(true, Ordering::Relaxed);
        assert!(most <= Some(64), "{most:?}");
    });
}
