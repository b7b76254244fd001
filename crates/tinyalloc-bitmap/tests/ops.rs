//! Every operation of a bitmap against a vector of booleans.
#![allow(clippy::disallowed_types, clippy::unwrap_used, clippy::absolute_paths)]

use core::cell::Cell;
use core::ops::Range;
use core::sync::atomic::{AtomicU16, AtomicU64};
use proptest::collection::vec;
use proptest::prelude::{ProptestConfig, Strategy, any, prop_assert, prop_assert_eq, prop_oneof, proptest};
use tinyalloc_bitmap::{BitSlice, BitmapOps, Words};

/// Words spread through other records, with junk above the last valid bit.
struct Strided {
    records: Vec<(u32, Cell<u64>)>,
    bits: usize,
}

impl Strided {
    fn of(model: &[bool], junk: u64) -> Self {
        let words = model.len().div_ceil(64);
        let strided = Self { records: (0..words).map(|_| (7, Cell::new(junk))).collect(), bits: model.len() };
        for (bit, set) in model.iter().enumerate() {
            if *set { strided.set(bit) } else { strided.clear(bit) }
        }
        strided
    }

    fn model(&self) -> Vec<bool> {
        (0..self.bits).map(|bit| self.get(bit)).collect()
    }
}

impl Words for Strided {
    fn bits(&self) -> usize {
        self.bits
    }

    fn word(&self, index: usize) -> u64 {
        self.records[index].1.get()
    }

    fn set_word(&self, index: usize, word: u64) {
        self.records[index].1.set(word);
    }
}

/// Runs of equal bits of every length, and noise.
fn model() -> impl Strategy<Value = Vec<bool>> {
    let runs = vec((any::<bool>(), prop_oneof![1..4usize, 1..70usize, 60..200usize]), 1..12)
        .prop_map(|runs| runs.into_iter().flat_map(|(set, length)| vec![set; length]).collect());
    prop_oneof![runs, vec(any::<bool>(), 1..300)]
}

fn runs_of(model: &[bool], wanted: bool, from: usize) -> Vec<Range<usize>> {
    let mut runs: Vec<Range<usize>> = Vec::new();
    for bit in (from..model.len()).filter(|bit| model[*bit] == wanted) {
        match runs.last_mut() {
            Some(run) if run.end == bit => run.end += 1,
            _ => runs.push(bit..bit + 1),
        }
    }
    runs
}

fn find_run(model: &[bool], wanted: bool, from: usize, length: usize, align: usize) -> Option<usize> {
    (from.next_multiple_of(align)..)
        .step_by(align)
        .take_while(|start| start + length <= model.len())
        .find(|start| model[*start..start + length].iter().all(|set| *set == wanted))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: if cfg!(miri) { 8 } else { 2000 }, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn single_bits_change_alone(model in model(), bit in any::<usize>(), junk in any::<u64>()) {
        let bit = bit % model.len();
        let strided = Strided::of(&model, junk);
        let mut expected = model.clone();
        strided.flip(bit);
        expected[bit] = !expected[bit];
        prop_assert_eq!(strided.model(), expected.clone());
        strided.set(bit);
        expected[bit] = true;
        prop_assert_eq!(strided.model(), expected.clone());
        strided.clear(bit);
        expected[bit] = false;
        prop_assert_eq!(strided.model(), expected);
    }

    #[test]
    fn ranges_behave_as_their_bits_do(model in model(), ends in any::<(usize, usize)>(), junk in any::<u64>()) {
        let (one, other) = (ends.0 % (model.len() + 1), ends.1 % (model.len() + 1));
        let range = one.min(other)..one.max(other);
        let strided = Strided::of(&model, junk);
        let part = &model[range.clone()];
        prop_assert_eq!(strided.count_set(range.clone()), part.iter().filter(|set| **set).count());
        prop_assert_eq!(strided.all_set(range.clone()), part.iter().all(|set| *set));
        prop_assert_eq!(strided.all_clear(range.clone()), part.iter().all(|set| !*set));
        let mut expected = model.clone();
        strided.set_range(range.clone());
        expected[range.clone()].fill(true);
        prop_assert_eq!(strided.model(), expected.clone());
        prop_assert!(strided.all_set(range.clone()));
        strided.clear_range(range.clone());
        expected[range.clone()].fill(false);
        prop_assert_eq!(strided.model(), expected);
        prop_assert!(strided.all_clear(range));
    }

    #[test]
    fn searches_find_the_nearest_bit(model in model(), from in 0..400usize, junk in any::<u64>()) {
        let strided = Strided::of(&model, junk);
        let after = || from.min(model.len())..model.len();
        let before = || 0..from.min(model.len());
        prop_assert_eq!(strided.find_first_set(from), after().find(|bit| model[*bit]));
        prop_assert_eq!(strided.find_first_clear(from), after().find(|bit| !model[*bit]));
        prop_assert_eq!(strided.find_last_set(from), before().rev().find(|bit| model[*bit]));
        prop_assert_eq!(strided.find_last_clear(from), before().rev().find(|bit| !model[*bit]));
        prop_assert_eq!(strided.trailing_clear_run(), model.iter().rev().take_while(|set| !**set).count());
    }

    #[test]
    fn a_run_is_found_at_the_lowest_aligned_start(
        model in model(),
        from in prop_oneof![0..80usize, 0..600usize],
        length in prop_oneof![0..5usize, 0..70usize, 60..260usize],
        align in (0..10u32).prop_map(|power| 1usize << power),
        junk in any::<u64>(),
    ) {
        let strided = Strided::of(&model, junk);
        prop_assert_eq!(strided.find_clear_run(from, length, align), find_run(&model, false, from, length, align));
        prop_assert_eq!(strided.find_set_run(from, length, align), find_run(&model, true, from, length, align));
    }

    #[test]
    fn a_run_below_an_end_is_found_or_the_longest_is_named(
        model in model(),
        from in prop_oneof![0..80usize, 0..600usize],
        end in (0..8usize).prop_map(|words| words * 64),
        length in prop_oneof![1..5usize, 1..70usize, 60..260usize],
        junk in any::<u64>(),
    ) {
        let strided = Strided::of(&model, junk);
        let expected = |wanted| {
            let runs = || runs_of(&model, wanted, from).into_iter().filter(|run| run.start < end);
            let found = runs().find(|run| run.len() >= length).map(|run| run.start);
            found.ok_or(runs().map(|run| run.len()).max().unwrap_or(0))
        };
        prop_assert_eq!(strided.find_clear_run_below(from, end, length), expected(false));
        prop_assert_eq!(strided.find_set_run_below(from, end, length), expected(true));
    }

    #[test]
    fn the_runs_are_maximal_and_complete(model in model(), from in 0..300usize, junk in any::<u64>()) {
        let strided = Strided::of(&model, junk);
        prop_assert_eq!(strided.set_runs(from).collect::<Vec<_>>(), runs_of(&model, true, from));
        prop_assert_eq!(strided.clear_runs(from).collect::<Vec<_>>(), runs_of(&model, false, from));
    }

    #[test]
    fn narrow_words_hold_the_same_bits_as_wide_ones(model in model(), range in any::<(usize, usize)>()) {
        let (one, other) = (range.0 % (model.len() + 1), range.1 % (model.len() + 1));
        let range = one.min(other)..one.max(other);
        let bytes: Vec<Cell<u8>> = (0..model.len().div_ceil(8)).map(|_| Cell::new(0)).collect();
        let halves: Vec<AtomicU16> = (0..model.len().div_ceil(16)).map(|_| AtomicU16::new(0)).collect();
        let words: Vec<AtomicU64> = (0..model.len().div_ceil(64)).map(|_| AtomicU64::new(0)).collect();
        let bytes = BitSlice::new(&bytes, model.len()).unwrap();
        let halves = BitSlice::new(&halves, model.len()).unwrap();
        let words = BitSlice::new(&words, model.len()).unwrap();
        for bit in (0..model.len()).filter(|bit| model[*bit]) {
            prop_assert!(!bytes.set(bit) && !halves.set(bit) && !words.flip(bit));
        }
        for views in [&bytes as &dyn Words, &halves, &words] {
            prop_assert_eq!((0..model.len()).map(|bit| views.get(bit)).collect::<Vec<_>>(), model.clone());
            views.set_range(range.clone());
            prop_assert_eq!(views.set_runs(0).collect::<Vec<_>>(), {
                let mut expected = model.clone();
                expected[range.clone()].fill(true);
                runs_of(&expected, true, 0)
            });
            (0..model.len().div_ceil(64)).for_each(|index| views.xor_word(index, u64::MAX));
            prop_assert!(views.all_clear(range.clone()));
            views.clear_range(0..model.len());
            prop_assert!(views.all_clear(0..model.len()));
        }
    }
}

#[test]
fn an_empty_bitmap_holds_nothing_and_no_run_but_the_empty_one() {
    let empty = Strided::of(&[], 0);
    assert_eq!(empty.find_first_set(0), None);
    assert_eq!(empty.find_first_clear(0), None);
    assert_eq!(empty.find_clear_run(0, 1, 1), None);
    assert_eq!(empty.find_clear_run(0, 0, 1), Some(0));
    assert_eq!(empty.trailing_clear_run(), 0);
    assert_eq!(empty.clear_runs(0).next(), None);
}

#[test]
fn absurd_lengths_and_starts_are_refused_without_overflow() {
    let model = Strided::of(&[false; 200], 0);
    assert_eq!(model.find_clear_run(0, usize::MAX, 1), None);
    assert_eq!(model.find_clear_run(usize::MAX, 1, 1), None);
    assert_eq!(model.find_clear_run(usize::MAX, 1, 1 << 63), None);
    assert_eq!(model.find_clear_run(1, 1, 1 << 63), None);
    assert_eq!(model.find_clear_run(0, 200, 1 << 63), Some(0));
    assert_eq!(model.find_last_clear(usize::MAX), Some(199));
}
