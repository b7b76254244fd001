//! Tokens: numbers that a compiler gives requests by the type that is allocated, and the partition
//! that each leads to (Clang's AllocToken).

use core::ptr::{NonNull, null_mut};
use core::sync::atomic::{AtomicPtr, Ordering};

use crate::config::policy::PARTITIONS_MAX;
use crate::heap::heap_record::{Heap, HeapRef};
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
#[derive(Clone, Copy)]
pub(crate) struct Route(usize);

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

/// The heaps of the partitions that have one so far, by the routes that lead to them.
pub(crate) struct Routes([AtomicPtr<Heap>; ROUTES]);

impl Routes {
    pub(crate) const fn new() -> Routes {
        Routes([const { AtomicPtr::new(null_mut()) }; ROUTES])
    }

    #[inline(always)]
    pub(crate) fn heap(&self, Route(route): Route) -> Option<HeapRef> {
        let heap = NonNull::new(self.0[route].load(Ordering::Acquire))?;
        // SAFETY: only heaps are put there, and the heap of a partition never ends.
        Some(unsafe { HeapRef::from_node(heap) })
    }

    /// The heap of a partition, if some route leads to it.
    pub(crate) fn heap_of(&self, partition: Partition) -> Option<HeapRef> {
        (0..ROUTES).filter_map(|route| self.heap(Route(route))).find(|heap| heap.partition() == partition)
    }

    pub(crate) fn lead(&self, Route(route): Route, heap: HeapRef) {
        self.0[route].store(heap.as_node().as_ptr(), Ordering::Release);
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
