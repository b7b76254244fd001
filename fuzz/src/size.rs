//! Sizes, dense where the engine changes its ways.

use arbitrary::Arbitrary;

use crate::common::MIB;

/// A request's size, in three bytes of input.
#[derive(Arbitrary, Clone, Copy, Debug)]
pub enum Size {
    Tiny(u8),
    Small(u16),
    Large(u16),
    Page(u8),
    AroundSlice(u8),
    AroundHuge(u8),
}

impl Size {
    pub fn bytes(self) -> usize {
        match self {
            Size::Tiny(bytes) => bytes as usize,
            Size::Small(bytes) => bytes as usize % 33_000,
            Size::Large(units) => 32_000 + units as usize % 1024 * 2048,
            Size::Page(pages) => pages as usize % 32 * 4096,
            Size::AroundSlice(offset) => (16 << 10 << (offset & 7)) + offset as usize - 128,
            Size::AroundHuge(offset) => 32 * MIB + (offset as usize) * 256 - 128 * 256,
        }
    }
}
