//! The allocator: which heap, and is it small, large or huge? Each module calls only those before
//! it.

pub(crate) mod emergency_chunk;

pub(crate) mod emergency;

pub(crate) mod request;

pub(crate) mod tokens;

pub(crate) mod read_only_state;

pub(crate) mod thread_context;

pub(crate) mod caller;

pub(crate) mod state;

pub(crate) mod memcheck;

pub(crate) mod hardened_slot;

pub(crate) mod lookup;

pub(crate) mod traps;

pub(crate) mod slow_path;

pub(crate) mod packing;

pub(crate) mod returned_heaps;

pub(crate) mod kept_blocks;

pub(crate) mod sampled_heap;

pub(crate) mod purge;

pub(crate) mod attach;

pub(crate) mod refill;

pub(crate) mod profiling;

pub(crate) mod contents;

pub(crate) mod large;

pub(crate) mod free;

pub(crate) mod trim;

pub(crate) mod allocate_small;

pub(crate) mod allocate_large;

pub(crate) mod allocate_checked;

pub(crate) mod allocate;

pub(crate) mod in_heap;

pub(crate) mod resize;

pub(crate) mod partitions;

pub(crate) mod claim;

pub(crate) mod heaps;

pub(crate) mod thread_end;

pub(crate) mod fork;

pub(crate) mod stats;

pub(crate) mod invariants;

pub(crate) mod debug_layout;
