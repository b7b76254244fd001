//! A set of numbered blocks in a heap, and the same set as a model of it.
#![allow(dead_code, reason = "each test uses some of it")]

use std::alloc::Layout;
use std::collections::BTreeMap;

use tinyalloc_file::{FileHeap, FilePtr, Options, Result, plain};

pub(crate) const BLOCKS: usize = 48;
pub(crate) const NAMES: usize = 4;

plain! {
    /// One numbered block.
    pub(crate) struct Entry {
        pub block: FilePtr<u8>,
        pub bytes: u64,
    }
}

#[derive(Clone, Debug)]
pub(crate) enum Op {
    Put { id: usize, bytes: usize, align: usize, seed: u8 },
    Remove { id: usize },
    Resize { id: usize, bytes: usize, seed: u8 },
    Patch { id: usize, at: usize, bytes: usize, seed: u8 },
    Name { name: usize, id: usize },
    Unname { name: usize },
}

/// Small, so that growth is part of every test.
pub(crate) fn options() -> Options {
    Options::new().initial_bytes(128 << 10).reserve_bytes(128 << 20)
}

pub(crate) fn pattern(seed: u8, at: usize, bytes: usize) -> Vec<u8> {
    (at..at + bytes).map(|index| seed.wrapping_add((index ^ (index >> 8)) as u8)).collect()
}

/// A name as long as its number says, so that tables of roots have many sizes.
pub(crate) fn name(number: usize) -> String {
    format!("{number}-{}", "é".repeat(number * 30))
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Model {
    pub blocks: BTreeMap<usize, Vec<u8>>,
    pub names: BTreeMap<usize, usize>,
    pub transaction: u64,
}

impl Model {
    pub(crate) fn apply(&mut self, op: &Op) {
        match *op {
            Op::Put { id, bytes, seed, .. } => {
                self.names.retain(|_, named| *named != id);
                self.blocks.insert(id, pattern(seed, 0, bytes));
            }
            Op::Remove { id } => {
                self.names.retain(|_, named| *named != id);
                self.blocks.remove(&id);
            }
            Op::Resize { id, bytes, seed } => {
                if let Some(block) = self.blocks.get_mut(&id) {
                    let kept = block.len().min(bytes);
                    block.truncate(kept);
                    block.extend(pattern(seed, kept, bytes - kept));
                }
            }
            Op::Patch { id, at, bytes, seed } => {
                if let Some(block) = self.blocks.get_mut(&id) {
                    let at = at.min(block.len());
                    let end = (at + bytes).min(block.len());
                    block[at..end].copy_from_slice(&pattern(seed, at, end - at));
                }
            }
            Op::Name { name, id } => {
                if self.blocks.contains_key(&id) {
                    self.names.insert(name, id);
                }
            }
            Op::Unname { name } => _ = self.names.remove(&name),
        }
    }
}

/// Makes an empty set in a new heap, and commits it.
pub(crate) fn begin(heap: &mut FileHeap) {
    let table = heap.insert_slice(&[Entry { block: FilePtr::NULL, bytes: 0 }; BLOCKS]).unwrap();
    let transaction = heap.insert(0u64).unwrap();
    heap.set_root("table", table).unwrap();
    heap.set_root("transaction", transaction).unwrap();
    heap.commit().unwrap();
}

fn table(heap: &FileHeap) -> FilePtr<Entry> {
    heap.root("table").unwrap().unwrap()
}

fn entry(heap: &FileHeap, id: usize) -> Entry {
    *heap.get(table(heap).add(id)).unwrap()
}

fn set_entry(heap: &mut FileHeap, id: usize, block: FilePtr<u8>, bytes: usize) -> Result<()> {
    let place = table(heap).add(id);
    *heap.get_mut(place)? = Entry { block, bytes: bytes as u64 };
    Ok(())
}

fn remove(heap: &mut FileHeap, id: usize) -> Result<()> {
    let old = entry(heap, id);
    if old.block.is_null() {
        return Ok(());
    }
    for number in 0..NAMES {
        if heap.root::<u8>(&name(number))? == Some(old.block) {
            heap.remove_root(&name(number))?;
        }
    }
    heap.free(old.block)?;
    set_entry(heap, id, FilePtr::NULL, 0)
}

fn put(heap: &mut FileHeap, id: usize, bytes: usize, align: usize, seed: u8) -> Result<()> {
    remove(heap, id)?;
    let block = heap.allocate(Layout::from_size_align(bytes, align).unwrap())?;
    assert!(block.offset() % (align as u64) == 0);
    heap.slice_mut(block, bytes)?.copy_from_slice(&pattern(seed, 0, bytes));
    set_entry(heap, id, block, bytes)
}

fn resize(heap: &mut FileHeap, id: usize, bytes: usize, seed: u8) -> Result<()> {
    let old = entry(heap, id);
    if old.block.is_null() {
        return Ok(());
    }
    let block = heap.reallocate(old.block, Layout::from_size_align(bytes, 1).unwrap())?;
    let kept = bytes.min(old.bytes as usize);
    if bytes > kept {
        heap.slice_mut(block.add(kept), bytes - kept)?.copy_from_slice(&pattern(seed, kept, bytes - kept));
    }
    set_entry(heap, id, block, bytes)
}

fn patch(heap: &mut FileHeap, id: usize, at: usize, bytes: usize, seed: u8) -> Result<()> {
    let old = entry(heap, id);
    let at = at.min(old.bytes as usize);
    let bytes = bytes.min(old.bytes as usize - at);
    if !old.block.is_null() && bytes > 0 {
        heap.slice_mut(old.block.add(at), bytes)?.copy_from_slice(&pattern(seed, at, bytes));
    }
    Ok(())
}

pub(crate) fn apply(heap: &mut FileHeap, op: &Op) -> Result<()> {
    match *op {
        Op::Put { id, bytes, align, seed } => put(heap, id, bytes, align, seed),
        Op::Remove { id } => remove(heap, id),
        Op::Resize { id, bytes, seed } => resize(heap, id, bytes, seed),
        Op::Patch { id, at, bytes, seed } => patch(heap, id, at, bytes, seed),
        Op::Name { name: number, id } => match entry(heap, id).block {
            block if block.is_null() => Ok(()),
            block => heap.set_root(&name(number), block),
        },
        Op::Unname { name: number } => heap.remove_root(&name(number)).map(|_| ()),
    }
}

pub(crate) fn transaction(heap: &FileHeap) -> u64 {
    *heap.get(heap.root::<u64>("transaction").unwrap().unwrap()).unwrap()
}

pub(crate) fn set_transaction(heap: &mut FileHeap, number: u64) {
    let place = heap.root::<u64>("transaction").unwrap().unwrap();
    *heap.get_mut(place).unwrap() = number;
}

/// The heap holds exactly what the model does, and is in order.
pub(crate) fn compare(heap: &FileHeap, model: &Model) {
    assert_eq!(transaction(heap), model.transaction);
    for id in 0..BLOCKS {
        let entry = entry(heap, id);
        match model.blocks.get(&id) {
            None => assert!(entry.block.is_null(), "block {id} is gone"),
            Some(expected) => {
                assert_eq!(entry.bytes as usize, expected.len());
                assert!(heap.slice(entry.block, expected.len()).unwrap() == expected, "block {id} of {} bytes", expected.len());
            }
        }
    }
    for number in 0..NAMES {
        let expected = model.names.get(&number).map(|id| entry(heap, *id).block);
        assert_eq!(heap.root::<u8>(&name(number)).unwrap(), expected);
    }
    assert_eq!(heap.roots().count(), 2 + model.names.len());
    let report = heap.check().unwrap();
    assert!(report.is_clean(), "{:?}", report.findings());
    assert_eq!(report.blocks(), heap.stats().blocks);
}

/// Blocks that only the user knows of: the set, its table and number, and the table of roots.
pub(crate) fn compare_committed(heap: &FileHeap, model: &Model) {
    compare(heap, model);
    assert_eq!(heap.stats().blocks, model.blocks.len() + 3);
}

/// Numbers that only depend on their seed (xorshift64*, Marsaglia 2003 and Vigna 2016).
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Random {
        Random((seed + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub(crate) fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) as usize % end
    }

    fn bytes(&mut self) -> usize {
        match self.below(20) {
            0 => self.below(200_000),
            1..5 => self.below(20_000),
            _ => self.below(300),
        }
    }
}

/// What a transaction does; always the same.
pub(crate) fn ops(transaction: u64) -> Vec<Op> {
    let mut random = Random::new(transaction);
    let count = 1 + random.below(12);
    (0..count).map(|_| random_op(&mut random)).collect()
}

fn random_op(random: &mut Random) -> Op {
    let (id, seed) = (random.below(BLOCKS), random.below(256) as u8);
    match random.below(12) {
        0..4 => Op::Put { id, bytes: random.bytes(), align: 1 << random.below(13), seed },
        4..7 => Op::Remove { id },
        7..9 => Op::Resize { id, bytes: random.bytes(), seed },
        9 => Op::Patch { id, at: random.below(20_000), bytes: random.bytes(), seed },
        10 => Op::Name { name: random.below(NAMES), id },
        _ => Op::Unname { name: random.below(NAMES) },
    }
}

/// The model after so many transactions.
pub(crate) fn model_after(transactions: u64) -> Model {
    let mut model = Model::default();
    advance(&mut model, transactions);
    model
}

pub(crate) fn advance(model: &mut Model, transactions: u64) {
    while model.transaction < transactions {
        model.transaction += 1;
        ops(model.transaction).iter().for_each(|op| model.apply(op));
    }
}

/// One transaction, committed.
pub(crate) fn transact(heap: &mut FileHeap) -> Result<u64> {
    let next = transaction(heap) + 1;
    ops(next).iter().try_for_each(|op| apply(heap, op))?;
    let place = heap.root::<u64>("transaction")?.unwrap();
    *heap.get_mut(place)? = next;
    heap.commit()?;
    Ok(next)
}
