//! A range of address space with an owner: reserved, committed in parts, released once.

use crate::align::is_aligned;
use crate::mapper::{MapError, Mapper};
use core::error::Error;
use core::fmt::{Display, Formatter, Result as FmtResult};
use core::mem::forget;
use core::ops::Range;
use core::ptr::NonNull;

/// Why a [`Region`] refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RegionError {
    /// The range is backwards, ends beyond the region, or is not whole pages.
    BadRange,
    /// The operating system refused.
    Refused(MapError),
}

impl From<MapError> for RegionError {
    fn from(error: MapError) -> Self {
        RegionError::Refused(error)
    }
}

impl Display for RegionError {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> FmtResult {
        match self {
            RegionError::BadRange => formatter.write_str("not a range of whole pages within the region"),
            RegionError::Refused(error) => error.fmt(formatter),
        }
    }
}

impl Error for RegionError {}

/// An address range from a [`Mapper`], released when it is dropped.
///
/// It begins reserved: any access faults. [`Region::commit`] puts memory behind a part, which then
/// reads as zero; [`Region::decommit`] takes the memory back. Parts are ranges of bytes, counted
/// from the start of the region.
///
/// Invariants:
/// - R1: `start..start + bytes` came from `mapper`, is whole pages, and is not released before the
///   region is gone.
#[derive(Debug)]
pub struct Region<'mapper, M: Mapper> {
    mapper: &'mapper M,
    start: NonNull<u8>,
    bytes: usize,
}

impl<'mapper, M: Mapper> Region<'mapper, M> {
    /// Reserves `bytes`, a whole number of pages, aligned to `align`, a power of two.
    ///
    /// # Errors
    /// [`RegionError::BadRange`] for no bytes or parts of pages; else what the mapper says.
    pub fn reserve(mapper: &'mapper M, bytes: usize, align: usize) -> Result<Self, RegionError> {
        if bytes == 0 || !is_aligned(bytes, mapper.page_bytes()) {
            return Err(RegionError::BadRange);
        }
        let start = mapper.reserve(bytes, align)?;
        Ok(Self { mapper, start, bytes })
    }

    /// The first byte.
    #[inline]
    #[must_use]
    pub fn start(&self) -> NonNull<u8> {
        self.start
    }

    /// Bytes of address space.
    #[inline]
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Whether the address lies in the region.
    #[inline]
    #[must_use]
    pub fn contains(&self, address: usize) -> bool {
        address.wrapping_sub(self.start.addr().get()) < self.bytes
    }

    /// Puts memory behind a part; what was never committed reads as zero, what was keeps its
    /// contents.
    ///
    /// # Errors
    /// [`RegionError`]; the part is then as it was.
    pub fn commit(&self, part: Range<usize>) -> Result<(), RegionError> {
        let Some((start, bytes)) = self.part(part)? else { return Ok(()) };
        // SAFETY: R1, and `part` checked the bounds.
        Ok(unsafe { self.mapper.commit(start, bytes) }?)
    }

    /// Takes the memory of a committed part back; it stays accessible and reads as zero, once it is
    /// committed again where [`Mapper::RECOMMITS`].
    ///
    /// # Errors
    /// [`RegionError`]; the contents are then unspecified: as they were, or zero.
    ///
    /// # Safety
    /// Nothing in the part is still wanted.
    pub unsafe fn decommit(&self, part: Range<usize>) -> Result<(), RegionError> {
        let Some((start, bytes)) = self.part(part)? else { return Ok(()) };
        // SAFETY: R1, `part` checked the bounds, and the caller wants nothing in it.
        Ok(unsafe { self.mapper.decommit(start, bytes) }?)
    }

    /// Releases memory and address space now, and tells whether that worked.
    ///
    /// # Errors
    /// The region, still there, and the reason.
    pub fn release(self) -> Result<(), (Self, MapError)> {
        // SAFETY: R1, and no one can use the region again.
        match unsafe { self.mapper.release(self.start, self.bytes) } {
            Ok(()) => {
                forget(self);
                Ok(())
            }
            Err(error) => Err((self, error)),
        }
    }

    /// The start and the bytes of a part; `None` for an empty one.
    fn part(&self, part: Range<usize>) -> Result<Option<(NonNull<u8>, usize)>, RegionError> {
        let page_bytes = self.mapper.page_bytes();
        let whole_pages = is_aligned(part.start, page_bytes) && is_aligned(part.end, page_bytes);
        if part.start > part.end || part.end > self.bytes || !whole_pages {
            return Err(RegionError::BadRange);
        }
        if part.is_empty() {
            return Ok(None);
        }
        // SAFETY: R1, and the offset was checked to lie within.
        let start = unsafe { self.start.add(part.start) };
        Ok(Some((start, part.end - part.start)))
    }
}

impl<M: Mapper> Drop for Region<'_, M> {
    fn drop(&mut self) {
        // SAFETY: R1, and this is the last use of the region.
        _ = unsafe { self.mapper.release(self.start, self.bytes) };
    }
}
