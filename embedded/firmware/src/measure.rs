//! What an operation costs.

use core::hint::black_box;

use crate::timer::{elapsed, now};

#[inline(never)]
fn raw<R>(step: impl FnOnce() -> R) -> (u32, R) {
    let begin = now();
    let result = step();
    let end = now();
    (elapsed(begin, end), result)
}

/// Runs the step and returns what it takes, in the timer's unit, without those of the measurement.
pub fn measured<R>(step: impl FnOnce() -> R) -> (u32, R) {
    let (nothing, ()) = raw(|| ());
    let (cost, result) = raw(step);
    (cost.saturating_sub(nothing), black_box(result))
}

/// The least and the most that an operation takes.
#[derive(Clone, Copy)]
pub struct Range {
    pub fewest: u32,
    pub most: u32,
}

impl Range {
    pub const NONE: Self = Self { fewest: u32::MAX, most: 0 };

    pub fn add(&mut self, cost: u32) {
        self.fewest = self.fewest.min(cost);
        self.most = self.most.max(cost);
    }
}

/// Prints a row of the table: who, what, and its cost.
pub fn row(who: &str, what: &str, cost: Range) {
    crate::println!("row|", who, "|", what, "|", cost.fewest, "|", cost.most);
}

/// Prints a row of an operation that always costs the same, unless the data says otherwise: the
/// range over `times` times.
pub fn repeated<R>(who: &str, what: &str, times: u32, mut step: impl FnMut() -> R, mut undo: impl FnMut(R) -> usize) {
    let mut cost = Range::NONE;
    for _ in 0..times {
        let (taken, result) = measured(&mut step);
        cost.add(taken);
        undo(result);
    }
    row(who, what, cost);
}

/// Sixteen bytes that are copied from and to: where they lie must not depend on the program.
#[repr(align(4))]
pub struct Aligned(pub [u8; 16]);
