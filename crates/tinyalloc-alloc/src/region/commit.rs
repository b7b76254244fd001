//! Committing slices, and their metadata before them.

use tinyalloc_sys::{MapError, Mapper};

use super::Region;
use super::growing::Backing;
use super::layout::{NEAR_BYTES, PageMap};
use super::run_bounds::Searched;
use super::slice::Run;
use super::slice_bits::{SLICES_PER_WORD, far_bits_bytes};
use crate::span::class::SLICE_BYTES;

/// Why a region cannot serve.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shortage {
    /// It is full; another one may have room.
    OfRoom,
    /// The system refuses to commit memory.
    OfMemory,
}

impl Region {
    #[cfg_attr(target_os = "linux", unsafe(link_section = ".text"))]
    pub(super) fn commit_slices<M: Mapper>(&self, mapper: &M, slices: usize) -> Result<(), Shortage> {
        let before = self.committed_slices();
        if slices <= before {
            return Ok(());
        }
        let bytes = slices.checked_mul(SLICE_BYTES).ok_or(Shortage::OfRoom)?;
        if bytes > self.slices.bytes() {
            return Err(Shortage::OfRoom);
        }
        self.prepare_metadata(mapper, slices).map_err(|refusal| self.shortage(refusal))?;
        self.slices.commit_to(mapper, bytes).map_err(|refusal| self.shortage(refusal))?;
        let after = self.committed_slices();
        // A generous step may go beyond what the metadata was prepared for.
        if self.prepare_metadata(mapper, after).is_err() {
            self.slices.forget_beyond(bytes);
        }
        // SAFETY: they are committed now.
        let new = unsafe { Run::new(before..self.committed_slices()) };
        self.set_blank(&new);
        self.forget_bounds(Searched::Free, &new.numbers());
        self.place_new(mapper, new.numbers(), None);
        // SAFETY: as above.
        unsafe { self.huge_pages.grow(mapper, self.slices.start(), self.committed_slices()) };
        // Written before it is read, a page costs one fault instead of two.
        // SAFETY: as above.
        let last = unsafe { self.slice_bits(slices.div_ceil(SLICES_PER_WORD) - 1) };
        last.trapped().set(last.trapped().get());
        Ok(())
    }

    /// Why there is no memory: of a room, another mapping may lie behind.
    pub(super) fn shortage(&self, refusal: MapError) -> Shortage {
        match (self.backing, refusal) {
            (Backing::Room, MapError::Unavailable) => Shortage::OfRoom,
            _ => Shortage::OfMemory,
        }
    }

    #[cfg_attr(target_os = "linux", unsafe(link_section = ".text"))]
    fn prepare_metadata<M: Mapper>(&self, mapper: &M, slices: usize) -> Result<(), MapError> {
        let words = slices.div_ceil(SLICES_PER_WORD);
        self.far_bits.commit_to(mapper, far_bits_bytes(words))?;
        self.near_and_map.commit_to(mapper, NEAR_BYTES + slices * size_of::<PageMap>())
    }
}
