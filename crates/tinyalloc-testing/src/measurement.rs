use std::fmt::{Display, Formatter, Result as FmtResult};

/// What was allocated and freed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Measurement {
    allocations: u64,
    reallocations: u64,
    frees: u64,
    bytes_allocated: u64,
    bytes_freed: u64,
    bytes_live: i64,
    bytes_live_most: i64,
    first_bytes: Option<usize>,
}

impl Measurement {
    pub(crate) const NOTHING: Measurement = Measurement {
        allocations: 0,
        reallocations: 0,
        frees: 0,
        bytes_allocated: 0,
        bytes_freed: 0,
        bytes_live: 0,
        bytes_live_most: 0,
        first_bytes: None,
    };

    /// Blocks allocated.
    #[must_use]
    pub const fn allocations(&self) -> u64 {
        self.allocations
    }

    /// Blocks given another size, in place or elsewhere: what a vector does that grows.
    #[must_use]
    pub const fn reallocations(&self) -> u64 {
        self.reallocations
    }

    /// Blocks freed.
    #[must_use]
    pub const fn frees(&self) -> u64 {
        self.frees
    }

    /// The bytes of the blocks allocated, and those by which blocks grew.
    #[must_use]
    pub const fn bytes_allocated(&self) -> u64 {
        self.bytes_allocated
    }

    /// The bytes of the blocks freed, and those by which blocks shrank.
    #[must_use]
    pub const fn bytes_freed(&self) -> u64 {
        self.bytes_freed
    }

    /// How many bytes more live at the end than at the start; fewer, if older blocks were freed.
    #[must_use]
    pub const fn bytes_live(&self) -> i64 {
        self.bytes_live
    }

    /// The most bytes that lived at once, beyond those at the start. Where a block grows, old and
    /// new count as one.
    #[must_use]
    pub const fn bytes_live_most(&self) -> u64 {
        self.bytes_live_most.unsigned_abs()
    }

    /// The size asked for by the first call that allocated or reallocated.
    #[must_use]
    pub const fn first_bytes(&self) -> Option<usize> {
        self.first_bytes
    }

    pub(crate) fn allocate(&mut self, bytes: usize) {
        self.allocations += 1;
        self.first_bytes = self.first_bytes.or(Some(bytes));
        self.grow(bytes);
    }

    pub(crate) fn reallocate(&mut self, from_bytes: usize, to_bytes: usize) {
        self.reallocations += 1;
        self.first_bytes = self.first_bytes.or(Some(to_bytes));
        self.grow(to_bytes.saturating_sub(from_bytes));
        self.shrink(from_bytes.saturating_sub(to_bytes));
    }

    pub(crate) fn free(&mut self, bytes: usize) {
        self.frees += 1;
        self.shrink(bytes);
    }

    /// Adds what came after this.
    pub(crate) fn add(&mut self, later: &Measurement) {
        self.allocations += later.allocations;
        self.reallocations += later.reallocations;
        self.frees += later.frees;
        self.bytes_allocated += later.bytes_allocated;
        self.bytes_freed += later.bytes_freed;
        self.bytes_live_most = self.bytes_live_most.max(self.bytes_live + later.bytes_live_most);
        self.bytes_live += later.bytes_live;
        self.first_bytes = self.first_bytes.or(later.first_bytes);
    }

    /// No block is larger than `isize::MAX` bytes, so that the conversions keep the value.
    fn grow(&mut self, bytes: usize) {
        self.bytes_allocated += bytes as u64;
        self.bytes_live += bytes as i64;
        self.bytes_live_most = self.bytes_live_most.max(self.bytes_live);
    }

    fn shrink(&mut self, bytes: usize) {
        self.bytes_freed += bytes as u64;
        self.bytes_live -= bytes as i64;
    }
}

impl Display for Measurement {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> FmtResult {
        let (allocations, reallocations, frees) = (self.allocations, self.reallocations, self.frees);
        write!(formatter, "{allocations} allocations, {reallocations} reallocations, {frees} frees")?;
        if let Some(first) = self.first_bytes {
            write!(formatter, ", the first of {first} bytes")?;
        }
        let (allocated, most) = (self.bytes_allocated, self.bytes_live_most);
        write!(formatter, "; {allocated} bytes allocated, at most {most} live at once")
    }
}
