//! How a size and an alignment become a request to the engine.

use tinyalloc_alloc::{SLOT_ALIGN, SizeClass};

use crate::process::instance::ALLOCATOR;

/// Up to this alignment the size decides: the slots of a size class lie at multiples of every power
/// of two that divides their size, and blocks without a slot start at a page, which has at least
/// this size.
const SIZED_ALIGN_MAX: usize = 4096;

/// The bytes to request so that the slot has the alignment; `None` if no size does that.
#[inline(always)]
pub(crate) fn sized(bytes: usize, align: usize) -> Option<usize> {
    if align <= SLOT_ALIGN { Some(bytes) } else { padded(bytes, align) }
}

#[inline(always)]
fn padded(bytes: usize, align: usize) -> Option<usize> {
    (align <= SIZED_ALIGN_MAX).then_some(bytes.max(1).saturating_add(align - 1) & !(align - 1))
}

/// Whether blocks of both sizes get the same size of slot. Large blocks have none.
#[inline(always)]
pub(crate) fn shares_slot(bytes: usize, other: usize) -> bool {
    SizeClass::of(bytes).is_some_and(|class| SizeClass::of(other) == Some(class))
}

/// Whether blocks of that size never share a span, and so start at a page.
pub(crate) fn is_large(bytes: usize, align: usize) -> bool {
    SizeClass::of(bytes).is_none() && align <= SIZED_ALIGN_MAX
}

/// Whether a block has its whole slot, and a slot of its size class. Not so with checks on demand:
/// a block may then end at a canary or a guard page. The answer is final once a block exists.
#[inline(always)]
pub(crate) fn slots_are_whole() -> bool {
    !ALLOCATOR.checks_any()
}

#[cfg(test)]
mod tests {
    use tinyalloc_alloc::{SLOT_ALIGN, SMALL_BYTES_MAX, SizeClass};

    use super::{SIZED_ALIGN_MAX, shares_slot, sized};

    fn aligns() -> impl Iterator<Item = usize> {
        (0..).map(|shift| 1 << shift).take_while(|align| *align <= SIZED_ALIGN_MAX)
    }

    #[test]
    fn the_slot_is_the_smallest_that_is_aligned() {
        for align in aligns() {
            for bytes in 0..=SMALL_BYTES_MAX {
                let asked = sized(bytes, align).expect("a usual alignment");
                assert_eq!(SizeClass::of(asked), SizeClass::of_aligned(bytes, align), "{bytes} bytes at {align}");
            }
        }
    }

    #[test]
    fn larger_alignments_and_large_blocks_are_not_a_matter_of_slots() {
        assert_eq!(sized(100, SIZED_ALIGN_MAX * 2), None);
        assert!(shares_slot(33, 48) && !shares_slot(32, 33) && !shares_slot(48, 49));
        assert!(!shares_slot(SMALL_BYTES_MAX + 1, SMALL_BYTES_MAX + 1));
    }

    #[test]
    fn no_size_is_too_large_to_be_rounded() {
        for align in aligns().filter(|align| *align > SLOT_ALIGN) {
            let most = isize::MAX as usize & !(align - 1);
            assert_eq!(sized(most, align), Some(most));
            assert!(sized(usize::MAX, align).is_some_and(|bytes| bytes > most));
        }
    }
}
