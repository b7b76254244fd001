//! Where a region comes to lie: in a room, or in a reservation.

use tinyalloc_sys::{MapError, Mapper};

use super::Region;
use super::commit::Shortage;
use super::growing::Backing;
use super::layout::RUN_ALIGN_MAX;
use super::purpose::Purpose;
use crate::config::policy::{REGION_ADDRESS_SPACE_PART, REGION_BYTES_MIN, ROOMS_TRIED};
use crate::config::tunables::HugePagePolicy;
use crate::span::class::SLICE_BYTES;

impl Region {
    /// A region of at most `bytes`, with room for a run of `slices` at least.
    ///
    /// # Errors
    /// [`MapError`] when not even the least is to be had.
    pub(crate) fn new<M: Mapper>(
        mapper: &M,
        bytes: usize,
        slices: usize,
        policy: HugePagePolicy,
        purpose: Purpose,
    ) -> Result<Region, MapError> {
        let least = (slices * SLICE_BYTES * 9 / 8 + 2 * RUN_ALIGN_MAX).next_power_of_two().max(REGION_BYTES_MIN);
        let bytes = (bytes / SLICE_BYTES * SLICE_BYTES).max(least);
        match Region::in_a_room(mapper, bytes, least, policy, purpose) {
            Err(MapError::Unavailable) => Region::reserve(mapper, bytes, least, policy, purpose),
            region => region,
        }
    }

    /// In a room of which no thread has taken the beginning.
    fn in_a_room<M: Mapper>(
        mapper: &M,
        most: usize,
        least: usize,
        policy: HugePagePolicy,
        purpose: Purpose,
    ) -> Result<Region, MapError> {
        for _ in 0..ROOMS_TRIED {
            let mut bytes = most;
            let start = loop {
                match mapper.room(bytes, RUN_ALIGN_MAX) {
                    Some(start) => break start,
                    None if bytes > least => bytes = (bytes / 2).max(least),
                    None => return Err(MapError::Unavailable),
                }
            };
            let region = Region::lay_out(mapper, start, bytes, Backing::Room, policy, purpose);
            match region.commit_slices(mapper, 1) {
                Ok(()) => return Ok(region),
                Err(Shortage::OfRoom) => region.abandon(mapper),
                Err(Shortage::OfMemory) => {
                    region.abandon(mapper);
                    return Err(MapError::OutOfMemory);
                }
            }
        }
        Err(MapError::Unavailable)
    }

    /// Releases what a region took of a room that it cannot have.
    fn abandon<M: Mapper>(&self, mapper: &M) {
        for part in self.parts() {
            part.release(mapper);
        }
    }

    /// In a reservation, of half the size while that is refused.
    pub(super) fn reserve<M: Mapper>(
        mapper: &M,
        bytes: usize,
        least: usize,
        policy: HugePagePolicy,
        purpose: Purpose,
    ) -> Result<Region, MapError> {
        let part = mapper.address_space_bytes() / REGION_ADDRESS_SPACE_PART / SLICE_BYTES * SLICE_BYTES;
        let mut bytes = bytes.min(part).max(least);
        loop {
            match mapper.reserve(bytes, mapper.page_bytes()) {
                Ok(start) => return Ok(Region::lay_out(mapper, start, bytes, Backing::Reserved, policy, purpose)),
                Err(error) if bytes <= least => return Err(error),
                Err(_) => bytes = (bytes / 2).max(least),
            }
        }
    }
}
