//! The engine under shuttle: every file of `src`, word for word, on atomics and cells that are watched ([`watch`]). Threads change
//! places at every atomic access, at every system call and where they wait, at random or by preference (PCT), thousands of times.
//!
//! `RUSTFLAGS="--cfg loom" cargo test -p tinyalloc-alloc --test shuttle --release` runs it; without the flag there is nothing here.
//! `MODEL_RUNS=50` asks for so many times as many schedules. A schedule that fails is printed, and `SHUTTLE_RANDOM_SEED` brings it back.
//!
//! Shuttle knows no orderings: every access sees the latest value. The orderings are what the watch is for. It keeps what each thread
//! knows of the others as the orderings say, and objects where two of them touch a cell and neither knows of the other. So a lost
//! acquire or release shows as a race, whatever the schedule. (What only hardware could show, stores that are seen late, is loom's part.)
#![cfg(loom)]
#![allow(clippy::disallowed_types, clippy::unwrap_used, clippy::absolute_paths, reason = "tests may allocate and give up")]
#![allow(dead_code, unused_imports, unreachable_pub, missing_docs, reason = "what the engine's own crate uses or shows")]

/// To the engine this file is `core`: `core::cell` and `core::sync` are what is watched, the rest is the standard library's.
extern crate self as core;
/// To what the tests share it is the engine.
extern crate self as tinyalloc_alloc;

pub(crate) use std::{arch, ffi, fmt, iter, mem, ops, option, ptr, slice, str};

mod watch;

mod cell;
mod hint;
mod sync;

#[path = "../common/mod.rs"]
mod common;

mod stage;

mod adoption;
mod destruction;
mod forks;
mod purging;

// What `src/lib.rs` names.
#[path = "../../src/allocator.rs"]
mod allocator;
#[path = "../../src/announce.rs"]
mod announce;
#[path = "../../src/attached.rs"]
mod attached;
#[path = "../../src/attachments.rs"]
mod attachments;
#[path = "../../src/bins.rs"]
mod bins;
#[path = "../../src/canary.rs"]
mod canary;
#[path = "../../src/checked.rs"]
mod checked;
#[path = "../../src/checks.rs"]
mod checks;
#[path = "../../src/class.rs"]
mod class;
#[path = "../../src/decay.rs"]
mod decay;
#[path = "../../src/emergency.rs"]
mod emergency;
#[path = "../../src/empty.rs"]
mod empty;
#[path = "../../src/growing.rs"]
mod growing;
#[path = "../../src/guard.rs"]
mod guard;
#[path = "../../src/guarded.rs"]
mod guarded;
#[path = "../../src/heap.rs"]
mod heap;
#[path = "../../src/heap_label.rs"]
mod heap_label;
#[path = "../../src/heap_name.rs"]
mod heap_name;
#[path = "../../src/heaps.rs"]
mod heaps;
#[path = "../../src/huge.rs"]
mod huge;
#[path = "../../src/huge_pages.rs"]
mod huge_pages;
#[path = "../../src/isolated.rs"]
mod isolated;
#[path = "../../src/large.rs"]
mod large;
#[path = "../../src/local.rs"]
mod local;
#[path = "../../src/lock.rs"]
mod lock;
#[path = "../../src/memory.rs"]
mod memory;
#[path = "../../src/misuse.rs"]
mod misuse;
#[path = "../../src/nothing.rs"]
mod nothing;
#[path = "../../src/pages.rs"]
mod pages;
#[path = "../../src/pool.rs"]
mod pool;
#[path = "../../src/purge.rs"]
mod purge;
#[path = "../../src/quarantine.rs"]
mod quarantine;
#[path = "../../src/quota.rs"]
mod quota;
#[path = "../../src/random.rs"]
mod random;
#[path = "../../src/region.rs"]
mod region;
#[path = "../../src/regions.rs"]
mod regions;
#[path = "../../src/remote.rs"]
mod remote;
#[path = "../../src/resize.rs"]
mod resize;
#[path = "../../src/settled.rs"]
mod settled;
#[path = "../../src/sized.rs"]
mod sized;
#[path = "../../src/slot.rs"]
mod slot;
#[path = "../../src/small.rs"]
mod small;
#[path = "../../src/space.rs"]
mod space;
#[path = "../../src/span.rs"]
mod span;
#[path = "../../src/stats.rs"]
mod stats;
#[path = "../../src/threads.rs"]
mod threads;
#[path = "../../src/trap_budget.rs"]
mod trap_budget;
#[path = "../../src/tunables.rs"]
mod tunables;
#[path = "../../src/valgrind.rs"]
mod valgrind;
#[path = "../../src/validate.rs"]
mod validate;

pub use allocator::Allocator;
pub use attachments::Attachments;
pub use bins::{Bins, EMPTY_BINS};
pub use checks::Checks;
pub use class::{CLASS_COUNT, SLICE_BYTES, SLOT_ALIGN, SMALL_BYTES_MAX, SizeClass};
pub use guard::{GuardReport, GuardedAccess, TRACE_LENGTH, Trace};
pub use heap_label::HeapLabel;
pub use heap_name::HeapName;
pub use heaps::{BlockOwner, Emptying, HeapError};
pub use isolated::{HeapOptions, Isolated, IsolatedRef};
pub use large::{HUGE_BYTES_MIN, REQUEST_BYTES_MAX};
pub use local::{Local, Mode};
pub use lock::ThreadId;
pub use misuse::{Misuse, MisuseOfHeap};
pub use settled::Sealing;
pub use sized::Claim;
pub use stats::{ClassStats, Stats};
pub use tunables::{HugePagePolicy, PurgeMode, Tunables};
pub use validate::Survey;
