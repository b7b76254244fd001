//! Collections on an isolated heap, through allocator-api2 0.2 and 0.4 side by side.
#![cfg(all(feature = "engine", feature = "allocator-api2-02", feature = "allocator-api2-04"))]
#![allow(
    clippy::disallowed_types,
    clippy::multiple_unsafe_ops_per_block,
    clippy::unwrap_used,
    reason = "not the core: it allocates, gives up, and tests it"
)]

use std::alloc::Layout;
use std::cmp::Ordering;

use allocator_api2_02::alloc::Allocator;
use allocator_api2_02::boxed::Box as OldBox;
use allocator_api2_02::vec::Vec as OldVec;
use allocator_api2_04::boxed::Box as NewBox;
use allocator_api2_04::vec::Vec as NewVec;
use blink_alloc::BlinkAlloc;
use hashbrown::{DefaultHashBuilder, HashMap, HashSet};
use tinyalloc::Heap;

const KIB: usize = 1024;
const MIB: usize = 1024 * KIB;

/// A sorted map of one box per entry, as a B-tree map is one of a box per node.
struct Tree<'heap, V> {
    root: Option<NewBox<Node<'heap, V>, &'heap Heap>>,
}

struct Node<'heap, V> {
    key: u32,
    value: V,
    children: [Tree<'heap, V>; 2],
}

impl<'heap, V> Tree<'heap, V> {
    const fn new() -> Tree<'heap, V> {
        Tree { root: None }
    }

    fn insert(&mut self, heap: &'heap Heap, key: u32, value: V) {
        let Some(node) = &mut self.root else {
            self.root = Some(NewBox::new_in(Node { key, value, children: [Tree::new(), Tree::new()] }, heap));
            return;
        };
        match key.cmp(&node.key) {
            Ordering::Equal => node.value = value,
            other => node.children[usize::from(other == Ordering::Greater)].insert(heap, key, value),
        }
    }

    fn visit(&self, visit: &mut impl FnMut(u32, &V)) {
        if let Some(node) = &self.root {
            node.children[0].visit(visit);
            visit(node.key, &node.value);
            node.children[1].visit(visit);
        }
    }
}

fn scattered(count: u32) -> impl Iterator<Item = u32> {
    (0..count).map(|number| number.wrapping_mul(2_654_435_761))
}

#[test]
fn vectors_and_boxes_of_both_versions_share_a_heap() {
    let heap = Heap::new().unwrap();
    {
        let mut old = OldVec::new_in(&heap);
        let mut new = NewVec::new_in(&heap);
        for number in 0..100_000u32 {
            old.push(number);
            new.push(u64::from(number));
        }
        let boxes = (OldBox::new_in([1u8; 10], &heap), NewBox::new_in([2u8; 10], &heap));
        assert!(old.iter().zip(&new).all(|(old, new)| u64::from(*old) == *new));
        assert!(heap.contains(boxes.0.as_ptr()) && heap.contains(boxes.1.as_ptr()));
        assert!(heap.contains(old.as_ptr()) && heap.contains(new.as_ptr()));
        assert!(heap.stats().allocated >= 100_000 * 12);
        old.truncate(3);
        old.shrink_to_fit();
        assert_eq!(*old, [0, 1, 2]);
    }
    assert_eq!(heap.stats().allocated, 0);
}

#[test]
fn text_is_built_in_a_heap() {
    let heap = Heap::new().unwrap();
    let mut text = NewVec::new_in(&heap);
    for word in ["one", " and ", "another"].repeat(1000) {
        text.extend_from_slice(word.as_bytes());
    }
    let text = NewBox::leak(text.into_boxed_slice());
    assert!(heap.contains(text) && str::from_utf8(text).unwrap().ends_with("one and another"));
}

#[test]
fn hash_maps_live_in_a_heap() {
    let heap = Heap::new().unwrap();
    let mut squares = HashMap::with_hasher_in(DefaultHashBuilder::default(), &heap);
    let mut seen = HashSet::with_hasher_in(DefaultHashBuilder::default(), &heap);
    for number in scattered(10_000) {
        squares.insert(number, u64::from(number).pow(2));
        assert!(seen.insert(number));
    }
    assert!(scattered(10_000).all(|number| squares[&number] == u64::from(number).pow(2) && seen.contains(&number)));
    assert!(heap.contains(&raw const squares[&0]));
    scattered(9_990).for_each(|number| assert!(squares.remove(&number).is_some()));
    squares.shrink_to_fit();
    assert_eq!(squares.len(), 10);
    drop((squares, seen));
    assert_eq!(heap.stats().allocated, 0);
}

#[test]
fn trees_of_boxes_live_in_a_heap() {
    let heap = Heap::new().unwrap();
    let mut tree = Tree::new();
    for number in scattered(10_000) {
        tree.insert(&heap, number, OldBox::new_in(number, &heap));
    }
    assert_eq!(heap.stats().live_slots, 20_000);
    let (mut last, mut count) = (None, 0);
    tree.visit(&mut |key, value| {
        assert!(Some(key) > last && **value == key);
        (last, count) = (Some(key), count + 1);
    });
    assert_eq!(count, 10_000);
    drop(tree);
    assert_eq!(heap.stats().live_slots, 0);
}

#[test]
fn an_arena_takes_its_chunks_from_a_heap() {
    let heap = Heap::new().unwrap();
    {
        let arena = BlinkAlloc::new_in(&heap);
        let mut numbers = NewVec::new_in(&arena);
        numbers.extend(0..1000u32);
        assert!(heap.contains(numbers.as_ptr()));
        assert_eq!(numbers.iter().sum::<u32>(), 499_500);
    }
    assert_eq!(heap.stats().allocated, 0);
}

#[test]
fn at_its_limit_a_heap_gives_errors_and_keeps_what_is_there() {
    let heap = Heap::with_limit(64 * KIB).unwrap();
    let mut bytes = NewVec::new_in(&heap);
    bytes.resize(40 * KIB, 7u8);
    assert!(bytes.try_reserve(40 * KIB).is_err());
    assert!(OldBox::try_new_in([0u8; 40 * KIB], &heap).is_err());
    let mut map = HashMap::<u32, u32, _, _>::with_hasher_in(DefaultHashBuilder::default(), &heap);
    assert!(map.try_reserve(10_000).is_err());
    assert_eq!(bytes.len(), 40 * KIB);
    assert!(bytes.iter().all(|byte| *byte == 7));
    heap.set_limit(MIB);
    assert!(bytes.try_reserve(40 * KIB).is_ok() && map.try_reserve(10_000).is_ok());
}

#[test]
fn a_block_says_how_large_it_is_and_may_be_given_back_as_such() {
    let heap = &Heap::new().unwrap();
    for bytes in (1..2000).chain([30_000, 40_000]) {
        let layout = Layout::from_size_align(bytes, 8).unwrap();
        let block = Allocator::allocate(&heap, layout).unwrap();
        assert!(block.len() >= bytes && (bytes != 33 || block.len() == 48), "{bytes}: {}", block.len());
        // SAFETY: the block holds that much.
        unsafe { block.cast::<u8>().write_bytes(7, block.len()) };
        let all = Layout::from_size_align(block.len(), 8).unwrap();
        let twice = Layout::from_size_align(block.len() * 2, 8).unwrap();
        // SAFETY: the block is live, of any layout between the two, and the other is larger.
        let grown = unsafe { heap.grow(block.cast(), all, twice) }.unwrap();
        // SAFETY: it holds as much as before, and more.
        assert!((0..block.len()).all(|at| unsafe { grown.cast::<u8>().add(at).read() } == 7));
        // SAFETY: the block is live, of this layout.
        unsafe { Allocator::deallocate(&heap, grown.cast(), twice) };
    }
    assert_eq!(heap.stats().allocated, 0);
}

#[test]
fn blocks_grow_and_shrink_by_the_rules_of_the_trait() {
    let heap = &Heap::new().unwrap();
    for align in [1, 16, 64, 4096, 8192] {
        for bytes in [1, 100, 5000, 40_000, 300_000] {
            let small = Layout::from_size_align(bytes, align).unwrap();
            let large = Layout::from_size_align(bytes * 3, align).unwrap();
            grow_and_shrink(heap, small, large);
        }
    }
    assert_eq!(heap.stats().allocated, 0);
}

fn grow_and_shrink(heap: &Heap, small: Layout, large: Layout) {
    let block = Allocator::allocate_zeroed(&heap, small).unwrap().cast::<u8>();
    let is = |start: *const u8, byte: u8, bytes: usize| {
        // SAFETY: the blocks hold that much.
        (0..bytes).all(|at| unsafe { start.add(at).read() } == byte)
    };
    assert!(is(block.as_ptr(), 0, small.size()));
    // SAFETY: the block holds that much.
    unsafe { block.write_bytes(7, small.size()) };
    // SAFETY: the block is live, of this layout, and the other is larger.
    let grown = unsafe { heap.grow_zeroed(block, small, large) }.unwrap().cast::<u8>();
    assert!(grown.addr().get() % large.align() == 0 && is(grown.as_ptr(), 7, small.size()));
    // SAFETY: it holds that much.
    assert!(is(unsafe { grown.as_ptr().add(small.size()) }, 0, large.size() - small.size()));
    // SAFETY: the block is live, of this layout, and the other is smaller.
    let shrunk = unsafe { heap.shrink(grown, large, small) }.unwrap().cast::<u8>();
    assert!(shrunk.addr().get() % small.align() == 0 && is(shrunk.as_ptr(), 7, small.size()));
    // SAFETY: the block is live, of this layout.
    unsafe { Allocator::deallocate(&heap, shrunk, small) };
}
