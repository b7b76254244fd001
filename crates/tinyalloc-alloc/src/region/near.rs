//! Where a run may lie: whose memory it is to be.

use super::node::Node;
use super::partition::Partition;

/// Where a run may lie: in memory of one partition, and of one node or whichever.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Near {
    node: Option<Node>,
    partition: Partition,
}

impl Near {
    /// In memory of no partition.
    pub(crate) const ANYWHERE: Near = Near { node: None, partition: Partition::NONE };

    pub(crate) const fn node(self) -> Option<Node> {
        self.node
    }

    pub(crate) const fn partition(self) -> Partition {
        self.partition
    }

    pub(crate) const fn on_node(self, node: Node) -> Near {
        Near { node: Some(node), ..self }
    }

    pub(crate) const fn on_any_node(self) -> Near {
        Near { node: None, ..self }
    }

    pub(crate) const fn of_partition(self, partition: Partition) -> Near {
        Near { partition, ..self }
    }
}
