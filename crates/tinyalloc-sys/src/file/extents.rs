//! Which addresses show which bytes of the file.

use super::table::Table;
use crate::mapper::MapError;

/// Addresses from `start` to `end` show the bytes of the file from `offset` on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Extent {
    start: usize,
    end: usize,
    offset: usize,
}

impl Extent {
    pub(super) const fn new(start: usize, bytes: usize, offset: usize) -> Extent {
        Extent { start, end: start + bytes, offset }
    }

    pub(super) const fn start(&self) -> usize {
        self.start
    }

    pub(super) const fn end(&self) -> usize {
        self.end
    }

    pub(super) const fn offset(&self) -> usize {
        self.offset
    }

    pub(super) const fn bytes(&self) -> usize {
        self.end - self.start
    }

    /// The part of it between two addresses; an extent of nothing, if there is none.
    fn within(&self, start: usize, end: usize) -> Extent {
        let from = start.clamp(self.start, self.end);
        Extent { start: from, end: end.clamp(from, self.end), offset: self.offset + (from - self.start) }
    }

    fn is_continued_by(&self, next: &Extent) -> bool {
        self.end == next.start && self.offset + self.bytes() == next.offset
    }
}

/// Invariant E1: sorted by address, none empty, none overlap, and none continues the one before it.
pub(super) struct Extents {
    table: Table<Extent>,
}

impl Extents {
    pub(super) const fn new() -> Extents {
        Extents { table: Table::new() }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = Extent> {
        self.table.entries().iter().copied()
    }

    /// What of the addresses shows the file, piece by piece.
    pub(super) fn pieces(&self, start: usize, end: usize) -> impl Iterator<Item = Extent> {
        let overlapping = self.table.entries().get(self.first_above(start)..).unwrap_or_default();
        overlapping.iter().map(move |extent| extent.within(start, end)).take_while(|piece| piece.bytes() > 0)
    }

    /// The first such piece.
    pub(super) fn piece(&self, start: usize, end: usize) -> Option<Extent> {
        self.pieces(start, end).next()
    }

    /// Room for one insertion or removal.
    ///
    /// # Errors
    /// [`MapError`], with nothing changed.
    pub(super) fn make_room(&mut self) -> Result<(), MapError> {
        self.table.make_room(2)
    }

    /// Adds an extent that overlaps none; there is room.
    pub(super) fn insert(&mut self, extent: Extent) {
        let index = self.first_above(extent.start);
        let joins_before = index > 0 && self.table.entries()[index - 1].is_continued_by(&extent);
        let joins_after = self.table.entries().get(index).is_some_and(|next| extent.is_continued_by(next));
        match (joins_before, joins_after) {
            (true, true) => {
                self.table.entries_mut()[index - 1].end = self.table.entries()[index].end;
                self.table.remove(index);
            }
            (true, false) => self.table.entries_mut()[index - 1].end = extent.end,
            (false, true) => {
                let next = &mut self.table.entries_mut()[index];
                (next.start, next.offset) = (extent.start, extent.offset);
            }
            (false, false) => self.table.insert(index, extent),
        }
    }

    /// Forgets the addresses; there is room.
    pub(super) fn remove(&mut self, start: usize, end: usize) {
        let mut index = self.first_above(start);
        while let Some(extent) = self.table.entries().get(index).copied().filter(|extent| extent.start < end) {
            self.table.remove(index);
            for rest in [extent.within(extent.start, start), extent.within(end, extent.end)] {
                if rest.bytes() > 0 {
                    self.table.insert(index, rest);
                    index += 1;
                }
            }
        }
    }

    /// The first extent that ends above an address.
    fn first_above(&self, address: usize) -> usize {
        self.table.entries().partition_point(|extent| extent.end <= address)
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::{any, prop_assert, prop_assert_eq, proptest};

    use super::{Extent, Extents};

    const ADDRESSES: usize = 64;

    proptest! {
        #[test]
        fn extents_agree_with_a_map_of_every_address(
            changes in vec((0..ADDRESSES, 1..ADDRESSES, any::<bool>(), 0usize..3), 0..60)
        ) {
            let mut extents = Extents::new();
            let mut model = [None; ADDRESSES];
            for (start, length, adds, distance) in changes {
                let end = (start + length).min(ADDRESSES);
                extents.make_room().expect("a page or two");
                extents.remove(start, end);
                model[start..end].fill(None);
                if adds {
                    extents.make_room().expect("a page or two");
                    extents.insert(Extent::new(start, end - start, start + distance * 1000));
                    (start..end).for_each(|address| model[address] = Some(address + distance * 1000));
                }
                for (address, expected) in model.iter().enumerate() {
                    let found = extents.piece(address, address + 1).map(|piece| piece.offset);
                    prop_assert_eq!(found, *expected);
                }
                let all: [usize; 2] = [extents.iter().map(|extent| extent.bytes()).sum(), model.iter().flatten().count()];
                prop_assert_eq!(all[0], all[1]);
                let sorted: bool = extents.iter().zip(extents.iter().skip(1))
                    .all(|(one, next)| one.end <= next.start && !one.is_continued_by(&next));
                prop_assert!(sorted, "E1");
            }
        }
    }
}
