//! Size classes: 16-byte steps to 256 bytes, then eight per doubling to 32 KiB.
//!
//! (Four per doubling above 4 KiB, tried first, took 4 % more memory under sqlite and 20 % more
//! under larson.)

use core::hint::assert_unchecked;

/// Every slot is aligned to this, as `malloc` promises on 64-bit systems.
pub const SLOT_ALIGN: usize = 16;
/// The largest request that shares a span with others.
pub const SMALL_BYTES_MAX: usize = 32 * 1024;
/// Bytes of one slice, the unit in which address space becomes spans.
pub const SLICE_BYTES: usize = 1 << SLICE_SHIFT;
pub(crate) const SLICE_SHIFT: u32 = 14;
const FINE_BYTES_MAX: usize = 256;
const MIDDLE_BYTES_MAX: usize = 4096;
const MIDDLE_SHIFT: u32 = 3;
const COARSE_SHIFT: u32 = 3;
const FINE_CLASSES: usize = FINE_BYTES_MAX / SLOT_ALIGN;
const MIDDLE_CLASSES: usize = doublings(FINE_BYTES_MAX, MIDDLE_BYTES_MAX) << MIDDLE_SHIFT;
const COARSE_CLASSES: usize = doublings(MIDDLE_BYTES_MAX, SMALL_BYTES_MAX) << COARSE_SHIFT;

/// How many size classes there are.
pub const CLASS_COUNT: usize = FINE_CLASSES + MIDDLE_CLASSES + COARSE_CLASSES;

/// A span holds at least this many slots, so that its cost is shared.
const SLOTS_MIN: usize = 8;
/// Spans of a class that has grown are up to this large.
const SPAN_SLICES_GROWN: usize = 4;
/// One byte for every 16 bytes of request: two kilobytes, and no second way to a class that large
/// requests would fall off to.
const TABLE: [u8; SMALL_BYTES_MAX / SLOT_ALIGN + 1] = table();
const BYTES: [u16; CLASS_COUNT] = bytes();
const GROWN_SLICES: [u8; CLASS_COUNT] = grown_slices();
const RECIPROCALS: [u64; CLASS_COUNT] = reciprocals();
const _: () = assert!(CLASS_COUNT == 72);
const _: () = assert!(SMALL_BYTES_MAX <= u16::MAX as usize);

const fn doublings(from: usize, to: usize) -> usize {
    (to.trailing_zeros() - from.trailing_zeros()) as usize
}

/// Slot sizes above the fine steps: the `step`-th of `1 << shift` equal steps within one doubling.
const fn stepped_bytes(from: usize, shift: u32, step: usize) -> usize {
    let low = from << (step >> shift);
    low + (low >> shift) * ((step & ((1 << shift) - 1)) + 1)
}

const fn stepped_class(bytes: usize, from: usize, shift: u32) -> usize {
    let last = bytes - 1;
    let log = last.ilog2();
    let step = (last >> (log - shift)) - (1 << shift);
    (((log - from.ilog2()) as usize) << shift) + step
}

#[expect(clippy::cast_possible_truncation, reason = "CLASS_COUNT fits u8")]
const fn table() -> [u8; SMALL_BYTES_MAX / SLOT_ALIGN + 1] {
    // Requests of no bytes never find a slot: they are served elsewhere.
    let mut table = [CLASS_COUNT as u8; SMALL_BYTES_MAX / SLOT_ALIGN + 1];
    let mut units = 1;
    while units < table.len() {
        let bytes = units * SLOT_ALIGN;
        table[units] = if bytes <= FINE_BYTES_MAX {
            units - 1
        } else if bytes <= MIDDLE_BYTES_MAX {
            FINE_CLASSES + stepped_class(bytes, FINE_BYTES_MAX, MIDDLE_SHIFT)
        } else {
            FINE_CLASSES + MIDDLE_CLASSES + stepped_class(bytes, MIDDLE_BYTES_MAX, COARSE_SHIFT)
        } as u8;
        units += 1;
    }
    table
}

#[expect(clippy::cast_possible_truncation, reason = "SMALL_BYTES_MAX fits u16")]
const fn bytes() -> [u16; CLASS_COUNT] {
    let mut bytes = [0; CLASS_COUNT];
    let mut class = 0;
    while class < CLASS_COUNT {
        bytes[class] = if class < FINE_CLASSES {
            (class + 1) * SLOT_ALIGN
        } else if class < FINE_CLASSES + MIDDLE_CLASSES {
            stepped_bytes(FINE_BYTES_MAX, MIDDLE_SHIFT, class - FINE_CLASSES)
        } else {
            stepped_bytes(MIDDLE_BYTES_MAX, COARSE_SHIFT, class - FINE_CLASSES - MIDDLE_CLASSES)
        } as u16;
        class += 1;
    }
    bytes
}

/// Slices of a span of a class that has grown: of those between one and two times the usual, the
/// number that wastes least at the end.
#[expect(clippy::cast_possible_truncation, reason = "a few dozen")]
const fn grown_slices() -> [u8; CLASS_COUNT] {
    let mut slices = [0; CLASS_COUNT];
    let mut class = 0;
    while class < CLASS_COUNT {
        let bytes = BYTES[class] as usize;
        let least = (bytes * SLOTS_MIN).div_ceil(SLICE_BYTES);
        let usual = if least > SPAN_SLICES_GROWN { least } else { SPAN_SLICES_GROWN };
        let (mut best, mut number) = (usual, usual + 1);
        while number <= usual * 2 {
            // Waste relative to the span, compared without division.
            if (number * SLICE_BYTES % bytes) * best < (best * SLICE_BYTES % bytes) * number {
                best = number;
            }
            number += 1;
        }
        slices[class] = best as u8;
        class += 1;
    }
    slices
}

/// One more than ceil(2^64 / slot bytes), see [`SizeClass::reciprocal`].
const fn reciprocals() -> [u64; CLASS_COUNT] {
    let mut reciprocals = [0; CLASS_COUNT];
    let mut class = 0;
    while class < CLASS_COUNT {
        reciprocals[class] = (u64::MAX / BYTES[class] as u64) + 2;
        class += 1;
    }
    reciprocals
}

/// One size of slot.
///
/// Invariant N1: the number is below [`CLASS_COUNT`]. That of the class for no bytes, which only
/// the hit path has, is equal to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SizeClass(usize);

impl SizeClass {
    /// The smallest class whose slots hold `bytes`, or `None` for a large request.
    #[inline(always)]
    #[must_use]
    pub const fn of(bytes: usize) -> Option<SizeClass> {
        SizeClass::at_hand(if bytes == 0 { 1 } else { bytes })
    }

    /// As [`SizeClass::of`], and for no bytes one whose bin is always empty: for the hit path,
    /// which asks nothing else of it.
    #[inline(always)]
    pub(crate) const fn at_hand(bytes: usize) -> Option<SizeClass> {
        if bytes <= SMALL_BYTES_MAX { Some(SizeClass(TABLE[bytes.div_ceil(SLOT_ALIGN)] as usize)) } else { None }
    }

    /// The smallest class whose slots hold `bytes` and are aligned to `align`, a power of two of at
    /// most [`SLICE_BYTES`].
    ///
    /// It is the class of the size rounded up to the alignment. Within one doubling, classes are a
    /// power of two apart: a multiple of `align` is a class if `align` is no less than that, and
    /// every class is a multiple of `align` if it is less.
    #[inline(always)]
    #[must_use]
    pub const fn of_aligned(bytes: usize, align: usize) -> Option<SizeClass> {
        SizeClass::aligned_at_hand(if bytes == 0 { 1 } else { bytes }, align)
    }

    /// As [`SizeClass::of_aligned`], and for no bytes as [`SizeClass::at_hand`].
    #[inline(always)]
    pub(crate) const fn aligned_at_hand(bytes: usize, align: usize) -> Option<SizeClass> {
        SizeClass::at_hand(bytes.saturating_add(align - 1) & !(align - 1))
    }

    /// Every class, smallest first.
    pub fn all() -> impl Iterator<Item = SizeClass> {
        (0..CLASS_COUNT).map(SizeClass)
    }

    pub(crate) const fn from_index(index: u8) -> SizeClass {
        SizeClass(index as usize)
    }

    #[expect(clippy::cast_possible_truncation, reason = "CLASS_COUNT fits u8")]
    pub(crate) const fn byte(self) -> u8 {
        self.0 as u8
    }

    /// Position among [`SizeClass::all`]; below [`CLASS_COUNT`].
    #[inline(always)]
    #[must_use]
    pub const fn index(self) -> usize {
        // SAFETY: N1; the hit path asks its class for no bytes for the bin alone.
        unsafe { assert_unchecked(self.0 < CLASS_COUNT) };
        self.0
    }

    /// Position of its bin: that of the class for no bytes is behind all others.
    #[inline(always)]
    pub(crate) const fn bin(self) -> usize {
        // SAFETY: N1.
        unsafe { assert_unchecked(self.0 <= CLASS_COUNT) };
        self.0
    }

    /// Bytes of one slot.
    #[inline(always)]
    #[must_use]
    pub const fn bytes(self) -> usize {
        BYTES[self.index()] as usize
    }

    /// A factor R such that, for offsets within a span, `offset * R mod 2^64` is `index * scale`
    /// exactly at the start of slot `index`, and larger than any such product everywhere else. One
    /// multiplication and one comparison with `carved * scale` therefore find interior, misaligned
    /// and never-carved pointers alike.
    ///
    /// With d = slot bytes and R = ceil(2^64 / d) + 1, d * R = 2^64 + scale with d <= scale <= 2 d;
    /// an offset i * d + r gives i * scale + r * R, where R outweighs all i * scale (after Lemire,
    /// Kaser, Kurz: Faster remainder by direct computation, 2019).
    #[must_use]
    pub const fn reciprocal(self) -> u64 {
        RECIPROCALS[self.index()]
    }

    /// What one slot adds to the product, see [`SizeClass::reciprocal`].
    #[must_use]
    pub const fn scale(self) -> u64 {
        self.reciprocal().wrapping_mul(self.bytes() as u64)
    }

    /// Slices of a span of this class: small at first, larger once the heap holds `spans` of them.
    #[must_use]
    #[cfg_attr(target_os = "linux", unsafe(link_section = ".text"))]
    pub const fn span_slices(self, spans: usize) -> usize {
        let least = (self.bytes() * SLOTS_MIN).div_ceil(SLICE_BYTES);
        if spans >= 4 {
            GROWN_SLICES[self.index()] as usize
        } else if spans >= 2 && least < SPAN_SLICES_GROWN / 2 {
            SPAN_SLICES_GROWN / 2
        } else {
            least
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{CLASS_COUNT, SLICE_BYTES, SMALL_BYTES_MAX, SizeClass};
    use std::println;

    #[test]
    fn every_request_gets_the_smallest_class_that_holds_it() {
        for bytes in 0..=SMALL_BYTES_MAX {
            let class = SizeClass::of(bytes).expect("small");
            let smallest = SizeClass::all().find(|class| class.bytes() >= bytes).expect("some class");
            assert_eq!(class, smallest, "{bytes}");
        }
        assert_eq!(SizeClass::of(SMALL_BYTES_MAX + 1), None);
    }

    #[test]
    fn classes_grow_and_waste_at_most_an_eighth_between_256_and_4096() {
        let mut sizes = [0; CLASS_COUNT];
        sizes.iter_mut().zip(SizeClass::all()).for_each(|(bytes, class)| *bytes = class.bytes());
        assert_eq!(SizeClass::all().count(), CLASS_COUNT);
        assert_eq!(sizes.last(), Some(&SMALL_BYTES_MAX));
        for pair in sizes.windows(2) {
            assert!(pair[0] < pair[1] && pair[1] % 16 == 0);
            if (256..4096).contains(&pair[0]) {
                assert!((pair[1] - pair[0] - 1) * 8 <= pair[1], "{pair:?}");
            }
        }
    }

    #[test]
    fn every_class_uses_at_least_seventy_percent_of_its_span() {
        println!("slot bytes  slices  slots  used");
        for class in SizeClass::all() {
            for spans in [0, 2, 4] {
                let span_bytes = class.span_slices(spans) * SLICE_BYTES;
                let slots = span_bytes / class.bytes();
                let used = slots * class.bytes() * 100 / span_bytes;
                println!("{:10}  {:6}  {slots:5}  {used:3} %", class.bytes(), class.span_slices(spans));
                assert!(used >= 70, "class {} uses {used} %", class.bytes());
                assert!(slots >= 8);
            }
        }
    }

    #[test]
    fn the_reciprocal_accepts_exactly_the_starts_of_carved_slots() {
        for class in SizeClass::all() {
            let span_bytes = class.span_slices(4) * SLICE_BYTES;
            let slots = span_bytes / class.bytes();
            for carved in [0, 1, slots / 2, slots] {
                let bound = class.scale() * carved as u64;
                for offset in 0..span_bytes {
                    let accepted = (offset as u64).wrapping_mul(class.reciprocal()) < bound;
                    let is_start = offset % class.bytes() == 0 && offset / class.bytes() < carved;
                    assert_eq!(accepted, is_start, "class {} carved {carved} offset {offset}", class.bytes());
                }
            }
        }
    }

    #[test]
    fn aligned_requests_get_classes_that_keep_the_alignment() {
        for shift in 4..=12 {
            let align = 1usize << shift;
            for bytes in [0, 1, align - 1, align, align + 1, 3000, 4095, 8000] {
                let class = SizeClass::of_aligned(bytes, align).expect("small");
                assert!(class.bytes() >= bytes && class.bytes() % align == 0);
            }
        }
    }
}
