//! How memory is cut into slots: the size of a slot, and alignment as a number among the parameters
//! of a type.

/// Says that `ALIGN` is an alignment: [`Alignment`] is implemented for the powers of two up to
/// 4,096.
#[derive(Debug)]
pub enum Align<const ALIGN: usize> {}

/// An alignment.
pub trait Alignment {
    /// Empty, and aligned like that.
    #[doc(hidden)]
    type Unit: Copy + Send + Sync;
    /// A value of it.
    #[doc(hidden)]
    const UNIT: Self::Unit;
}

macro_rules! alignments {
    ($($name:ident $align:literal),*) => {$(
        #[doc(hidden)]
        #[derive(Clone, Copy, Debug)]
        #[repr(align($align))]
        pub struct $name;

        impl Alignment for Align<$align> {
            type Unit = $name;
            const UNIT: $name = $name;
        }
    )*};
}

alignments!(Unit1 1, Unit2 2, Unit4 4, Unit8 8, Unit16 16, Unit32 32, Unit64 64, Unit128 128, Unit256 256, Unit512 512, Unit1024 1024,
    Unit2048 2048, Unit4096 4096);

/// The bytes of a slot: what `slots` slots have of `bytes` bytes, rounded down to a multiple of
/// `align`.
pub(crate) const fn slot_bytes(bytes: usize, slots: usize, align: usize) -> u16 {
    let slot_bytes = bytes / slots / align * align;
    assert!(slot_bytes > 0, "BYTES / SLOTS is at least ALIGN");
    assert!(slot_bytes <= u16::MAX as usize, "a slot has at most 65,535 bytes");
    let [low, high, ..] = slot_bytes.to_le_bytes();
    u16::from_le_bytes([low, high])
}
