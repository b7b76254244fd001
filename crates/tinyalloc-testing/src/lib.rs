//! What a piece of a test allocates, counted per thread.
//!
//! ```
//! # use tinyalloc_testing as testing;
//! use std::alloc::System;
//!
//! use testing::{Budget, Counting, assert_no_alloc, budget, measure};
//!
//! #[global_allocator]
//! static GLOBAL: Counting<System> = Counting::new(System);
//!
//! let mut numbers: Vec<u64> = Vec::with_capacity(100);
//! assert_no_alloc(|| numbers.extend(0..100));
//!
//! let (text, measured) = measure(|| String::from("counted"));
//! assert_eq!((measured.allocations(), measured.bytes_allocated()), (1, 7));
//!
//! let sorted = budget(Budget::new().allocations(1).bytes_live_most(800), || {
//!     let mut sorted = numbers.clone();
//!     sorted.sort_unstable();
//!     sorted
//! });
//! # assert_eq!((text.len(), sorted.len()), (7, 100));
//! ```
//!
//! # What is counted
//! Calls of the global allocator on this thread, while the closure runs; so tests that run at the
//! same time do not disturb each other. A call that reallocates counts as such, and its bytes by
//! how much the block grew or shrank. What was refused does not count. Sizes are those that were
//! asked for.
//!
//! Measurements nest: the outer one counts what the inner ones counted. A closure that panics
//! leaves all counts right, and its panic goes on as it would otherwise.
//!
//! # What is not
//! - What other threads allocate, on behalf of the closure or not: a scoped thread, a thread pool,
//!   a blocking task of an async runtime.
//! - Memory that does not come from the global allocator: C libraries', mappings, thread stacks.
//! - What was allocated before and is freed inside counts as freed, so that bytes live may be fewer
//!   than at the start.
//!
//! # When it cannot count
//! If the program's global allocator is not a [`Counting`], every function here panics and says
//! what to write: a test that cannot count does not pass.

mod measurement;

mod tally;

mod counting;

mod scope;

mod budget;

mod future;

pub use budget::{Budget, Exceeded, assert_no_alloc, budget};
pub use counting::Counting;
pub use future::{assert_no_alloc_async, budget_async, measure_async};
pub use measurement::Measurement;
pub use scope::measure;
