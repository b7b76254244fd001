//! The free spans of the file: by size, to find the best, and by place, to join neighbours.

use std::collections::{BTreeMap, BTreeSet};

#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct FreeSpans {
    by_start: BTreeMap<usize, usize>,
    by_size: BTreeSet<(usize, usize)>,
    pages: usize,
}

impl FreeSpans {
    pub(crate) fn pages(&self) -> usize {
        self.pages
    }

    pub(crate) fn largest(&self) -> usize {
        self.by_size.last().map_or(0, |(pages, _)| *pages)
    }

    pub(crate) fn len(&self) -> usize {
        self.by_start.len()
    }

    pub(crate) fn insert(&mut self, start: usize, pages: usize) {
        self.by_start.insert(start, pages);
        self.by_size.insert((pages, start));
        self.pages += pages;
    }

    pub(crate) fn remove(&mut self, start: usize) {
        if let Some(pages) = self.by_start.remove(&start) {
            self.by_size.remove(&(pages, start));
            self.pages -= pages;
        }
    }

    /// The smallest that is large enough, of those the one nearest to the file's start: its start
    /// and pages.
    pub(crate) fn best(&self, pages: usize) -> Option<(usize, usize)> {
        self.by_size.range((pages, 0)..).next().map(|(pages, start)| (*start, *pages))
    }

    /// The pages of the span that starts there.
    pub(crate) fn starting_at(&self, page: usize) -> Option<usize> {
        self.by_start.get(&page).copied()
    }

    /// The start of the span that ends right before `page`.
    pub(crate) fn ending_at(&self, page: usize) -> Option<usize> {
        let (start, pages) = self.by_start.range(..page).next_back()?;
        (start + pages == page).then_some(*start)
    }
}
