//! The engine: size classes, spans, regions, heaps, purging and statistics.
//!
//! Layers, each of which calls only those before it:
//! misuse, tunables, class | slot | span | remote | heap | pool | growing | pages | isolated | region, huge, space | allocator and its
//! halves.
#![cfg_attr(not(test), no_std)]

mod class;
mod heap_name;
mod misuse;
mod sync;
mod tunables;

mod lock;
mod slot;

mod bins;

mod span;

mod quota;
mod remote;

mod heap;

mod pool;

mod huge_pages;

mod growing;

mod pages;

mod isolated;

mod region;

mod regions;

mod decay;
mod huge;

mod space;

mod attachments;
mod emergency;
mod local;

mod allocator;
mod attached;
mod heaps;
mod large;
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
pub use class::{CLASS_COUNT, SLICE_BYTES, SLOT_ALIGN, SMALL_BYTES_MAX, SizeClass};
pub use heap_name::HeapName;
pub use heaps::{BlockOwner, Emptying, HeapError};
pub use isolated::{HeapOptions, Isolated, IsolatedRef};
pub use large::{HUGE_BYTES_MIN, REQUEST_BYTES_MAX};
pub use local::{Local, Mode};
pub use lock::ThreadId;
pub use misuse::Misuse;
pub use sized::Claim;
pub use stats::{ClassStats, Stats};
pub use tunables::{HugePagePolicy, PurgeMode, Tunables};
#[doc(hidden)]
pub use validate::Survey;
