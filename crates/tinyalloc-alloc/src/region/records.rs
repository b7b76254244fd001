//! Memory for metadata records that stay: spans' and heaps'.

use core::ptr::NonNull;

use tinyalloc_sys::Mapper;

use super::Region;
use super::commit::Shortage;
use super::layout::NEAR_BYTES;

impl Region {
    /// Memory for a metadata record that is never returned.
    ///
    /// # Errors
    /// [`Shortage`].
    pub(crate) fn record<M: Mapper>(&self, mapper: &M, bytes: usize, align: usize) -> Result<NonNull<u8>, Shortage> {
        let near = self.near_records_end.get().next_multiple_of(align);
        if near + bytes <= NEAR_BYTES {
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
}
