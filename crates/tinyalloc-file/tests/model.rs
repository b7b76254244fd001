//! The whole interface against a model: contents, names, alignment, commits, rollbacks, and what is
//! there after reopening.
#![allow(clippy::disallowed_types, clippy::unwrap_used, clippy::absolute_paths, reason = "tests may allocate and give up")]
#![allow(clippy::cast_possible_truncation, reason = "small numbers")]

mod common;

use common::{BLOCKS, Entry, Model, NAMES, Op, apply, begin, compare, compare_committed, options, set_transaction, transaction};
use proptest::prelude::*;
use tinyalloc_file::{FileHeap, TestFile};

#[derive(Clone, Debug)]
enum Act {
    Op(Op),
    Commit,
    Rollback,
    /// The heap is dropped and opened again, without a commit.
    Reopen,
    ReadOnly,
}

fn bytes() -> impl Strategy<Value = usize> {
    prop_oneof![8 => 0..300usize, 4 => 200..5000usize, 2 => 4000..70_000usize, 1 => 60_000..600_000usize]
}

fn op() -> impl Strategy<Value = Op> {
    let (id, seed) = (0..BLOCKS, any::<u8>());
    prop_oneof![
        6 => (id.clone(), bytes(), 0..13u32, seed)
            .prop_map(|(id, bytes, shift, seed)| Op::Put { id, bytes, align: 1 << shift, seed }),
        3 => id.clone().prop_map(|id| Op::Remove { id }),
        4 => (id.clone(), bytes(), seed).prop_map(|(id, bytes, seed)| Op::Resize { id, bytes, seed }),
        2 => (id.clone(), bytes(), bytes(), seed).prop_map(|(id, at, bytes, seed)| Op::Patch { id, at, bytes, seed }),
        1 => (0..NAMES, id).prop_map(|(name, id)| Op::Name { name, id }),
        1 => (0..NAMES).prop_map(|name| Op::Unname { name }),
    ]
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        30 => op().prop_map(Act::Op),
        3 => Just(Act::Commit),
        1 => Just(Act::Rollback),
        1 => Just(Act::Reopen),
        1 => Just(Act::ReadOnly),
    ]
}

fn check_trace(acts: &[Act], sparse: bool) {
    let file = TestFile::new(&[]).unwrap();
    let options = options().sparse(sparse);
    let mut heap = file.create(&options).unwrap();
    begin(&mut heap);
    let (mut model, mut committed) = (Model::default(), Model::default());
    for act in acts {
        match act {
            Act::Op(op) => {
                apply(&mut heap, op).unwrap();
                model.apply(op);
            }
            Act::Commit => {
                model.transaction = transaction(&heap) + 1;
                set_transaction(&mut heap, model.transaction);
                heap.commit().unwrap();
                assert!(!heap.has_changes());
                assert_eq!(heap.stats().changed, 0);
                committed = model.clone();
                compare_committed(&heap, &model);
            }
            Act::Rollback => {
                heap.rollback().unwrap();
                model = committed.clone();
                compare_committed(&heap, &model);
            }
            Act::Reopen => {
                drop(heap);
                heap = file.open(&options).unwrap();
                model = committed.clone();
                compare_committed(&heap, &model);
            }
            Act::ReadOnly => compare_committed(&file.open_read_only(&options).unwrap(), &committed),
        }
        let report = heap.check().unwrap();
        assert!(report.is_clean(), "{:?}", report.findings());
    }
    compare(&heap, &model);
    free_all(&mut heap, &model);
}

/// What is freed is one again.
fn free_all(heap: &mut FileHeap, model: &Model) {
    for id in model.blocks.keys() {
        apply(heap, &Op::Remove { id: *id }).unwrap();
    }
    let (table, transaction) = (heap.root::<Entry>("table").unwrap(), heap.root::<u64>("transaction").unwrap());
    for (name, _) in heap.roots().map(|(name, block)| (name.to_owned(), block)).collect::<Vec<_>>() {
        heap.remove_root(&name).unwrap();
    }
    heap.free(table.unwrap()).unwrap();
    heap.free(transaction.unwrap()).unwrap();
    heap.commit().unwrap();
    let stats = heap.stats();
    assert_eq!((stats.blocks, stats.allocated, stats.free), (0, 0, stats.data - stats.metadata));
    assert_eq!(stats.free_spans, stats.growths + 1, "each extent is one free span");
    assert!(heap.check().unwrap().is_clean());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, max_shrink_iters: 400, ..ProptestConfig::default() })]

    #[test]
    fn a_heap_holds_what_was_written_and_reopens_as_it_was_committed(acts in prop::collection::vec(act(), 1..120), sparse: bool) {
        check_trace(&acts, sparse);
    }
}
