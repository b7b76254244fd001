//! Every number of policy, with its reason, and what it was measured by. The layers above take them
//! from here; what a user may change has its default in [`crate::Tunables`].

// When free memory goes back.

/// Free memory is decommitted after one to two epochs, whose length is a tunable. The clock is read
/// at every so many events.
pub(crate) const EVENTS_PER_LOOK: u32 = 16;
/// Free memory that always may stay resident.
pub(crate) const RESIDENT_FREE_BYTES_MIN: usize = 1024 * 1024;
/// Of the memory in use, one part in so many may be resident and free besides.
pub(crate) const USED_PER_RESIDENT_FREE: usize = 4;
/// What a program that takes memory back at once may keep beyond that...
pub(crate) const SLACK_BYTES_MAX: usize = 64 * 1024 * 1024;
/// ...or this, if it took back in an epoch more than so many times of what it uses at most...
pub(crate) const SWING_BYTES_MAX: usize = 256 * 1024 * 1024;
pub(crate) const SWINGS_PER_EPOCH: usize = 1;
/// ...or so much at all: to decommit it and to fault it in again takes 7 % of the epoch. (All of it
/// may stay for good, where the program never again takes or frees a span or a large block.)
pub(crate) const REGRETTED_BYTES_MAX: usize = 64 * 1024 * 1024;
/// Memory above the cap that could not be purged cheaply is looked at again when it has grown by
/// this and by a quarter, or what is in use has shrunk by a quarter.
pub(crate) const KEPT_STEP_BYTES: usize = 2 * 1024 * 1024;
/// Beyond so many times of what is in use, free memory is most of the heap.
pub(crate) const IDLE_PER_USED: usize = 2;
/// One system call decommits at most this much, so that others may have what is left meanwhile.
pub(crate) const PURGE_BYTES_MAX: usize = 32 * 1024 * 1024;
/// How many heaps that came to the pool are walked in one epoch.
pub(crate) const POOLED_WALKS_MAX: usize = 64;
/// How many isolated heaps a purge notes down at a time, under the lock.
pub(crate) const ISOLATED_AT_A_TIME: usize = 32;
/// Slices of empty spans that a heap keeps for itself: half a mebibyte that needs no lock and, for
/// the same class, no carving.
pub(crate) const SPARE_SLICES_MAX: u32 = 32;
/// As [`SPARE_SLICES_MAX`], of a hardened heap, whose other empty spans lose their memory: four
/// mebibytes that need no system call.
pub(crate) const HARDENED_SPARE_SLICES_MAX: u32 = 256;
/// A thread may keep a mebibyte of freed large blocks...
pub(crate) const KEPT_SLICES_MAX: usize = 64;
/// ...each at most as large, if it is lent room for that...
pub(crate) const KEPT_BLOCK_SLICES_MAX: usize = 128;
/// ...and so many of them: each request looks at all.
pub(crate) const KEPT_BLOCKS_MAX: usize = 16;
/// A thread is lent room for two mebibytes more when it has taken back what it had just freed, more
/// than all it may keep otherwise, so many times in a row...
pub(crate) const KEPT_RETURNS_MIN: u32 = 8;
pub(crate) const LENT_SLICES: usize = KEPT_BLOCK_SLICES_MAX;
/// ...and all threads at most so much: what they keep no other thread can take.
pub(crate) const LENT_SLICES_MAX: usize = 2 * LENT_SLICES;
/// A kept block serves requests that need up to one part in so many less.
pub(crate) const KEPT_WASTE_PART: usize = 8;
/// For so long a thread's frees of large blocks keep their block. The next one asks whether there
/// is time for a trap again: the trap of 64 KiB is paid for after 7 milliseconds.
pub(crate) const KEPT_MILLISECONDS: u64 = 8;
/// A full span lends its slots if they are at least as large...
pub(crate) const LENT_SLOT_BYTES_MIN: usize = 128;
/// ...and so many of the class are lent at most: each look at them walks the bin...
pub(crate) const LENT_SLOTS_MAX: u16 = 128;
/// ...twice as many of slots that are at least as large as this.
pub(crate) const LENT_TWICE_BYTES_MIN: usize = 1024;
/// Free pages that keep their memory, for heaps that come and go.
pub(crate) const WARM_PAGES_MAX: usize = 32;

// Huge blocks, and those that grow.

/// Requests of at least this many bytes get a mapping of their own.
pub const HUGE_BYTES_MIN: usize = 32 * 1024 * 1024;

/// A block that grows beyond this moves to a mapping of its own where it cannot grow in place: from
/// there on it grows without a copy. A program that frees such mappings pays for their pages each
/// time, so the size of the largest one that was freed counts from then on...
pub(crate) const GROWN_BYTES_MIN: usize = 256 * 1024;
/// ...but not beyond this, where purges would take what is to be used again.
pub(crate) const GROWN_BYTES_LEARNED_MAX: usize = 4 * 1024 * 1024;
/// A mapping that grows becomes this part longer than it has to, so that the next steps cost no
/// system call. What is not used of it is not resident.
pub(crate) const GROWN_PART: usize = 16;
/// A mapping that has grown to this, from half as much or more, gets huge pages if what it was
/// before is filled: it is filled as it grows.
pub(crate) const GROWN_HUGE_PAGES_BYTES_MIN: usize = 32 * 1024 * 1024;

// What blocks hold.

/// So many pages of a block, evenly spread, tell whether it is filled, which it is if all of them
/// have contents...
pub(crate) const LOOKS: usize = 16;
/// ...or sparse, if no more of them have. To clear a page that is not resident takes 1.5
/// microseconds (Linux 6.18, x86-64 virtual machine), to decommit a resident one 0.4.
pub(crate) const LOOKS_FILLED_MAX: usize = 4;
/// Of each page, so many words this far apart are looked at.
pub(crate) const PAGE_LOOKS: usize = 16;
pub(crate) const PAGE_LOOK_BYTES: usize = 256;
/// The least block that is looked at before it is cleared: a look at every fourth page.
pub(crate) const SPARSE_BYTES_MIN: usize = 256 * 1024;

// What traps, and what that may cost.

/// What trapping a freed block costs: the calls, and every 4 KiB. Measured on Linux 6.18 (x86-64
/// virtual machine): 6.5 microseconds for the calls that decommit, trap and untrap; for 4 KiB 0.37
/// to decommit it, and 1.3 to fault it in again.
pub(crate) const FREED_TRAP_NANOSECONDS: (i64, i64) = (6_500, 1_660);
/// As [`FREED_TRAP_NANOSECONDS`], of what is decommitted anyway: the calls that trap and untrap.
pub(crate) const PURGED_TRAP_NANOSECONDS: (i64, i64) = (6_000, 10);
/// Half a hundredth, for each of the two.
pub(crate) const TRAP_NANOSECONDS_PER_MILLISECOND: i64 = 5_000;
/// What 400 milliseconds bring.
pub(crate) const TRAP_NANOSECONDS_MAX: i64 = 400 * TRAP_NANOSECONDS_PER_MILLISECOND;
/// Enough for the first blocks of a process. (Four fifths of what they cost is for those whose
/// memory is used again.)
pub(crate) const TRAP_NANOSECONDS_AT_START: i64 = 500_000;
/// Ranges that are trapped by access rights: each splits off two mappings or so, and a process may
/// have 65,530 (Linux).
pub(crate) const TRAPPED_RANGES_MAX: usize = 1024;
/// How many trapped runs are passed over for one without a trap.
pub(crate) const TRAPPED_LOOK: usize = 8;
/// Free slices behind a small run lose their traps with it, so that a growing heap does not ask the
/// system for each of its spans.
pub(crate) const UNTRAPPED_AHEAD_SLICES: usize = 16;

// Huge pages.

/// A region of this many huge pages loses little when the last one is used in part.
pub(crate) const HUGE_PAGES_BEFORE: usize = 16;
/// Each thread heap is expected to touch so many slices in part: what the first spans of all size
/// classes have. A thread that allocates a block of each size touches a page of each, and with huge
/// pages all of it was resident: 40 such threads took 77 MiB, of which 11 were blocks.
pub(crate) const SPARSE_SLICES_PER_HEAP: usize = 220;
/// A zone that ended begins again below this many empty units.
pub(crate) const HUGE_PAGES_TO_BEGIN: usize = 8;
/// For the sake of huge pages, memory stays resident that was idle for an epoch, if it is less than
/// one part in so many of what is in use...
pub(crate) const IDLE_PART_KEPT: usize = 16;
/// ...and memory that was not, if it is less than so many times of what is in use.
pub(crate) const EXCESS_TIMES_KEPT: usize = 4;

// Address space.

/// The first step of what blocks lie in: enough for most programs, small enough for all.
pub(crate) const DATA_STEP_BYTES: u32 = 512 * 1024;
/// The first step of records, bits and maps: with it a region's near part and map cover 128 MiB.
pub(crate) const METADATA_STEP_BYTES: u32 = 128 * 1024;
/// The largest step, so that little is committed for nothing.
pub(crate) const STEP_BYTES_MAX: usize = 4 * 1024 * 1024;
/// The least a region may reserve.
pub(crate) const REGION_BYTES_MIN: usize = 4 * 1024 * 1024;
/// Of a limited address space, a region reserves this part at most.
pub(crate) const REGION_ADDRESS_SPACE_PART: usize = 8;
/// How many rooms are tried before a region is reserved.
pub(crate) const ROOMS_TRIED: usize = 4;
/// A store reserves room for a million pages, or this part of a limited address space, or less
/// where that is refused.
pub(crate) const STORE_BYTES_MAX: usize = 1 << 32;
pub(crate) const STORE_ADDRESS_SPACE_PART: usize = 64;
/// Zero-size allocations: 131,072 of them, or fewer in a limited address space; further ones get a
/// slot. (All counts as address space, and core dumpers write it out.)
pub(crate) const ZERO_SIZE_RANGE_BYTES_MAX: usize = 1 << 21;
pub(crate) const ZERO_SIZE_RANGE_BYTES_MIN: usize = 1 << 16;
pub(crate) const ZERO_SIZE_ADDRESS_SPACE_PART: usize = 1024;

// Holes.

/// Below this much in free slots of its partial spans, a thread heap digs no holes by time.
pub(crate) const IDLE_FREE_BYTES_MIN: usize = 1024 * 1024;
/// A span that has been idle for an epoch is worth a hole if it has so many pages' bytes in free
/// slots.
pub(crate) const IDLE_PAGES_PER_SPAN_MIN: usize = 2;
/// So many spans are dug at a time, each for a system call or two: a millisecond at most.
pub(crate) const IDLE_SPANS_DUG_MAX: usize = 256;
/// As [`IDLE_SPANS_DUG_MAX`], when a thread ends that served for an epoch or longer: one that
/// filled gibibytes ends as soon.
pub(crate) const LEFT_SPANS_DUG_MAX: usize = 256;
/// A thread to whose bins so many slots came looks at the clock when it ends: where threads have
/// what they need, none may have looked for long.
pub(crate) const SLOTS_PER_LOOK_AT_END: u32 = 128;
/// A fork cuts a trim short, and a trim starts over after so many of them. (The next one may come
/// before the trim is where it was.)
pub(crate) const CUT_SHORT_MAX: usize = 8;

// Threads without a heap.

/// While so many threads have a heap, another one borrows heaps for its first requests. A heap of
/// its own costs a thread with a few blocks of several sizes 20 to 150 KiB, of which it uses a
/// twentieth; with few threads that is little, and nothing is shared.
pub(crate) const ATTACHED_AT_ONCE: usize = 32;
/// So many requests are served from borrowed heaps, each at the cost of taking the pool's lock
/// twice.
pub(crate) const VISITS_MAX: usize = 32;

// How far searches look.

/// So many slices share one bound of how long a run may be: a search in vain looks at 8 words of
/// bits, and passes over 8 MiB with one comparison. (Twice as many, and half as many, took more
/// instructions with 8 GiB of blocks.)
pub(crate) const BOUNDED_SLICES: usize = 512;
/// So many slices in a row belong to one node of memory, where there are several: 64 MiB, twice the
/// longest run.
pub(crate) const STRIPE_SLICES: usize = 4096;

/// Partitions that requests with a token may be divided into: each costs a thread that uses it a
/// part of a heap, and the process a stripe of addresses.
pub(crate) const PARTITIONS_MAX: u8 = 8;
/// A look at the processor's node of memory comes with one fresh span of so many, until a second
/// node was seen.
pub(crate) const SPANS_PER_LOOK_FOR_NODES: u8 = 32;
/// How many pooled heaps are looked at for one of a thread's own node of memory.
pub(crate) const POOLED_HEAPS_LOOKED_AT: usize = 32;
/// How many partial spans a refill compares.
pub(crate) const PARTIAL_SPANS_LOOKED_AT: usize = 4;

/// A program that moves blocks out of sparse spans wants them in full ones: so many partial spans
/// are compared when it asks for that. A span that is taken serves dozens of requests.
pub(crate) const PARTIAL_SPANS_LOOKED_AT_TO_PACK: usize = 64;
/// So many slots are carved at a time where the memory of the span is resident.
pub(crate) const RESIDENT_SLOTS_CARVED: usize = 32;
/// Elsewhere a page for each so many spans of the class...
pub(crate) const SPANS_PER_CARVED_PAGE: usize = 4;
/// ...up to this.
pub(crate) const CARVED_PAGES_MAX: usize = 8;
/// How many lists of remote frees are walked by turns: so many slots come from another processor's
/// cache at a time.
pub(crate) const WALKS_AT_ONCE: usize = 16;
/// How many pooled heaps a refill asks for a span.
pub(crate) const POOLED_HEAPS_ASKED: usize = 4;

// Forks.

/// How long a fork is waited for: it takes 60 microseconds or so in a small process (Linux 6.18),
/// and one that waits itself, for ever.
pub(crate) const FORK_NANOSECONDS: u32 = 1_000_000;
/// As [`FORK_NANOSECONDS`], for whom doing without is dear: a file's blocks of more than 64 MiB.
pub(crate) const LONG_FORK_NANOSECONDS: u32 = 500_000_000;
/// How often, and how long each time, a thread that forks waits for what others will finish in a
/// moment: two seconds in all, should one of them have been thrown out of the allocator by a signal
/// handler.
pub(crate) const FINISH_LOOKS: u32 = 10_000;
pub(crate) const FINISH_NANOSECONDS: u32 = 200_000;
/// How long a thread sleeps that waits for another's look.
pub(crate) const PAUSE_NANOSECONDS: u32 = 50_000;

// The heap profile.

/// Call sites that a profile may have: of 760 bytes each, as far as they are used.
pub(crate) const PROFILE_SITES_MAX: usize = 8192;
/// Sampled blocks that may live at a time: 96 bytes each, as far as they are used. With the default
/// interval they are 64 GiB.
pub(crate) const PROFILE_SAMPLES_MAX: usize = 1 << 17;
/// A heap with a limit has samples while a part in so many of what is left of it would do for a
/// slot, or a slice; and their spans take no larger part of the limit.
pub(crate) const SAMPLES_ROOM_PART: usize = 8;
/// The live bytes of each site are noted down when all of them are by one part in so many above the
/// most that they ever were.
pub(crate) const PEAK_STEP_PART: u64 = 64;
