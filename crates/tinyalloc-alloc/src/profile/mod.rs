//! What is known of sampled blocks: by call site, and of each that lives.

pub(crate) mod estimate;
pub(crate) mod heap_summary;
pub(crate) mod site;
pub(crate) mod tables;

use core::mem::offset_of;
use core::ops::Range;
use core::ptr::NonNull;

use tinyalloc_sys::Mapper;

use site::SiteProfile;
use tables::{LiveBlock, Tables};

/// The profile of a process: a word, so that no process has more of it that has none.
///
/// Invariant V1: `tables`, if there are any, are zeroed memory of the profile's own that stays
/// mapped; the lock of the profile is held for every call.
pub(crate) struct Profile {
    tables: Option<NonNull<Tables>>,
}

// SAFETY: V1.
unsafe impl Send for Profile {}

/// What a profile says beside its sites.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ProfileSummary {
    /// One sample represents about so many bytes; 0 if no block is sampled.
    pub interval: usize,
    /// Call sites.
    pub sites: usize,
    /// Live bytes, estimated.
    pub live_bytes: u64,
    /// The most that they were.
    pub peak_bytes: u64,
    /// Samples that there was no room for, or that a signal handler could not take.
    pub lost_samples: u64,
    /// Frees of sampled blocks that went unnoticed: the blocks seem to live on.
    pub lost_frees: u64,
}

impl Profile {
    /// For debuggers: where the address of the tables is.
    pub(crate) const TABLES_AT: usize = offset_of!(Profile, tables);

    pub(crate) const fn new() -> Profile {
        Profile { tables: None }
    }

    /// Gets the tables; false if there is no memory for them.
    pub(crate) fn begin<M: Mapper>(&mut self, mapper: &M) -> bool {
        if self.tables.is_none() {
            self.tables = new_tables(mapper);
        }
        self.tables.is_some()
    }

    fn tables(&mut self) -> Option<&mut Tables> {
        // SAFETY: V1; zero is a valid state of everything in them.
        self.tables.map(|mut tables| unsafe { tables.as_mut() })
    }

    /// Notes a sampled block down.
    pub(crate) fn add(&mut self, address: usize, block: LiveBlock, callers: &[usize]) {
        if let Some(tables) = self.tables() {
            tables.add(address, block, callers);
        }
    }

    /// A sampled block is freed, by `thread`.
    pub(crate) fn remove(&mut self, address: usize, thread: usize, now_milliseconds: u64) {
        if let Some(tables) = self.tables() {
            let _ = tables.remove(address, thread, now_milliseconds);
        }
    }

    /// The blocks of a heap are freed with it.
    pub(crate) fn remove_heap(&mut self, heap: usize, now_milliseconds: u64) {
        if let Some(tables) = self.tables() {
            tables.remove_heap(heap, now_milliseconds);
        }
    }

    pub(crate) fn lose_sample(&mut self) {
        if let Some(tables) = self.tables() {
            tables.lose_sample();
        }
    }

    pub(crate) fn live_bytes(&mut self) -> u64 {
        self.tables().map_or(0, |tables| tables.live_bytes())
    }

    /// A copy of a site.
    pub(crate) fn site(&mut self, index: usize) -> Option<SiteProfile> {
        self.tables()?.site(index).copied()
    }

    pub(crate) fn live_block(&mut self, index: usize) -> Option<LiveBlock> {
        self.tables()?.live_block(index)
    }

    /// How much of a mapping is the tables'.
    pub(crate) fn bytes_in(&self, mapping: &Range<usize>) -> usize {
        self.tables.map_or(0, |tables| {
            let start = tables.as_ptr().addr();
            (start + size_of::<Tables>()).min(mapping.end).saturating_sub(start.max(mapping.start))
        })
    }

    /// Forgets everything: the child of a fork starts anew, and who asked for that.
    pub(crate) fn clear(&mut self) {
        if let Some(tables) = self.tables() {
            tables.clear();
        }
    }

    /// `lost` are samples and frees that did not get here.
    pub(crate) fn summary(&mut self, interval: usize, lost: (u64, u64)) -> ProfileSummary {
        let known = self.tables().map_or(ProfileSummary::default(), |tables| tables.summary());
        ProfileSummary { interval, lost_samples: known.lost_samples + lost.0, lost_frees: lost.1, ..known }
    }
}

/// Zeroed memory between two pages of nothing: the kernel makes it no part of a mapping of the
/// program's, so that a dump can say whose it is.
fn new_tables<M: Mapper>(mapper: &M) -> Option<NonNull<Tables>> {
    let page_bytes = mapper.page_bytes();
    let bytes = size_of::<Tables>().next_multiple_of(page_bytes);
    let whole = mapper.reserve(bytes + 2 * page_bytes, page_bytes).ok()?;
    // SAFETY: the reservation is longer.
    let start = unsafe { whole.add(page_bytes) };
    // SAFETY: it is reserved, and nothing else is there.
    if unsafe { mapper.commit(start, bytes) }.is_err() {
        // SAFETY: the reservation, of which nothing is used. Refused, it keeps its address space.
        let _ = unsafe { mapper.release(whole, bytes + 2 * page_bytes) };
        return None;
    }
    start.as_ptr().expose_provenance();
    Some(start.cast())
}
