//! Tokens: numbers that a compiler gives requests by the type that is allocated, and the partition
//! that each leads to (Clang's AllocToken).

use core::cell::Cell;

use crate::config::policy::PARTITIONS_MAX;
use crate::heap::heap_record::HeapRef;
use crate::region::partition::Partition;

/// Before it is known what the user wants.
const UNKNOWN: u8 = u8::MAX;
/// Tokens below it are those of a program with few of them, if it is not said how many there are.
const FEW: usize = 1 << 16;
/// Tokens that differ in these bits may lead to different partitions.
const MASK: usize = 7;
/// For tokens of types without pointers, for those of types with pointers, and for few tokens.
const KINDS: usize = 3;
const ROUTES: usize = KINDS * (MASK + 1);
const _: () = assert!(PARTITIONS_MAX as usize == MASK + 1);

/// How tokens are divided.
#[derive(Clone, Copy)]
pub(crate) struct Tokens {
    partitions: u8,
    few_end: usize,
    upper: usize,
}

/// The way of a token to its partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Route(usize);

impl Route {
    /// The route as a small number.
    #[must_use]
    pub const fn number(self) -> usize {
        self.0
    }

    /// The route of a number.
    #[must_use]
    pub const fn of(number: usize) -> Option<Route> {
        if number < ROUTES { Some(Route(number)) } else { None }
    }
}

impl Tokens {
    /// It is not known yet whether there are partitions.
    pub(crate) const UNKNOWN: Tokens = Tokens { partitions: UNKNOWN, few_end: 0, upper: 0 };

    /// `tokens` is how many there are, 0 for as many as a word has.
    pub(crate) const fn new(partitions: u8, tokens: usize) -> Tokens {
        let (few_end, upper) = if tokens == 0 { (FEW, usize::MAX / 2) } else { (0, tokens / 2) };
        Tokens { partitions, few_end, upper }
    }

    /// Whether there are partitions, or it is not known yet.
    #[inline(always)]
    pub(crate) const fn may_count(self) -> bool {
        self.partitions != 0
    }

    pub(crate) const fn count(self) -> bool {
        self.partitions != 0 && self.partitions != UNKNOWN
    }

    #[inline(always)]
    pub(crate) const fn route(self, token: usize) -> Route {
        let kind = if token < self.few_end { 2 } else { (token >= self.upper) as usize };
        Route(kind * (MASK + 1) + (token & MASK))
    }

    /// The lower half of the tokens has the lower half of the partitions; few tokens have them by
    /// turns.
    #[expect(clippy::cast_possible_truncation, reason = "at most MASK")]
    pub(crate) const fn partition(self, Route(route): Route) -> Partition {
        let (all, token) = (self.partitions, (route & MASK) as u8);
        let lower = all / 2;
        let number = match route / (MASK + 1) {
            0 => token % lower,
            1 => lower + token % (all - lower),
            _ => token % all,
        };
        Partition::of(number + 1)
    }
}

/// The heaps of the partitions, by the routes that lead to them; none where there are no
/// partitions. Set when the allocator starts, as all of the read-only state.
pub(crate) struct Routes([Cell<Option<HeapRef>>; ROUTES]);

impl Routes {
    pub(crate) const fn new() -> Routes {
        Routes([const { Cell::new(None) }; ROUTES])
    }

    #[inline(always)]
    pub(crate) fn heap(&self, Route(route): Route) -> Option<HeapRef> {
        self.0[route].get()
    }

    /// Makes the routes that do not lead anywhere lead to heaps; `heap` has that of a partition, or
    /// `None` without memory for it.
    pub(crate) fn open(&self, tokens: Tokens, mut heap: impl FnMut(Partition) -> Option<HeapRef>) -> Option<()> {
        for (route, at) in self.0.iter().enumerate().filter(|(_, at)| at.get().is_none()) {
            let partition = tokens.partition(Route(route));
            let is_same = |heap: &HeapRef| heap.partition() == partition;
            let same = self.0.iter().find_map(|at| at.get().filter(is_same));
            at.set(Some(same.or_else(|| heap(partition))?));
        }
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::{MASK, Route, Tokens};

    fn partition(partitions: u8, tokens: usize, token: usize) -> u8 {
        let tokens = Tokens::new(partitions, tokens);
        tokens.partition(tokens.route(token)).number()
    }

    #[test]
    fn halves_of_the_tokens_have_partitions_of_their_own() {
        for partitions in 2..=8 {
            for tokens in [0, 16, 512, 1 << 40] {
                let upper = if tokens == 0 { usize::MAX / 2 } else { tokens / 2 };
                let (low, high) = (if tokens == 0 { 1 << 16 } else { 0 }, if tokens == 0 { usize::MAX } else { tokens });
                for step in 0..8 {
                    assert!((1..=partitions / 2).contains(&partition(partitions, tokens, low + step)));
                    assert!((1..=partitions / 2).contains(&partition(partitions, tokens, upper - 1 - step)));
                    assert!((partitions / 2 + 1..=partitions).contains(&partition(partitions, tokens, upper + step)));
                    assert!((partitions / 2 + 1..=partitions).contains(&partition(partitions, tokens, high - 1 - step)));
                }
            }
        }
    }

    #[test]
    fn as_many_tokens_as_partitions_have_one_each() {
        for partitions in 2..=8_u8 {
            for tokens in [0, usize::from(partitions)] {
                let led_to = |wanted| (0..usize::from(partitions)).any(|token| partition(partitions, tokens, token) == wanted);
                assert!((1..=partitions).all(led_to), "{partitions} of {tokens}");
            }
        }
    }

    #[test]
    fn every_partition_is_led_to() {
        for partitions in 2..=8 {
            let tokens = Tokens::new(partitions, 0);
            for wanted in 1..=partitions {
                let half = (0..2 * (MASK + 1)).map(|route| tokens.partition(Route(route)).number());
                assert!(half.clone().any(|number| number == wanted));
            }
        }
    }
}
