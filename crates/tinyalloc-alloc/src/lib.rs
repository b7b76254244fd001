//! The engine: size classes, spans, regions, heaps, purging and statistics.
//!
//! The folders are the layers, in this order: each calls only those before it.
#![cfg_attr(not(test), no_std)]

mod sync;

mod config;

mod support;

mod report;

mod span;

mod region;

mod hardening;

mod thread_heap;

mod heap;

mod space;

mod profile;

mod allocator;

pub use allocator::claim::Claim;
#[doc(hidden)]
pub use allocator::debug_layout::DebugLayout;
pub use allocator::heaps::{HeapError, HeapMemory};
#[doc(hidden)]
pub use allocator::invariants::InvariantReport;
pub use allocator::large::REQUEST_BYTES_MAX;
pub use allocator::lookup::BlockOwner;
pub use allocator::packing::SpanUsage;
pub use allocator::read_only_state::SealPolicy;
pub use allocator::resize::{Movable, Resizing};
pub use allocator::state::Allocator;
pub use allocator::stats::{ClassStats, Stats};
pub use allocator::thread_context::{Mode, ThreadContext};
pub use allocator::tokens::Route;
pub use config::checks::Checks;
pub use config::policy::HUGE_BYTES_MIN;
pub use config::tunables::{HugePagePolicy, NumaPolicy, PurgeMode, Tunables};
pub use hardening::guard::{GuardReport, GuardedAccess, TRACE_LENGTH, Trace};
pub use heap::heap_record::{Heap, HeapOptions, HeapRef};
pub use heap::heap_table::HeapTable;
pub use profile::ProfileSummary;
pub use profile::heap_summary::HeapSummary;
pub use profile::site::{CALLERS_MAX, LIFETIMES, SiteProfile, Tally};
pub use profile::tables::LiveBlock;
pub use report::heap_label::HeapLabel;
pub use report::heap_name::HeapName;
pub use report::misuse::{Misuse, MisuseOfHeap};
pub use space::huge_table::HugePeak;
pub use space::nodes::NodeStats;
pub use span::bins::{Bins, EMPTY_BINS};
pub use span::class::{CLASS_COUNT, SLICE_BYTES, SLOT_ALIGN, SMALL_BYTES_MAX, SizeClass};
pub use support::lock::ThreadId;
