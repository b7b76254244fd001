//! Reading and writing what is allocated.

use core::alloc::Layout;
use core::ops::Range;
use core::slice::{from_raw_parts, from_raw_parts_mut, from_ref};

use super::FileHeap;
use crate::error::{Error, Result};
use crate::page::PAGE_BYTES;
use crate::plain::Plain;
use crate::pointer::FilePtr;

impl FileHeap {
    /// Allocates a block with `value` in it.
    ///
    /// # Errors
    /// As [`FileHeap::allocate`].
    pub fn insert<T: Plain>(&mut self, value: T) -> Result<FilePtr<T>> {
        self.insert_slice(from_ref(&value))
    }

    /// Allocates a block with a copy of `values` in it, and points to the first.
    ///
    /// # Errors
    /// As [`FileHeap::allocate`].
    pub fn insert_slice<T: Plain>(&mut self, values: &[T]) -> Result<FilePtr<T>> {
        let bytes = bytes_of(values);
        let block = self.allocate(Layout::for_value(values))?;
        self.fill_new(block, bytes.len(), |place| place.copy_from_slice(bytes))?;
        Ok(block.cast())
    }

    /// The value at `place`.
    ///
    /// # Errors
    /// [`Error::NotLive`], [`Error::OutOfBounds`], [`Error::Misaligned`]: it is not, or not whole,
    /// in a block.
    pub fn get<T: Plain>(&self, place: FilePtr<T>) -> Result<&T> {
        self.slice(place, 1).map(|values| &values[0])
    }

    /// The value at `place`, to be changed: its pages are part of the next commit.
    ///
    /// # Errors
    /// As [`FileHeap::get`]; [`Error::OutOfMemory`]; [`Error::ReadOnly`]; [`Error::NeedsReopen`].
    pub fn get_mut<T: Plain>(&mut self, place: FilePtr<T>) -> Result<&mut T> {
        self.slice_mut(place, 1).map(|values| &mut values[0])
    }

    /// `count` values from `place` on.
    ///
    /// # Errors
    /// As [`FileHeap::get`].
    pub fn slice<T: Plain>(&self, place: FilePtr<T>, count: usize) -> Result<&[T]> {
        let bytes = self.image.bytes(self.range_of(place, count)?);
        // SAFETY: `range_of` has the size and alignment of `count` values, which any bytes are
        // (P1).
        Ok(unsafe { from_raw_parts(bytes.as_ptr().cast(), count) })
    }

    /// `count` values from `place` on, to be changed: their pages, and no others, are part of the
    /// next commit.
    ///
    /// # Errors
    /// As [`FileHeap::get_mut`].
    pub fn slice_mut<T: Plain>(&mut self, place: FilePtr<T>, count: usize) -> Result<&mut [T]> {
        self.check_writable()?;
        let range = self.range_of(place, count)?;
        self.image.touch(range.clone())?;
        let bytes = self.image.bytes_mut(range);
        // SAFETY: as in `slice`; and whatever is written there are bytes (P2).
        Ok(unsafe { from_raw_parts_mut(bytes.as_mut_ptr().cast(), count) })
    }

    /// The block's bytes from `place` to its end.
    ///
    /// # Errors
    /// [`Error::NotLive`].
    pub fn bytes(&self, place: FilePtr<u8>) -> Result<&[u8]> {
        self.block_from(place.place()).map(|block| self.image.bytes(block))
    }

    /// Where `count` values from `place` on are, if that is within one block.
    fn range_of<T: Plain>(&self, place: FilePtr<T>, count: usize) -> Result<Range<usize>> {
        let (offset, align) = (place.place(), align_of::<T>());
        let left_bytes = self.block_from(offset)?.len();
        let bytes = count.saturating_mul(size_of::<T>());
        if bytes > left_bytes {
            return Err(Error::OutOfBounds { offset, bytes, left_bytes });
        }
        // The mapping begins at a page, and no alignment beyond a page's can be had.
        if offset % align != 0 || align > PAGE_BYTES {
            return Err(Error::Misaligned { offset, align });
        }
        Ok(offset..offset + bytes)
    }
}

fn bytes_of<T: Plain>(values: &[T]) -> &[u8] {
    // SAFETY: a plain value is its bytes, all of them initialised (P2).
    unsafe { from_raw_parts(values.as_ptr().cast(), size_of_val(values)) }
}
