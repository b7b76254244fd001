//! Nodes of memory (NUMA).

/// A node of memory by number; those beyond the last are one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Node(u8);

impl Node {
    /// The last: the tables of regions have one number more, for no node.
    pub(crate) const LAST: Node = Node(u8::MAX - 1);

    pub(crate) fn of(number: u32) -> Node {
        u8::try_from(number).map_or(Node::LAST, |number| Node(number.min(Node::LAST.0)))
    }

    pub(crate) fn number(self) -> u32 {
        self.0.into()
    }

    /// The number as it is stored.
    pub(super) const fn stored(self) -> u8 {
        self.0
    }

    /// Its bit, if it is one of the first 64: the others cannot be asked for.
    pub(crate) fn bit(self) -> u64 {
        1_u64.checked_shl(self.number()).unwrap_or(0)
    }
}
