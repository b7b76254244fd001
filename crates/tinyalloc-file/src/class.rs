//! Size classes: what a page can be cut into.

use core::alloc::Layout;

use crate::page::PAGE_BYTES;

/// Four classes for every doubling, where that many slots of 16 bytes' multiples fit a page better
/// than the next.
const SLOT_BYTES: [usize; 22] =
    [16, 32, 48, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384, 448, 512, 576, 672, 816, 1024, 1360, 2048];
pub(crate) const CLASSES: usize = SLOT_BYTES.len();
/// Words of 64 bits that have a bit for every slot of a page of the smallest.
pub(crate) const SLOT_WORDS: usize = PAGE_BYTES / SLOT_BYTES[0] / 64;

const _: () = {
    let mut class = 0;
    while class < CLASSES {
        let used = PAGE_BYTES / SLOT_BYTES[class] * SLOT_BYTES[class];
        assert!(used * 100 >= PAGE_BYTES * 85, "at least 85 % of a page is slots");
        assert!(SLOT_BYTES[class] % 16 == 0);
        assert!(class == 0 || SLOT_BYTES[class - 1] < SLOT_BYTES[class]);
        class += 1;
    }
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SizeClass(u8);

impl SizeClass {
    /// The smallest class for a request; none if it needs pages of its own.
    pub(crate) fn of(layout: Layout) -> Option<SizeClass> {
        let first = SLOT_BYTES.partition_point(|bytes| *bytes < layout.size());
        let fits = |class: &usize| SLOT_BYTES[*class] % layout.align() == 0;
        (first..CLASSES).find(fits).and_then(SizeClass::numbered)
    }

    pub(crate) fn numbered(number: usize) -> Option<SizeClass> {
        u8::try_from(number).ok().filter(|_| number < CLASSES).map(SizeClass)
    }

    pub(crate) fn number(self) -> u8 {
        self.0
    }

    pub(crate) fn index(self) -> usize {
        usize::from(self.0)
    }

    pub(crate) fn slot_bytes(self) -> usize {
        SLOT_BYTES[self.index()]
    }

    /// How many slots a page has.
    pub(crate) fn slots(self) -> usize {
        PAGE_BYTES / self.slot_bytes()
    }
}
