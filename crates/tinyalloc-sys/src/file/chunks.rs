//! Which parts of the file are taken: chunks of one size, a bit for each.

use super::table::Table;
use crate::mapper::MapError;

/// Address space and file are put together in chunks: small, so that a small file is enough for a
/// small program; large, because every chunk that does not continue the one before it is a mapping
/// more.
pub(super) const CHUNK_BYTES: usize = 16 * 1024 * 1024;
/// What ext4 holds, at pages of 4 KiB. What a file system does not hold, it refuses.
const FILE_BYTES_MAX: usize = 16 << 40;
const CHUNKS_MAX: usize = FILE_BYTES_MAX / CHUNK_BYTES;
const BITS: usize = u64::BITS as usize;

/// The chunks are named by their offset in the file.
pub(super) struct Chunks {
    taken: Table<u64>,
}

impl Chunks {
    pub(super) const fn new() -> Chunks {
        Chunks { taken: Table::new() }
    }

    /// Takes the chunk at `wish`, if that is free, else the lowest that is.
    ///
    /// # Errors
    /// [`MapError`] when the file is full.
    pub(super) fn take(&mut self, wish: Option<usize>) -> Result<usize, MapError> {
        let wished = wish.map(|offset| offset / CHUNK_BYTES).filter(|chunk| !self.is_taken(*chunk));
        let chunk = wished.unwrap_or_else(|| self.lowest_free());
        if chunk >= CHUNKS_MAX {
            return Err(MapError::OutOfMemory);
        }
        let words = (chunk / BITS + 1).saturating_sub(self.taken.entries().len());
        self.taken.make_room(words)?;
        (0..words).for_each(|_| self.taken.insert(self.taken.entries().len(), 0));
        self.taken.entries_mut()[chunk / BITS] |= 1 << (chunk % BITS);
        Ok(chunk * CHUNK_BYTES)
    }

    pub(super) fn give(&mut self, offset: usize) {
        let chunk = offset / CHUNK_BYTES;
        debug_assert!(self.is_taken(chunk), "a chunk is given once");
        self.taken.entries_mut()[chunk / BITS] &= !(1 << (chunk % BITS));
    }

    fn is_taken(&self, chunk: usize) -> bool {
        self.taken.entries().get(chunk / BITS).is_some_and(|word| word >> (chunk % BITS) & 1 == 1)
    }

    fn lowest_free(&self) -> usize {
        let words = self.taken.entries();
        let word = words.iter().position(|word| *word != u64::MAX).unwrap_or(words.len());
        word * BITS + words.get(word).map_or(0, |word| word.trailing_ones() as usize)
    }
}

#[cfg(test)]
mod tests {
    use super::{CHUNK_BYTES, CHUNKS_MAX, Chunks};

    #[test]
    fn chunks_are_taken_as_wished_or_from_the_lowest_on_and_again_once_given() {
        let mut chunks = Chunks::new();
        for chunk in 0..200 {
            assert_eq!(chunks.take(None), Ok(chunk * CHUNK_BYTES));
        }
        assert_eq!(chunks.take(Some(500 * CHUNK_BYTES)), Ok(500 * CHUNK_BYTES));
        assert_eq!(chunks.take(Some(7 * CHUNK_BYTES)), Ok(200 * CHUNK_BYTES), "chunk 7 is taken");
        [63, 64, 3].into_iter().for_each(|chunk| chunks.give(chunk * CHUNK_BYTES));
        assert_eq!(chunks.take(Some(64 * CHUNK_BYTES)), Ok(64 * CHUNK_BYTES));
        assert_eq!(
            [chunks.take(None), chunks.take(None), chunks.take(None)].map(Result::ok),
            [3, 63, 201].map(|c| Some(c * CHUNK_BYTES))
        );
    }

    #[test]
    fn the_file_does_not_grow_beyond_what_a_file_system_holds() {
        let mut chunks = Chunks::new();
        assert!(chunks.take(Some((CHUNKS_MAX - 1) * CHUNK_BYTES)).is_ok());
        assert!(chunks.take(Some(CHUNKS_MAX * CHUNK_BYTES)).is_err());
    }
}
