use std::error::Error;
use std::fmt::{Display, Formatter, Result as FmtResult};

use crate::measurement::Measurement;
use crate::scope::measure;

/// What may be allocated: as much as you like, where nothing is said.
///
/// ```
/// # use tinyalloc_testing as testing;
/// # use std::alloc::System;
/// use testing::{Budget, Counting, budget, measure};
/// # #[global_allocator]
/// # static GLOBAL: Counting<System> = Counting::new(System);
///
/// let list = budget(Budget::new().allocations(2).bytes_allocated(100), || vec![Box::new(1)]);
///
/// // Without a panic: the error says what was too much.
/// let (_, measured) = measure(|| vec![0; 100]);
/// assert!(Budget::new().bytes_live_most(50).check(&measured).is_err());
/// # drop(list);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[must_use]
pub struct Budget {
    allocations: Option<u64>,
    bytes_allocated: Option<u64>,
    bytes_live_most: Option<u64>,
}

/// More than the budget was allocated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exceeded {
    what: &'static str,
    limit: u64,
    actual: u64,
    measured: Measurement,
}

impl Budget {
    /// No limits yet.
    pub const fn new() -> Budget {
        Budget { allocations: None, bytes_allocated: None, bytes_live_most: None }
    }

    /// At most that many allocations and reallocations.
    pub const fn allocations(self, most: u64) -> Budget {
        Budget { allocations: Some(most), ..self }
    }

    /// At most that many bytes allocated, whether freed again or not.
    pub const fn bytes_allocated(self, most: u64) -> Budget {
        Budget { bytes_allocated: Some(most), ..self }
    }

    /// At most that many bytes live at once, beyond those that lived before: what memory it takes.
    pub const fn bytes_live_most(self, most: u64) -> Budget {
        Budget { bytes_live_most: Some(most), ..self }
    }

    /// Whether what was measured is within the limits.
    ///
    /// # Errors
    /// It is not: the first limit that was exceeded.
    pub fn check(&self, measured: &Measurement) -> Result<(), Exceeded> {
        let limits = [
            ("allocations and reallocations", self.allocations, measured.allocations() + measured.reallocations()),
            ("bytes allocated", self.bytes_allocated, measured.bytes_allocated()),
            ("bytes live at once", self.bytes_live_most, measured.bytes_live_most()),
        ];
        for (what, limit, actual) in limits {
            if let Some(limit) = limit.filter(|limit| actual > *limit) {
                return Err(Exceeded { what, limit, actual, measured: *measured });
            }
        }
        Ok(())
    }
}

impl Display for Exceeded {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> FmtResult {
        let Exceeded { what, limit, actual, measured } = self;
        write!(formatter, "{actual} {what}, and {limit} are allowed ({measured})")
    }
}

impl Error for Exceeded {}

/// Runs the closure to its end, and then panics if this thread allocated more than the limits
/// allow.
///
/// # Panics
/// If a limit was exceeded, at the caller's line; and if the program's global allocator is not a
/// [`Counting`](crate::Counting).
#[track_caller]
pub fn budget<R>(limits: Budget, work: impl FnOnce() -> R) -> R {
    let (result, measured) = measure(work);
    if let Err(exceeded) = limits.check(&measured) {
        panic!("over budget: {exceeded}");
    }
    result
}

/// Runs the closure to its end, and then panics if this thread allocated or reallocated anything.
/// Freeing is allowed.
///
/// # Panics
/// If something was allocated, at the caller's line; and if the program's global allocator is not a
/// [`Counting`](crate::Counting).
#[track_caller]
pub fn assert_no_alloc<R>(work: impl FnOnce() -> R) -> R {
    let (result, measured) = measure(work);
    assert!(Budget::new().allocations(0).check(&measured).is_ok(), "no allocation is allowed here: {measured}");
    result
}
