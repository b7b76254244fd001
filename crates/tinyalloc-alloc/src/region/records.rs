//! Memory for metadata records that stay: spans' and heaps'.

use core::ptr::NonNull;

use tinyalloc_sys::Mapper;

use super::Region;
use super::commit::Shortage;
use super::layout::{MORE_RECORDS_END, NEAR_BYTES, NEAR_RECORDS_AT};

impl Region {
    /// Memory for a metadata record that is never returned.
    ///
    /// # Errors
    /// [`Shortage`].
    #[cfg_attr(target_os = "linux", unsafe(link_section = ".text"))]
    pub(crate) fn record<M: Mapper>(&self, mapper: &M, bytes: usize, align: usize) -> Result<NonNull<u8>, Shortage> {
        if let Some(near) = self.near_place(bytes, align) {
            self.near_and_map.commit_to(mapper, NEAR_BYTES).map_err(|refusal| self.shortage(refusal))?;
            self.near_records_end.set(near + bytes);
            // SAFETY: committed just now (G1).
            return Ok(unsafe { self.near_and_map.start().add(near) });
        }
        let far = self.far_records_end.get().next_multiple_of(align);
        if far + bytes > self.far_records.bytes() {
            return Err(Shortage::OfRoom);
        }
        self.far_records.commit_to(mapper, far + bytes).map_err(|refusal| self.shortage(refusal))?;
        self.far_records_end.set(far + bytes);
        // SAFETY: committed just now (G1).
        Ok(unsafe { self.far_records.start().add(far) })
    }

    /// Where in the near part there is room for a record: on the first page, then before the bits.
    fn near_place(&self, bytes: usize, align: usize) -> Option<usize> {
        let end = self.near_records_end.get();
        let place = end.next_multiple_of(align);
        let limit = if end < NEAR_RECORDS_AT { MORE_RECORDS_END } else { NEAR_BYTES };
        if place + bytes <= limit {
            return Some(place);
        }
        (end >= NEAR_RECORDS_AT && bytes <= MORE_RECORDS_END).then_some(0)
    }
}
