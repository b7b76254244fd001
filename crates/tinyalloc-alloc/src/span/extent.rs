//! The slices that a span is made of, before they are one.

use core::ptr::NonNull;

/// The slices that a span is made of.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Extent {
    start: NonNull<u8>,
    slices: u32,
    region: u32,
    fresh_slices: u32,
}

impl Extent {
    /// `fresh_slices` of the slices are not resident, and read as zero.
    pub(crate) const fn new(start: NonNull<u8>, slices: u32, region: u32, fresh_slices: u32) -> Extent {
        Extent { start, slices, region, fresh_slices }
    }

    pub(super) const fn start(&self) -> NonNull<u8> {
        self.start
    }

    pub(super) const fn slices(&self) -> u32 {
        self.slices
    }

    pub(super) const fn region(&self) -> u32 {
        self.region
    }

    pub(crate) const fn fresh_slices(&self) -> u32 {
        self.fresh_slices
    }
}
