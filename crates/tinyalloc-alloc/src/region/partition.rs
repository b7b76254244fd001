//! Partitions: addresses that serve the blocks of some types alone, for good.

/// A partition by number, from 1 on; 0 is what belongs to none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Partition(u8);

impl Partition {
    pub(crate) const NONE: Partition = Partition(0);

    pub(crate) const fn of(number: u8) -> Partition {
        Partition(number)
    }

    pub(crate) const fn number(self) -> u8 {
        self.0
    }
}
