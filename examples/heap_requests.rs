//! A server in small: every request is answered in a heap of its own, which has a limit and goes
//! whole. What a request leaks, or asks for beyond its limit, concerns no other request.
#![allow(clippy::disallowed_types, reason = "a program like any other")]

use std::array::from_fn;
use std::thread::scope;

use allocator_api2_04::boxed::Box;
use allocator_api2_04::collections::TryReserveError;
use allocator_api2_04::vec::Vec;
use tinyalloc::{Heap, NoHeap, TinyAlloc};

#[global_allocator]
static GLOBAL: TinyAlloc = TinyAlloc;

const REQUEST_BYTES_MAX: usize = 256 * 1024;
const WORKERS: usize = 4;

/// The primes below `limit`, in memory of the request's.
fn primes_below(heap: &Heap, limit: usize) -> Result<Vec<usize, &Heap>, TryReserveError> {
    let mut is_prime = Vec::new_in(heap);
    is_prime.try_reserve_exact(limit)?;
    is_prime.resize(limit, true);
    // Never freed: gone with the heap all the same.
    Box::leak(Box::new_in([0u8; 1000], heap));
    let mut primes = Vec::new_in(heap);
    for number in 2..limit {
        if is_prime[number] {
            primes.try_reserve(1)?;
            primes.push(number);
            (number * number..limit).step_by(number).for_each(|multiple| is_prime[multiple] = false);
        }
    }
    Ok(primes)
}

/// One worker's requests: the heap is emptied after each, and its memory used again. How many could
/// be answered.
fn serve(worker: usize) -> Result<usize, NoHeap> {
    let mut heap = Heap::named("request", REQUEST_BYTES_MAX)?;
    let mut answered = 0;
    for request in 0..100 {
        let limit = if request % 10 == 9 { 1 << 20 } else { 1000 + 100 * worker };
        answered += usize::from(primes_below(&heap, limit).is_ok_and(|primes| primes.len() >= 168));
        heap.reset();
    }
    Ok(answered)
}

fn main() -> Result<(), NoHeap> {
    let answered: usize = scope(|scope| {
        let workers: [_; WORKERS] = from_fn(|worker| scope.spawn(move || serve(worker)));
        workers.into_iter().map(|worker| worker.join().unwrap_or(Err(NoHeap))).sum::<Result<usize, NoHeap>>()
    })?;
    assert_eq!(answered, WORKERS * 90);
    println!("{answered} requests answered, {} beyond their limit", WORKERS * 100 - answered);
    println!("{} heaps are left, {} bytes in use", GLOBAL.stats().isolated_heaps, GLOBAL.stats().allocated);
    Ok(())
}
