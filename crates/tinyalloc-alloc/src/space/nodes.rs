//! Memory of several nodes (NUMA): whose memory a request gets.

use core::iter::successors;

use tinyalloc_sys::{Mapper, Placement};

use super::Space;
use crate::config::policy::SPANS_PER_LOOK_FOR_NODES;
use crate::config::tunables::NumaPolicy;
use crate::heap::heap_record::HeapRef;
use crate::region::Region;
use crate::region::near::Near;
use crate::region::node::Node;
use crate::region::partition::Partition;
use crate::span::class::SLICE_BYTES;

/// The nodes that threads of this process were seen on. (Which, the regions know.)
#[derive(Clone, Copy, Debug)]
pub(crate) struct Nodes {
    /// The first that was seen: all memory is its until there is another one.
    home: Option<Node>,
    are_several: bool,
    /// Fresh spans so far, up to the next look.
    looks: u8,
}

impl Nodes {
    pub(crate) const fn new() -> Nodes {
        Nodes { home: None, are_several: false, looks: 0 }
    }
}

/// What regions hold for one node. Bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NodeStats {
    /// The number of the node, as the system counts.
    pub node: u32,
    /// In spans and large blocks.
    pub used: usize,
    /// Free and not decommitted.
    pub resident_free: usize,
}

impl Space {
    pub(crate) fn are_nodes_several(&self) -> bool {
        self.nodes.are_several
    }

    /// Where memory for a heap may lie that the calling thread wants.
    pub(crate) fn near<M: Mapper>(&mut self, mapper: &M, heap: Option<HeapRef>) -> Near {
        let partition = heap.map_or(Partition::NONE, |heap| heap.partition());
        self.near_by_nodes(mapper, heap).of_partition(partition)
    }

    fn near_by_nodes<M: Mapper>(&mut self, mapper: &M, heap: Option<HeapRef>) -> Near {
        match heap.and_then(|heap| heap.node()) {
            Some(node) => self.near_node(mapper, Node::of(node)),
            None if self.nodes.are_several => self.look_for_nodes(mapper),
            // Where one node was seen, the processor is asked once in many spans.
            None => {
                self.nodes.looks = (self.nodes.looks + 1) % SPANS_PER_LOOK_FOR_NODES;
                if self.nodes.looks == 0 { self.look_for_nodes(mapper) } else { Near::ANYWHERE }
            }
        }
    }

    /// Where memory may lie that the calling thread wants.
    pub(crate) fn look_for_nodes<M: Mapper>(&mut self, mapper: &M) -> Near {
        if self.tunables.numa == NumaPolicy::Auto { self.near_node(mapper, Node::of(mapper.node())) } else { Near::ANYWHERE }
    }

    fn near_node<M: Mapper>(&mut self, mapper: &M, node: Node) -> Near {
        let home = *self.nodes.home.get_or_insert(node);
        if node != home && !self.nodes.are_several && self.tunables.numa != NumaPolicy::Interleave {
            self.tell_nodes_apart(mapper, home);
        }
        if self.nodes.are_several { Near::ANYWHERE.on_node(node) } else { Near::ANYWHERE }
    }

    fn tell_nodes_apart<M: Mapper>(&mut self, mapper: &M, home: Node) {
        self.nodes.are_several = self.regions.iter().filter(|region| region.tell_nodes_apart(mapper, home)).count() > 0;
        if self.nodes.are_several {
            successors(self.heaps, |heap| heap.next_heap()).for_each(|heap| heap.settle_at_home(home));
        }
    }

    /// A node that a heap wants: its pages come from there, whichever thread touches them first.
    /// False if the process may not use it, and where regions are too small.
    pub(crate) fn want_node<M: Mapper>(&mut self, mapper: &M, node: u32) -> bool {
        let allowed = mapper.nodes();
        if 1_u64.checked_shl(node).is_none_or(|bit| allowed & bit == 0) {
            return false;
        }
        if allowed.count_ones() > 1 && self.tunables.numa != NumaPolicy::Interleave {
            let home = *self.nodes.home.get_or_insert(Node::of(mapper.node()));
            self.tell_nodes_apart(mapper, home);
            self.regions.iter().for_each(|region| region.place_node(mapper, Node::of(node)));
            return self.nodes.are_several;
        }
        true
    }

    /// A region is new: what holds for the others holds for it.
    pub(super) fn follow_owners<M: Mapper>(&self, mapper: &M, region: &Region) {
        if self.are_partitioned {
            region.own_stripes(mapper, true);
        }
        if self.tunables.numa == NumaPolicy::Interleave {
            return region.interleave(mapper);
        }
        let Some(home) = self.nodes.home.filter(|_| self.nodes.are_several) else {
            return;
        };
        if region.tell_nodes_apart(mapper, home) {
            let placed = self.regions.iter().fold(0, |placed, region| placed | region.placed_nodes());
            nodes_in(placed).for_each(|node| region.place_node(mapper, node));
        }
    }

    /// Where the pages of a mapping for a heap are to come from, if not from the node that touches
    /// them first.
    pub(crate) fn placement(&self, heap: Option<HeapRef>) -> Option<Placement> {
        match heap.and_then(|heap| heap.node()) {
            Some(node) => Some(Placement::Node(node)),
            None if self.tunables.numa == NumaPolicy::Interleave => Some(Placement::Interleaved),
            None => None,
        }
    }

    /// What regions hold for a node; `None` if no thread was seen there.
    #[inline(never)]
    pub(crate) fn node_stats(&self, node: u32) -> Option<NodeStats> {
        let is_home = node == self.nodes.home.map_or(0, Node::number);
        let mut stats = None;
        for region in self.regions.iter() {
            if let Some([used, resident_free]) = region.slices_of(Node::of(node), is_home) {
                let stats = stats.get_or_insert(NodeStats { node, used: 0, resident_free: 0 });
                stats.used += used * SLICE_BYTES;
                stats.resident_free += resident_free * SLICE_BYTES;
            }
        }
        stats
    }
}

fn nodes_in(bits: u64) -> impl Iterator<Item = Node> {
    (0..u64::BITS).map(Node::of).filter(move |node| bits & node.bit() != 0)
}
