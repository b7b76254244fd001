//! The tables of a profile: sites by their callers, live samples by their address. Both are filled
//! from the beginning, so that what is not used of them is never touched.

use core::mem::offset_of;

use super::ProfileSummary;
use super::estimate::Estimate;
use super::site::{CALLERS_MAX, LIFETIMES, SiteProfile};
use crate::config::policy::{PEAK_STEP_PART, PROFILE_SAMPLES_MAX, PROFILE_SITES_MAX};
use crate::support::fields::{Field, fields};
use crate::support::random::mixed;

const SITE_LISTS: usize = 1 << 12;
const SAMPLE_LISTS: usize = 1 << 13;

/// A sampled block that lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LiveBlock {
    /// The number of its call site.
    pub site: usize,
    /// Bytes of its slot; 0 for a place where no sample is.
    pub bytes: usize,
    /// Bytes of all blocks that it represents, estimated.
    pub represents: u64,
    /// Bytes that were asked for.
    pub requested: usize,
    /// The alignment that was asked for; 1 if none was.
    pub align: usize,
    /// The isolated heap that it is in, by the number that no other one has; 0 for the global one.
    pub heap: usize,
    /// Where it would be if it were not sampled; 0 for a large block, which is in its place.
    pub origin: usize,
    /// Bytes of the span there.
    pub span_bytes: usize,
    /// The thread that allocated it.
    pub thread: usize,
    /// When, in milliseconds of the allocator's clock.
    pub made_at: u64,
}

/// A sample in its list. Numbers of entries are one more than their place; 0 ends a list.
#[derive(Clone, Copy)]
struct SampleEntry {
    address: usize,
    block: LiveBlock,
    next: u32,
}

/// A site in its list.
struct SiteEntry {
    site: SiteProfile,
    hash: u64,
    next: u32,
}

/// All zero at first.
#[repr(C)]
pub(crate) struct Tables {
    live_bytes: u64,
    peak_bytes: u64,
    /// Live bytes when those of each site were noted down as the peak.
    noted_bytes: u64,
    lost_samples: u64,
    site_count: u32,
    sample_count: u32,
    free_samples: u32,
    site_lists: [u32; SITE_LISTS],
    sample_lists: [u32; SAMPLE_LISTS],
    sites: [SiteEntry; PROFILE_SITES_MAX],
    samples: [SampleEntry; PROFILE_SAMPLES_MAX],
}

/// For debuggers. Samples begin where sites end, too far away for a number.
impl Tables {
    pub(crate) const FIELDS: &'static [Field] = fields!("tables", Tables: sample_count sites);
    pub(crate) const NUMBERS: &'static [Field] = &[
        ("tables.sites_max", PROFILE_SITES_MAX),
        ("site.size", size_of::<SiteEntry>()),
        ("site.callers", offset_of!(SiteEntry, site) + SiteProfile::CALLERS_AT),
        ("site.callers_max", CALLERS_MAX),
        ("sample.size", size_of::<SampleEntry>()),
    ];
    pub(crate) const OF_SAMPLES: &'static [Field] = &[
        ("sample.address", offset_of!(SampleEntry, address)),
        ("sample.site", offset_of!(SampleEntry, block.site)),
        ("sample.bytes", offset_of!(SampleEntry, block.bytes)),
        ("sample.represents", offset_of!(SampleEntry, block.represents)),
        ("sample.requested", offset_of!(SampleEntry, block.requested)),
        ("sample.align", offset_of!(SampleEntry, block.align)),
        ("sample.thread", offset_of!(SampleEntry, block.thread)),
        ("sample.made_at", offset_of!(SampleEntry, block.made_at)),
    ];
}

const _: () = assert!(offset_of!(Tables, samples) == offset_of!(Tables, sites) + PROFILE_SITES_MAX * size_of::<SiteEntry>());

impl Tables {
    pub(super) const fn live_bytes(&self) -> u64 {
        self.live_bytes
    }

    /// What the tables know of it.
    pub(super) fn summary(&self) -> ProfileSummary {
        let (live_bytes, peak_bytes, lost_samples) = (self.live_bytes, self.peak_bytes, self.lost_samples);
        ProfileSummary { sites: self.sites(), live_bytes, peak_bytes, lost_samples, ..ProfileSummary::default() }
    }

    pub(super) const fn lose_sample(&mut self) {
        self.lost_samples += 1;
    }

    fn sites(&self) -> usize {
        self.site_count as usize
    }

    pub(super) fn site(&self, index: usize) -> Option<&SiteProfile> {
        self.sites.get(..self.sites())?.get(index).map(|entry| &entry.site)
    }

    /// A live sample; one that is not has no bytes. `None` beyond the last.
    pub(super) fn live_block(&self, index: usize) -> Option<LiveBlock> {
        self.samples.get(..self.sample_count as usize)?.get(index).map(|entry| entry.block)
    }

    /// Notes a sample down, or that it is lost: there is no room.
    pub(super) fn add(&mut self, address: usize, block: LiveBlock, callers: &[usize]) {
        if self.list_sample(address, block, callers).is_none() {
            return self.lose_sample();
        }
        self.live_bytes += block.represents;
        self.peak_bytes = self.peak_bytes.max(self.live_bytes);
        if self.live_bytes > self.noted_bytes + self.noted_bytes / PEAK_STEP_PART {
            self.noted_bytes = self.live_bytes;
            self.note_peak();
        }
    }

    fn list_sample(&mut self, address: usize, block: LiveBlock, callers: &[usize]) -> Option<()> {
        // Its free went unnoticed, or another block would not be there.
        let _ = self.remove(address, block.thread, block.made_at);
        let site = self.site_of(callers)?;
        let number = self.free_sample()?;
        let block = LiveBlock { site: site as usize - 1, ..block };
        let list = list_of(address);
        let entry = SampleEntry { address, block, next: *self.sample_lists.get(list)? };
        *self.samples.get_mut(number as usize - 1)? = entry;
        *self.sample_lists.get_mut(list)? = number;
        let site = &mut self.sites.get_mut(block.site)?.site;
        let estimate = Estimate::known(block.bytes, block.represents);
        site.live.add(block.bytes, estimate);
        site.total.add(block.bytes, estimate);
        Some(())
    }

    /// The block of a sample was freed; `None` if none is known there.
    pub(super) fn remove(&mut self, address: usize, thread: usize, now: u64) -> Option<()> {
        let list = list_of(address);
        let (mut before, mut number) = (None, *self.sample_lists.get(list)?);
        let entry = loop {
            let entry = *self.samples.get((number as usize).checked_sub(1)?)?;
            if entry.address == address {
                break entry;
            }
            before = Some(number);
            number = entry.next;
        };
        match before {
            Some(before) => self.samples.get_mut(before as usize - 1)?.next = entry.next,
            None => *self.sample_lists.get_mut(list)? = entry.next,
        }
        let freed = self.samples.get_mut(number as usize - 1)?;
        (freed.next, freed.block.bytes) = (self.free_samples, 0);
        self.free_samples = number;
        let site = &mut self.sites.get_mut(entry.block.site)?.site;
        site.live.subtract(entry.block.bytes, Estimate::known(entry.block.bytes, entry.block.represents));
        site.freed_elsewhere += u64::from(entry.block.thread != thread);
        let lived = u64::BITS - now.saturating_sub(entry.block.made_at).leading_zeros();
        if let Some(lifetime) = site.lifetimes.get_mut((lived as usize).min(LIFETIMES - 1)) {
            *lifetime += 1;
        }
        self.live_bytes = self.live_bytes.saturating_sub(entry.block.represents);
        Some(())
    }

    /// The blocks of a heap end with it.
    pub(super) fn remove_heap(&mut self, heap: usize, now: u64) {
        for index in 0..self.sample_count as usize {
            if let Some(SampleEntry { address, block, .. }) = self.samples.get(index).copied() {
                if block.heap == heap && block.bytes > 0 {
                    let _ = self.remove(address, block.thread, now);
                }
            }
        }
    }

    fn free_sample(&mut self) -> Option<u32> {
        if self.free_samples > 0 {
            let number = self.free_samples;
            self.free_samples = self.samples.get(number as usize - 1)?.next;
            return Some(number);
        }
        if self.sample_count as usize == PROFILE_SAMPLES_MAX {
            return None;
        }
        self.sample_count += 1;
        Some(self.sample_count)
    }

    /// The number of the site with these callers, a new one if need be.
    fn site_of(&mut self, callers: &[usize]) -> Option<u32> {
        let end = callers.iter().position(|caller| *caller == 0).unwrap_or(callers.len());
        let callers = callers.get(..end)?;
        let hash = callers.iter().fold(0, |hash, caller| mixed(hash ^ *caller as u64));
        let list = hash_list(hash, SITE_LISTS);
        let mut number = *self.site_lists.get(list)?;
        while number > 0 {
            let entry = self.sites.get(number as usize - 1)?;
            if entry.hash == hash && entry.site.callers() == callers {
                return Some(number);
            }
            number = entry.next;
        }
        if self.sites() == PROFILE_SITES_MAX {
            return None;
        }
        let entry = self.sites.get_mut(self.site_count as usize)?;
        *entry = SiteEntry { site: SiteProfile::new(callers), hash, next: *self.site_lists.get(list)? };
        self.site_count += 1;
        *self.site_lists.get_mut(list)? = self.site_count;
        Some(self.site_count)
    }

    /// What lives is the most that ever did.
    fn note_peak(&mut self) {
        let sites = self.sites();
        self.sites.iter_mut().take(sites).for_each(|entry| entry.site.peak = entry.site.live);
    }

    pub(super) fn clear(&mut self) {
        self.site_lists.fill(0);
        self.sample_lists.fill(0);
        (self.site_count, self.sample_count, self.free_samples) = (0, 0, 0);
        (self.live_bytes, self.peak_bytes, self.noted_bytes, self.lost_samples) = (0, 0, 0, 0);
    }
}

fn list_of(address: usize) -> usize {
    hash_list(mixed(address as u64), SAMPLE_LISTS)
}

/// One of so many lists, a power of two.
#[expect(clippy::cast_possible_truncation, reason = "any part of a hash is one")]
const fn hash_list(hash: u64, lists: usize) -> usize {
    hash as usize & (lists - 1)
}

#[cfg(test)]
mod tests {
    use super::{SampleEntry, SiteEntry};

    /// docs/PROFILING.md says how large they are.
    #[test]
    fn a_call_site_and_a_sample_take_so_many_bytes() {
        assert_eq!((size_of::<SiteEntry>(), size_of::<SampleEntry>()), (760, 96));
    }
}
