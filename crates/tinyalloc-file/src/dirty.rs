//! The pages that have changed since the last commit.

use core::mem::take;
use core::ops::Range;

#[derive(Default)]
pub(crate) struct DirtyPages {
    /// A bit for each page of the file.
    bits: Vec<u64>,
    /// The same pages as they came.
    pages: Vec<usize>,
}

impl DirtyPages {
    pub(crate) fn len(&self) -> usize {
        self.pages.len()
    }

    pub(crate) fn contains(&self, page: usize) -> bool {
        self.bits.get(page / 64).is_some_and(|word| word & (1 << (page % 64)) != 0)
    }

    pub(crate) fn contains_all(&self, mut pages: Range<usize>) -> bool {
        pages.all(|page| self.contains(page))
    }

    pub(crate) fn insert(&mut self, pages: Range<usize>) {
        if pages.end.div_ceil(64) > self.bits.len() {
            self.bits.resize(pages.end.div_ceil(64), 0);
        }
        for page in pages {
            let word = &mut self.bits[page / 64];
            if *word & (1 << (page % 64)) == 0 {
                *word |= 1 << (page % 64);
                self.pages.push(page);
            }
        }
    }

    /// The pages in order, as the fewest ranges.
    pub(crate) fn ranges(&mut self) -> Vec<Range<usize>> {
        self.pages.sort_unstable();
        self.pages.chunk_by(|page, next| page + 1 == *next).map(|chunk| chunk[0]..chunk[0] + chunk.len()).collect()
    }

    pub(crate) fn clear(&mut self) {
        for page in take(&mut self.pages) {
            self.bits[page / 64] = 0;
        }
    }
}
