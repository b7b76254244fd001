//! Checks that a user may ask for, without another build. With none of them on, they cost nothing:
//! a program that wants some never finds a free slot where the hit path looks, and so comes to the
//! slow path with every call.

/// From one in so many on, allocations are sampled where bins are refilled.
const SAMPLED_AT_REFILLS: u32 = 32;

/// What is checked beyond the default. Holds from the first allocation on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Checks {
    /// Freed memory is cleared at once.
    pub zero_on_free: bool,
    /// Freed slots are cleared and wait in random order before they are used again, and no thread
    /// may have written to them by then; live ones end in a canary that `free` looks at; spans end
    /// in a guard, are cut in random order, and stay with their size class; freed large blocks
    /// trap.
    pub hardened: bool,
    /// Bytes of freed slots that a thread keeps waiting, with `hardened`.
    pub quarantine_bytes: usize,
    /// One in so many allocations, on average, gets a page of its own between guards; 0 for none.
    pub guard_every: u32,
    /// Under valgrind, memcheck knows every block, and nothing is hardened.
    pub valgrind: bool,
}

impl Checks {
    /// No checks beyond the default.
    pub const NONE: Checks = Checks {
        zero_on_free: false,
        hardened: false,
        quarantine_bytes: Checks::QUARANTINE_BYTES,
        guard_every: 0,
        valgrind: false,
    };

    /// What a thread keeps waiting unless an option sets it.
    pub const QUARANTINE_BYTES: usize = 64 * 1024;

    /// Whether every free is to be looked at. Rarer samples are picked where bins are refilled, and
    /// the hit path stays as it is.
    #[must_use]
    pub const fn any(&self) -> bool {
        self.zero_on_free || self.every_allocation()
    }

    /// Whether every allocation is to be looked at.
    pub(crate) const fn every_allocation(&self) -> bool {
        self.hardened || self.valgrind || (self.guard_every > 0 && self.guard_every < SAMPLED_AT_REFILLS)
    }
}
