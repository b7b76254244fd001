//! Whose memory the slices of a region are: which node of memory (NUMA), and which partition, each
//! stripe of it belongs to.
//!
//! Threads on one node get slices of that node's stripes, so that what they touch first lies there,
//! and stays there when it is freed and taken again. Blocks of a partition get slices of that
//! partition's stripes, and no other block ever does. A stripe gets its owner when the region first
//! grows into it; where the machine has one node, and a program no partitions, there is no table.
//! No run crosses the border of a stripe once stripes have owners.

use core::cell::Cell;
use core::ops::Range;
use core::ptr::NonNull;

use tinyalloc_sys::{Mapper, Placement};

use super::Region;
use super::near::Near;
use super::node::Node;
use super::partition::Partition;
use super::run_bounds::Searched;
use super::slice::SliceIndex;
use crate::config::names::MappingName;
use crate::config::policy::STRIPE_SLICES;
use crate::span::class::SLICE_BYTES;

/// Beyond all slices: where no run is.
const NOWHERE: usize = usize::MAX / 2;

/// Whose a stripe is; each number is one more than that of whom it names, 0 for none.
#[repr(C)]
struct Owner {
    partition: Cell<u8>,
    node: Cell<u8>,
}

impl Owner {
    fn node(&self) -> Option<Node> {
        self.node.get().checked_sub(1).map(|number| Node::of(number.into()))
    }

    fn set_node(&self, node: Node) {
        self.node.set(node.stored() + 1);
    }

    fn set_partition(&self, partition: Partition) {
        self.partition.set(partition.number() + 1);
    }

    fn is_none(&self) -> bool {
        self.partition.get() == 0
    }
}

/// Invariant R7: mapped as long as the region is, and changed under the lock of the space.
#[repr(C)]
pub(super) struct Stripes {
    /// Stripes have owners. (Without, the table says that pages are interleaved.)
    are_owned: Cell<bool>,
    /// Owners are nodes, too.
    have_nodes: Cell<bool>,
    /// The region is too small for several: it is one stripe, whatever the node.
    is_one: Cell<bool>,
    /// Pages come from all nodes by turns: stripes are no node's.
    is_interleaved: Cell<bool>,
    /// The nodes whose stripes the system has to place, a bit each.
    placed: Cell<u64>,
    /// Zero is what the table begins with: no owner.
    owners: [Owner; STRIPES_MAX],
}

const TABLE_BYTES: usize = size_of::<Stripes>();
/// A tebibyte. What lies beyond has no owner, and no use, once stripes have owners.
const STRIPES_MAX: usize = 1 << 14;
/// In a region with fewer stripes, nodes are not told apart.
const STRIPES_LEAST: usize = 8;

impl Stripes {
    fn of(&self, slice: usize) -> usize {
        if self.is_one.get() { 0 } else { slice / STRIPE_SLICES }
    }

    fn borders(&self, stripe: usize) -> Range<usize> {
        if self.is_one.get() { 0..usize::MAX } else { stripe * STRIPE_SLICES..(stripe + 1) * STRIPE_SLICES }
    }

    fn node(&self, stripe: usize) -> Option<Node> {
        self.owners.get(stripe)?.node()
    }

    /// The owners of so many slices.
    fn owners_of(&self, slices: usize) -> &[Owner] {
        let stripes = slices.checked_sub(1).map_or(0, |last| self.of(last) + 1);
        self.owners.get(..stripes).unwrap_or(&self.owners)
    }

    /// Whether a stripe is theirs for whom a run is wanted.
    fn admits(&self, stripe: usize, near: Near) -> bool {
        let is_theirs = |owner: &Owner| {
            owner.partition.get() == near.partition().number() + 1
                && (self.is_one.get() || near.node().is_none_or(|node| owner.node() == Some(node)))
        };
        self.owners.get(stripe).is_some_and(is_theirs)
    }
}

impl Region {
    fn stripes(&self) -> Option<&Stripes> {
        // SAFETY: R7.
        self.stripes.get().map(|stripes| unsafe { stripes.as_ref() })
    }

    fn owned_stripes(&self) -> Option<&Stripes> {
        self.stripes().filter(|stripes| stripes.are_owned.get())
    }

    /// Maps the table; false where there is no memory for it.
    fn make_stripes<M: Mapper>(&self, mapper: &M) -> bool {
        if self.stripes.get().is_none() {
            let bytes = mapper.page_ceiling(TABLE_BYTES);
            let table = mapper.map(bytes, mapper.page_bytes()).ok();
            self.stripes.set(table.map(|table| {
                MappingName::Metadata.give(mapper, table, bytes);
                table.cast()
            }));
        }
        self.stripes.get().is_some()
    }

    /// The table, as a mapping of its own.
    pub(crate) fn table<M: Mapper>(&self, mapper: &M) -> Option<(NonNull<u8>, usize)> {
        self.stripes.get().map(|table| (table.cast(), mapper.page_ceiling(TABLE_BYTES)))
    }

    fn is_one_stripe(&self) -> bool {
        self.slices.bytes() < STRIPES_LEAST * STRIPE_SLICES * SLICE_BYTES
    }

    /// From here on, stripes have owners: those that there are belong to no partition, unless the
    /// region is new. Without memory for the table, all that the region ever has belongs to none.
    pub(crate) fn own_stripes<M: Mapper>(&self, mapper: &M, is_new: bool) {
        if !self.make_stripes(mapper) {
            return;
        }
        let Some(stripes) = self.stripes().filter(|stripes| !stripes.are_owned.replace(true)) else {
            return;
        };
        stripes.is_one.set(self.is_one_stripe());
        let committed = self.committed_slices();
        if !is_new {
            stripes.owners_of(committed).iter().for_each(|owner| owner.set_partition(Partition::NONE));
        }
        // Bounds are of runs that end at the borders of stripes from now on (R5).
        self.forget_bounds(Searched::Free, &(0..committed));
        self.forget_bounds(Searched::Resident, &(0..committed));
    }

    /// From here on, stripes belong to nodes: those that there are to `node`. False in a region
    /// that is too small for that, and without memory for the table.
    pub(crate) fn tell_nodes_apart<M: Mapper>(&self, mapper: &M, node: Node) -> bool {
        if self.is_one_stripe() {
            return false;
        }
        self.own_stripes(mapper, false);
        let Some(stripes) = self.owned_stripes() else {
            return false;
        };
        if !stripes.have_nodes.replace(true) {
            let owners = stripes.owners_of(self.committed_slices()).iter();
            owners.filter(|owner| !owner.is_none()).for_each(|owner| owner.set_node(node));
        }
        true
    }

    /// From here on, pages come from all nodes by turns.
    pub(crate) fn interleave<M: Mapper>(&self, mapper: &M) {
        if self.make_stripes(mapper) {
            if let Some(stripes) = self.stripes() {
                stripes.is_interleaved.set(true);
                self.place(mapper, 0..self.committed_slices(), Placement::Interleaved);
            }
        }
    }

    /// The system has to place a node's stripes, those that there are and those to come, so that
    /// their pages are the node's whichever thread touches them first.
    pub(crate) fn place_node<M: Mapper>(&self, mapper: &M, node: Node) {
        let Some(stripes) = self.stripes() else {
            return;
        };
        if stripes.placed.get() & node.bit() != node.bit() {
            stripes.placed.set(stripes.placed.get() | node.bit());
            self.place_new(mapper, 0..self.committed_slices(), Some(node));
        }
    }

    /// The nodes whose stripes the system has to place, a bit each.
    pub(crate) fn placed_nodes(&self) -> u64 {
        self.stripes().map_or(0, |stripes| stripes.placed.get())
    }

    /// Slices were committed: tells the system whose they are, as far as it is to know; all of
    /// them, or one node's.
    #[inline(never)]
    pub(super) fn place_new<M: Mapper>(&self, mapper: &M, slices: Range<usize>, only: Option<Node>) {
        let Some(stripes) = self.stripes() else {
            return;
        };
        if stripes.is_interleaved.get() {
            return self.place(mapper, slices, Placement::Interleaved);
        }
        if stripes.placed.get() == 0 {
            return;
        }
        for stripe in slices.start / STRIPE_SLICES..slices.end.div_ceil(STRIPE_SLICES) {
            let border = stripes.borders(stripe);
            let part = border.start.max(slices.start)..border.end.min(slices.end);
            let node = stripes.node(stripe).filter(|node| only.is_none_or(|only| only == *node));
            if let Some(node) = node.filter(|node| stripes.placed.get() & node.bit() != 0) {
                self.place(mapper, part, Placement::Node(node.number()));
            }
        }
    }

    /// Advice: where it is refused, pages come from the node that touches them first.
    #[inline(never)]
    fn place<M: Mapper>(&self, mapper: &M, slices: Range<usize>, placement: Placement) {
        if slices.is_empty() {
            return;
        }
        // SAFETY: the slices are committed.
        let first = self.start_of(unsafe { SliceIndex::new(slices.start) });
        let page_bytes = mapper.page_bytes();
        let bytes = slices.len() * SLICE_BYTES;
        if (first.as_ptr().addr() | bytes) & (page_bytes - 1) == 0 {
            // SAFETY: as above.
            let _ = unsafe { mapper.place(first, bytes, placement) };
        }
    }

    /// Whether runs may be taken there.
    pub(super) fn is_near(&self, slice: usize, near: Near) -> bool {
        match self.owned_stripes() {
            None => near.partition() == Partition::NONE,
            Some(stripes) => stripes.admits(stripes.of(slice), near),
        }
    }

    /// What no run that has the slice goes beyond.
    pub(super) fn fence(&self, slice: usize) -> Range<usize> {
        self.owned_stripes().map_or(0..usize::MAX, |stripes| stripes.borders(stripes.of(slice)))
    }

    /// The first place at or above `first`, beyond which all is free, for a run that is to lie
    /// near.
    pub(super) fn place_at_the_end(&self, mut first: usize, slices: usize, near: Near) -> usize {
        let Some(stripes) = self.owned_stripes() else {
            return if near.partition() == Partition::NONE { first } else { NOWHERE };
        };
        while let Some(owner) = stripes.owners.get(stripes.of(first)) {
            let fence = stripes.borders(stripes.of(first));
            if slices <= fence.end - first && (owner.is_none() || stripes.admits(stripes.of(first), near)) {
                return first;
            }
            if slices > STRIPE_SLICES || stripes.is_one.get() {
                break;
            }
            first = fence.end;
        }
        NOWHERE
    }

    /// A stripe without an owner belongs to those who have the first run in it.
    pub(super) fn take_stripe<M: Mapper>(&self, mapper: &M, slice: usize, near: Near) {
        let Some(stripes) = self.owned_stripes() else {
            return;
        };
        let stripe = stripes.of(slice);
        let Some(owner) = stripes.owners.get(stripe).filter(|owner| owner.is_none()) else {
            return;
        };
        owner.set_partition(near.partition());
        if let Some(node) = near.node() {
            owner.set_node(node);
            // Its begin may have been committed when it was no node's.
            self.place_new(mapper, stripes.borders(stripe).start..stripes.borders(stripe).end.min(self.committed_slices()), None);
        }
    }

    /// The slices in use, and those that are free and resident, of a node's stripes; `None` if it
    /// has none. Without a table, all are of the first node.
    #[inline(never)]
    pub(crate) fn slices_of(&self, node: Node, is_first: bool) -> Option<[usize; 2]> {
        let Some(stripes) = self.stripes().filter(|stripes| stripes.have_nodes.get()) else {
            return is_first.then(|| [self.used_slices.get(), self.resident_slices.get()]);
        };
        let (committed, mut counts) = (self.committed_slices(), None);
        for stripe in 0..committed.div_ceil(STRIPE_SLICES) {
            if stripes.node(stripe) != Some(node) {
                continue;
            }
            let [used, resident] = counts.get_or_insert([0, 0]);
            for (bits, within) in self.words_of(stripes.borders(stripe).start..stripes.borders(stripe).end.min(committed)) {
                *used += (bits.used().get() & within).count_ones() as usize;
                *resident += (bits.resident().get() & within).count_ones() as usize;
            }
        }
        counts
    }
}
