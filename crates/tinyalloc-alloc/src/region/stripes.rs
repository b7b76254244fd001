//! Memory of several nodes (NUMA): which node each stripe of a region belongs to.
//!
//! Threads on one node get slices of that node's stripes, so that what they touch first lies there,
//! and stays there when it is freed and taken again. A stripe gets its node when the region first
//! grows into it; where the machine has one node, there is no table. No run crosses the border of a
//! stripe once there is one.

use core::cell::Cell;
use core::ops::Range;
use core::ptr::NonNull;

use tinyalloc_sys::{Mapper, Placement};

use super::Region;
use super::run_bounds::Searched;
use super::slice::SliceIndex;
use crate::config::names::MappingName;
use crate::config::policy::STRIPE_SLICES;
use crate::span::class::SLICE_BYTES;

/// A node of memory by number; those beyond the last are one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Node(u8);

impl Node {
    /// The last: an entry of the table has one number more, for no node.
    pub(crate) const LAST: Node = Node(u8::MAX - 1);

    pub(crate) fn of(number: u32) -> Node {
        u8::try_from(number).map_or(Node::LAST, |number| Node(number.min(Node::LAST.0)))
    }

    pub(crate) fn number(self) -> u32 {
        self.0.into()
    }

    /// Its bit, if it is one of the first 64: the others cannot be asked for.
    pub(crate) fn bit(self) -> u64 {
        1_u64.checked_shl(self.number()).unwrap_or(0)
    }
}

/// Where a run may lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Near {
    Anywhere,
    Node(Node),
}

/// Invariant R7: mapped as long as the region is, and changed under the lock of the space.
#[repr(C)]
pub(super) struct Stripes {
    /// Pages come from all nodes by turns: stripes are no node's.
    is_interleaved: Cell<bool>,
    /// The nodes whose stripes the system has to place, a bit each.
    placed: Cell<u64>,
    /// A number more than the node has; 0 for none, which is what the table begins with.
    nodes: [Cell<u8>; STRIPES_MAX],
}

const TABLE_BYTES: usize = 16 * 1024;
/// What lies beyond is no node's.
const STRIPES_MAX: usize = TABLE_BYTES - 2 * size_of::<u64>();
/// In a region with fewer stripes, nodes are not told apart.
const STRIPES_LEAST: usize = 8;
const _: () = assert!(size_of::<Stripes>() == TABLE_BYTES);

impl Stripes {
    fn node(&self, stripe: usize) -> Option<Node> {
        let number = self.nodes.get(stripe)?.get();
        number.checked_sub(1).map(Node)
    }

    fn set_node(&self, stripe: usize, node: Node) {
        if let Some(entry) = self.nodes.get(stripe) {
            entry.set(node.0 + 1);
        }
    }
}

impl Region {
    fn stripes(&self) -> Option<&Stripes> {
        // SAFETY: R7.
        self.stripes.get().map(|stripes| unsafe { stripes.as_ref() })
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

    /// From here on, stripes belong to nodes: those that there are to `node`. False in a region
    /// that is too small for that, and without memory for the table.
    pub(crate) fn tell_nodes_apart<M: Mapper>(&self, mapper: &M, node: Node) -> bool {
        if self.stripes.get().is_some() {
            return true;
        }
        if self.slices.bytes() < STRIPES_LEAST * STRIPE_SLICES * SLICE_BYTES || !self.make_stripes(mapper) {
            return false;
        }
        let committed = self.committed_slices();
        if let Some(stripes) = self.stripes() {
            (0..committed.div_ceil(STRIPE_SLICES)).for_each(|stripe| stripes.set_node(stripe, node));
        }
        // Bounds are of runs that end at the borders of stripes from now on (R5).
        self.forget_bounds(Searched::Free, &(0..committed));
        self.forget_bounds(Searched::Resident, &(0..committed));
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
            let border = borders(stripe);
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
        match (self.stripes(), near) {
            (None, _) | (_, Near::Anywhere) => true,
            (Some(stripes), _) if stripes.is_interleaved.get() => true,
            (Some(stripes), Near::Node(node)) => stripes.node(slice / STRIPE_SLICES) == Some(node),
        }
    }

    /// What no run that has the slice goes beyond.
    pub(super) fn fence(&self, slice: usize) -> Range<usize> {
        match self.stripes() {
            Some(stripes) if !stripes.is_interleaved.get() => borders(slice / STRIPE_SLICES),
            _ => 0..usize::MAX,
        }
    }

    /// The first place at or above `first`, beyond which all is free, for a run that is to lie
    /// near.
    pub(super) fn place_at_the_end(&self, mut first: usize, slices: usize, near: Near) -> usize {
        loop {
            let fence = self.fence(first);
            let is_no_nodes = || self.stripes().is_some_and(|stripes| stripes.node(first / STRIPE_SLICES).is_none());
            if fence.end == usize::MAX || (slices <= fence.end - first && (self.is_near(first, near) || is_no_nodes())) {
                return first;
            }
            if slices > STRIPE_SLICES {
                return first;
            }
            first = fence.end;
        }
    }

    /// A stripe that was no node's belongs to the node of the first run in it.
    pub(super) fn take_stripe<M: Mapper>(&self, mapper: &M, slice: usize, near: Near) {
        if let (Some(stripes), Near::Node(node)) = (self.stripes(), near) {
            if !stripes.is_interleaved.get() && stripes.node(slice / STRIPE_SLICES).is_none() {
                let stripe = slice / STRIPE_SLICES;
                stripes.set_node(stripe, node);
                // Its begin may have been committed when it was no node's.
                self.place_new(mapper, borders(stripe).start..borders(stripe).end.min(self.committed_slices()), None);
            }
        }
    }

    /// The slices in use, and those that are free and resident, of a node's stripes; `None` if it
    /// has none. Without a table, all are of the first node.
    #[inline(never)]
    pub(crate) fn slices_of(&self, node: Node, is_first: bool) -> Option<[usize; 2]> {
        let Some(stripes) = self.stripes().filter(|stripes| !stripes.is_interleaved.get()) else {
            return is_first.then(|| [self.used_slices.get(), self.resident_slices.get()]);
        };
        let (committed, mut counts) = (self.committed_slices(), None);
        for stripe in 0..committed.div_ceil(STRIPE_SLICES) {
            if stripes.node(stripe) != Some(node) {
                continue;
            }
            let [used, resident] = counts.get_or_insert([0, 0]);
            for (bits, within) in self.words_of(borders(stripe).start..borders(stripe).end.min(committed)) {
                *used += (bits.used().get() & within).count_ones() as usize;
                *resident += (bits.resident().get() & within).count_ones() as usize;
            }
        }
        counts
    }
}

fn borders(stripe: usize) -> Range<usize> {
    stripe * STRIPE_SLICES..(stripe + 1) * STRIPE_SLICES
}
