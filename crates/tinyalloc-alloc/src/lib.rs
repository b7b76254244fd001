//! The engine: size classes, spans, regions, heaps, purging and statistics.
//!
//! Layers, each of which calls only those before it:
//! misuse, memory, checks, class, canary | tunables | slot | span | remote | growing | pages | guard, quarantine | heap | pool | isolated | region, huge,
//! space | allocator and its halves.
#![cfg_attr(not(test), no_std)]

mod canary;
mod checks;
mod class;
mod heap_label;
mod heap_name;
mod memory;
mod misuse;
mod random;
mod sync;

mod tunables;
mod valgrind;

mod lock;
mod slot;

mod bins;

mod span;

mod quota;
mod remote;

mod huge_pages;

mod growing;

mod pages;

mod guard;
mod quarantine;

mod heap;

mod pool;

mod isolated;

mod region;

mod regions;

mod decay;
mod huge;
mod trap_budget;

mod space;

mod attachments;
mod emergency;
mod empty;
mod local;
mod settled;

mod allocator;
mod announce;
mod attached;
mod checked;
mod guarded;
mod heaps;
mod large;
mod nothing;
mod purge;
mod resize;
mod sized;
mod small;
mod stats;
mod threads;
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
pub use huge::HugePeak;
pub use isolated::{HeapOptions, Isolated, IsolatedRef};
pub use large::{HUGE_BYTES_MIN, REQUEST_BYTES_MAX};
pub use local::{Local, Mode};
pub use lock::ThreadId;
pub use misuse::{Misuse, MisuseOfHeap};
pub use settled::Sealing;
pub use sized::Claim;
pub use stats::{ClassStats, Stats};
pub use tunables::{HugePagePolicy, PurgeMode, Tunables};
#[doc(hidden)]
pub use validate::Survey;
