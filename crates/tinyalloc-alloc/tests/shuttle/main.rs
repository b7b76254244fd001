//! The engine under shuttle: every file of `src`, word for word, on atomics and cells that are
//! watched ([`watch`]). Threads change places at every atomic access, at every system call and
//! where they wait, at random or by preference (PCT), thousands of times.
//!
//! `RUSTFLAGS="--cfg loom" cargo test -p tinyalloc-alloc --test shuttle --release` runs it; without
//! the flag there is nothing here. `MODEL_RUNS=50` asks for so many times as many schedules. A
//! schedule that fails is printed, and `SHUTTLE_RANDOM_SEED` brings it back.
//!
//! Shuttle knows no orderings: every access sees the latest value. The orderings are what the watch
//! is for. It keeps what each thread knows of the others as the orderings say, and objects where
//! two of them touch a cell and neither knows of the other. So a lost acquire or release shows as a
//! race, whatever the schedule. (What only hardware could show, stores that are seen late, is
//! loom's part.)
#![cfg(loom)]
#![allow(clippy::disallowed_types, clippy::unwrap_used, clippy::absolute_paths, reason = "tests may allocate and give up")]
#![allow(dead_code, unused_imports, unreachable_pub, missing_docs, reason = "what the engine's own crate uses or shows")]

/// To the engine this file is `core`: `core::cell` and `core::sync` are what is watched, the rest
/// is the standard library's.
extern crate self as core;
/// To what the tests share it is the engine.
extern crate self as tinyalloc_alloc;

pub(crate) use std::{arch, f64, ffi, fmt, iter, marker, mem, ops, option, ptr, slice, str};

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
mod handlers;
mod keeping;
mod purging;
mod sampling;
mod trims;

// What `src/lib.rs` names.
#[path = "../../src/allocator/mod.rs"]
mod allocator;
#[path = "../../src/config/mod.rs"]
mod config;
#[path = "../../src/hardening/mod.rs"]
mod hardening;
#[path = "../../src/heap/mod.rs"]
mod heap;
#[path = "../../src/profile/mod.rs"]
mod profile;
#[path = "../../src/region/mod.rs"]
mod region;
#[path = "../../src/report/mod.rs"]
mod report;
#[path = "../../src/space/mod.rs"]
mod space;
#[path = "../../src/span/mod.rs"]
mod span;
#[path = "../../src/support/mod.rs"]
mod support;
#[path = "../../src/thread_heap/mod.rs"]
mod thread_heap;

pub use allocator::claim::Claim;
pub use allocator::heaps::{HeapError, HeapMemory};
pub use allocator::invariants::InvariantReport;
pub use allocator::large::REQUEST_BYTES_MAX;
pub use allocator::lookup::BlockOwner;
pub use allocator::read_only_state::SealPolicy;
pub use allocator::state::Allocator;
pub use allocator::stats::{ClassStats, Stats};
pub use allocator::thread_context::{Mode, ThreadContext};
pub use config::checks::Checks;
pub use config::policy::HUGE_BYTES_MIN;
pub use config::tunables::{HugePagePolicy, PurgeMode, Tunables};
pub use hardening::guard::{GuardReport, GuardedAccess, TRACE_LENGTH, Trace};
pub use heap::heap_record::{Heap, HeapOptions, HeapRef};
pub use heap::heap_table::HeapTable;
pub use report::heap_label::HeapLabel;
pub use report::heap_name::HeapName;
pub use report::misuse::{Misuse, MisuseOfHeap};
pub use span::bins::{Bins, EMPTY_BINS};
pub use span::class::{CLASS_COUNT, SLICE_BYTES, SLOT_ALIGN, SMALL_BYTES_MAX, SizeClass};
pub use support::lock::ThreadId;
