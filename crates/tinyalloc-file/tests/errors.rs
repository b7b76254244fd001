//! What is refused, and how: one error each, for files that are not as they must be and for calls
//! that ask for what cannot be.
#![allow(clippy::disallowed_types, clippy::unwrap_used, clippy::absolute_paths, reason = "tests may allocate and give up")]
#![allow(clippy::cast_possible_truncation, reason = "small numbers")]

mod common;

use std::alloc::Layout;

use common::{Model, begin, compare_committed, model_after, options, transact};
use tinyalloc_file::{Error, FileHeap, FilePtr, Options, Part, TestFile};
use xxhash_rust::xxh3::xxh3_64;

const TRANSACTIONS: u64 = 30;
const PAGE_BYTES: usize = 4096;
const IDENTITY_BYTES: usize = 64;

/// A heap with something in it, and what.
fn committed() -> (Vec<u8>, Model) {
    let file = TestFile::new(&[]).unwrap();
    let mut heap = file.create(&options()).unwrap();
    begin(&mut heap);
    (0..TRANSACTIONS).for_each(|_| _ = transact(&mut heap).unwrap());
    drop(heap);
    (file.contents().unwrap(), model_after(TRANSACTIONS))
}

fn open(contents: &[u8]) -> Result<FileHeap, Error> {
    TestFile::new(contents).unwrap().open(&options())
}

fn seal(bytes: &mut [u8]) {
    let end = bytes.len() - 4;
    let sum = xxh3_64(&bytes[..end]).to_le_bytes();
    bytes[end..].copy_from_slice(&sum[..4]);
}

/// The file with a changed identity that is as another machine or version would have written it.
fn with_identity(contents: &[u8], at: usize, bytes: &[u8]) -> Vec<u8> {
    let mut contents = contents.to_vec();
    contents[at..at + bytes.len()].copy_from_slice(bytes);
    seal(&mut contents[..IDENTITY_BYTES]);
    seal(&mut contents[..PAGE_BYTES]);
    contents
}

#[test]
fn files_of_another_kind_are_not_heaps() {
    for contents in [&b""[..], b"T", b"#!/bin/sh\n", &[0; 3 * PAGE_BYTES], &[0xff; 100_000]] {
        let expected_is_heap = contents == b"T";
        match open(contents) {
            Err(Error::NotAHeap) => assert!(!expected_is_heap),
            Err(Error::Truncated { found_bytes: 1, .. }) => assert!(expected_is_heap),
            outcome => panic!("{:?}", outcome.map(|_| ())),
        }
    }
}

#[test]
fn a_file_cut_anywhere_is_truncated() {
    let (contents, _) = committed();
    let stats = open(&contents).unwrap().stats();
    for bytes in (1..stats.data).step_by(1009).chain([stats.data - 1, PAGE_BYTES, 2 * PAGE_BYTES]) {
        match open(&contents[..bytes]) {
            Err(Error::Truncated { expected_bytes, found_bytes }) => {
                assert_eq!(found_bytes, bytes);
                assert_eq!(expected_bytes, if bytes < 2 * PAGE_BYTES { 2 * PAGE_BYTES } else { stats.data });
            }
            outcome => panic!("{bytes}: {:?}", outcome.map(|_| ())),
        }
    }
    // What follows the data is an applied journal, and no part of it.
    compare_committed(&open(&contents[..stats.data]).unwrap(), &model_after(TRANSACTIONS));
}

#[test]
fn files_of_another_version_or_machine_are_told_apart() {
    let (contents, _) = committed();
    let newer = open(&with_identity(&contents, 12, &7u32.to_le_bytes()));
    assert!(matches!(newer, Err(Error::NewerVersion { found: 7, supported: 1 })));
    let order: Vec<u8> = contents[8..12].iter().rev().copied().collect();
    assert!(matches!(open(&with_identity(&contents, 8, &order)), Err(Error::ForeignByteOrder)));
    let pages = open(&with_identity(&contents, 16, &16384u32.to_le_bytes()));
    assert!(matches!(pages, Err(Error::ForeignPageBytes { found: 16384 })));
    assert!(matches!(open(&with_identity(&contents, 0, b"TINYCAKE")), Err(Error::NotAHeap)));
}

/// A flipped bit is found by opening if it is in the file's own structures, by the check if it is
/// in what was committed, and otherwise does not matter.
#[test]
fn a_flipped_bit_is_never_believed() {
    let (contents, model) = committed();
    let data = open(&contents).unwrap().stats().data;
    let (mut by_opening, mut by_checking, mut harmless) = (0, 0, 0);
    let header = (0..110).chain(4090..4096).chain(PAGE_BYTES..PAGE_BYTES + 64);
    for at in header.chain((2 * PAGE_BYTES..4 * PAGE_BYTES).step_by(3)).chain((4 * PAGE_BYTES..data).step_by(467)) {
        let mut flipped = contents.clone();
        flipped[at] ^= 1 << (at % 8);
        match open(&flipped) {
            Err(Error::NotAHeap) => assert!(at < 8),
            Err(Error::Corrupt { .. }) => by_opening += 1,
            Err(error) => panic!("{at}: {error}"),
            Ok(heap) => match heap.check().unwrap() {
                report if report.is_clean() => {
                    compare_committed(&heap, &model);
                    harmless += 1;
                }
                report => {
                    assert!(report.findings().iter().all(|finding| finding.part() == Part::Contents), "{:?}", report.findings());
                    by_checking += 1;
                }
            },
        }
    }
    println!("{by_opening} found by opening, {by_checking} by the check, {harmless} harmless");
    assert!(by_opening > 100 && by_checking > 100);
}

#[test]
fn each_structure_is_named_when_it_is_corrupt() {
    let (contents, _) = committed();
    let part = |at: usize| {
        let mut flipped = contents.clone();
        flipped[at] ^= 0x10;
        match open(&flipped) {
            Err(Error::Corrupt { part, .. }) => Some(part),
            _ => None,
        }
    };
    let roots = u64::from_le_bytes(contents[72..80].try_into().unwrap()) as usize;
    assert_eq!(part(30), Some(Part::Identity));
    assert_eq!(part(66), Some(Part::Header));
    assert_eq!(part(2 * PAGE_BYTES + 9), Some(Part::Span));
    assert_eq!(part(roots + 3), Some(Part::Roots));
    let mut headless = contents.clone();
    headless[66] ^= 1;
    seal(&mut headless[..PAGE_BYTES]);
    assert!(open(&headless).is_ok_and(|heap| heap.stats().transaction != open(&contents).unwrap().stats().transaction));
}

/// Everything that a header can say is either true or refused, whatever its checksum.
#[test]
fn a_forged_header_is_refused_or_harmless() {
    let (contents, _) = committed();
    for at in 64..200 {
        for value in [0, 1, 0x7f, 0x80, 0xff] {
            let mut forged = contents.clone();
            forged[at] = value;
            seal(&mut forged[..PAGE_BYTES]);
            match open(&forged) {
                Ok(heap) => _ = heap.check().unwrap(),
                Err(Error::Corrupt { .. } | Error::Truncated { .. }) => {}
                Err(error) => panic!("{error}"),
            }
        }
    }
}

/// The same for records: their checksums are right, and what they say is not.
#[test]
fn a_forged_record_is_refused_or_harmless() {
    let (contents, _) = committed();
    let records = 2 * PAGE_BYTES;
    for record in (records..records + PAGE_BYTES).step_by(5 * 64) {
        for (at, value) in
            [0, 1, 8, 9, 11, 15, 16, 24, 40, 55].into_iter().flat_map(|at| [0, 1, 2, 3, 0xff].map(|value| (at, value)))
        {
            let mut forged = contents.clone();
            forged[record + at] = value;
            seal(&mut forged[record..record + 64]);
            match open(&forged) {
                Ok(mut heap) => {
                    _ = heap.check().unwrap();
                    use_anyhow(&mut heap);
                }
                Err(Error::Corrupt { .. }) => {}
                Err(error) => panic!("{error}"),
            }
        }
    }
}

/// Whatever its records say, a heap refuses or serves.
fn use_anyhow(heap: &mut FileHeap) {
    let blocks: Vec<_> = (0..heap.stats().data as u64).step_by(1008).map(FilePtr::<u8>::new).collect();
    for block in blocks {
        _ = heap.get(block);
        _ = heap.get_mut(block);
        _ = heap.reallocate(block, Layout::new::<[u8; 5000]>());
        _ = heap.free(block);
        _ = heap.insert(block);
    }
    heap.commit().unwrap();
}

#[test]
fn what_is_not_allocated_is_not_reached() {
    let mut heap = TestFile::new(&[]).unwrap().create(&options()).unwrap();
    let small = heap.insert([1u8; 100]).unwrap();
    let large = heap.insert([2u8; 10_000]).unwrap();
    for offset in [0, 1, PAGE_BYTES as u64, 2 * PAGE_BYTES as u64, u64::MAX, u64::MAX / 2, 1 << 40, heap.stats().data as u64] {
        let wild = FilePtr::<u8>::new(offset);
        assert!(matches!(heap.get(wild), Err(Error::NotLive { .. })), "{offset}");
        assert!(matches!(heap.get_mut(wild), Err(Error::NotLive { .. })));
        assert!(matches!(heap.free(wild), Err(Error::NotLive { .. })));
        assert!(matches!(heap.usable_bytes(wild), Err(Error::NotLive { .. })));
        assert!(matches!(heap.reallocate(wild, Layout::new::<u64>()), Err(Error::NotLive { .. })));
        assert!(matches!(heap.set_root("wild", wild), Err(Error::NotLive { .. })));
    }
    assert!(matches!(heap.slice(small.cast::<u8>(), 113), Err(Error::OutOfBounds { bytes: 113, left_bytes: 112, .. })));
    assert!(matches!(heap.slice(small.cast::<u64>(), usize::MAX / 2), Err(Error::OutOfBounds { .. })));
    assert!(matches!(heap.slice(large.cast::<u8>().add(9000), 3289), Err(Error::OutOfBounds { left_bytes: 3288, .. })));
    assert_eq!(heap.slice(large.cast::<u8>().add(9000), 1000).unwrap(), [2; 1000]);
    assert!(matches!(heap.get(small.cast::<u8>().add(4).cast::<u64>()), Err(Error::Misaligned { align: 8, .. })));
    assert!(matches!(heap.free(small.cast::<u8>().add(16)), Err(Error::NotLive { .. })));
    heap.free(small).unwrap();
    assert!(matches!(heap.free(small), Err(Error::NotLive { .. })));
    assert!(matches!(heap.get(small), Err(Error::NotLive { .. })));
    heap.free(large).unwrap();
    assert!(matches!(heap.get(large.cast::<u8>().add(9000)), Err(Error::NotLive { .. })));
}

#[test]
fn requests_that_cannot_be_served_are_refused() {
    let options = Options::new().reserve_bytes(4 << 20);
    let mut heap = TestFile::new(&[]).unwrap().create(&options).unwrap();
    let refused = heap.allocate(Layout::from_size_align(8, 2 * PAGE_BYTES).unwrap());
    assert!(matches!(refused, Err(Error::AlignTooLarge { align: 8192 })));
    let refused = heap.allocate(Layout::from_size_align(5 << 20, 1).unwrap());
    assert!(matches!(refused, Err(Error::AddressSpace { .. })), "{refused:?}");
    let refused = heap.allocate(Layout::from_size_align(isize::MAX as usize, 1).unwrap());
    assert!(matches!(refused, Err(Error::NoSpace)), "{refused:?}");
    let block = heap.allocate(Layout::from_size_align(2 << 20, PAGE_BYTES).unwrap()).unwrap();
    let refused = heap.reallocate(block, Layout::from_size_align(3 << 20, 1).unwrap());
    assert!(matches!(refused, Err(Error::AddressSpace { .. })), "{refused:?}");
    assert_eq!(heap.usable_bytes(block).unwrap(), 2 << 20);
    assert!(heap.check().unwrap().is_clean());
    assert!(matches!(heap.reserve(5 << 20), Err(Error::AddressSpace { .. })));
}

#[test]
fn nothing_has_a_place_of_its_own_however_it_is_aligned() {
    let mut heap = TestFile::new(&[]).unwrap().create(&options()).unwrap();
    let mut places = Vec::new();
    for align in (0..13).map(|shift| 1usize << shift) {
        let block = heap.allocate(Layout::from_size_align(0, align).unwrap()).unwrap();
        assert!(block.offset() % (align as u64) == 0 && heap.usable_bytes(block).unwrap() > 0);
        places.push(heap.reallocate(block, Layout::from_size_align(0, align).unwrap()).unwrap());
    }
    places.sort();
    places.dedup();
    assert_eq!(places.len(), 13);
    assert!(heap.check().unwrap().is_clean());
    places.into_iter().for_each(|place| heap.free(place).unwrap());
    assert_eq!(heap.stats().free, heap.stats().data - heap.stats().metadata);
}

#[test]
fn roots_are_for_what_they_were_given_to() {
    let mut heap = TestFile::new(&[]).unwrap().create(&options()).unwrap();
    let number = heap.insert(1u32).unwrap();
    assert!(matches!(heap.set_root("", number), Err(Error::RootName)));
    assert!(matches!(heap.set_root(&"n".repeat(256), number), Err(Error::RootName)));
    assert!(matches!(heap.set_root("wide", number.cast::<[u8; 17]>()), Err(Error::OutOfBounds { .. })));
    heap.set_root(&"n".repeat(255), number).unwrap();
    heap.set_root("number", number).unwrap();
    assert!(matches!(heap.root::<u64>("number"), Err(Error::RootType { bytes: 4, align: 4 })));
    assert!(matches!(heap.root::<[u8; 4]>("number"), Err(Error::RootType { .. })));
    assert_eq!(heap.root::<u32>("numbers").unwrap(), None);
    assert!(matches!(heap.free(number), Err(Error::Rooted { .. })));
    assert!(heap.remove_root("number").unwrap());
    assert!(!heap.remove_root("number").unwrap());
    assert!(matches!(heap.free(number), Err(Error::Rooted { .. })), "it has another name");
    heap.commit().unwrap();
    // The table of roots is in a block as well, which no caller has.
    assert_eq!(heap.stats().blocks, 2);
    let blocks = (0..heap.stats().data as u64).step_by(16).map(FilePtr::<u8>::new);
    assert_eq!(blocks.filter(|block| heap.get(*block).is_ok()).collect::<Vec<_>>(), [number.cast()]);
}

#[test]
fn a_reader_changes_nothing() {
    let (contents, _) = committed();
    let file = TestFile::new(&contents).unwrap();
    let mut heap = file.open_read_only(&options()).unwrap();
    let table = heap.root::<common::Entry>("table").unwrap().unwrap();
    assert!(matches!(heap.allocate(Layout::new::<u64>()), Err(Error::ReadOnly)));
    assert!(matches!(heap.insert(1u8), Err(Error::ReadOnly)));
    assert!(matches!(heap.free(table), Err(Error::ReadOnly)));
    assert!(matches!(heap.reallocate(table.cast(), Layout::new::<u64>()), Err(Error::ReadOnly)));
    assert!(matches!(heap.get_mut(table), Err(Error::ReadOnly)));
    assert!(matches!(heap.set_root("new", table), Err(Error::ReadOnly)));
    assert!(matches!(heap.remove_root("table"), Err(Error::ReadOnly)));
    assert!(matches!(heap.reserve(1), Err(Error::ReadOnly)));
    assert!(matches!(heap.commit(), Err(Error::ReadOnly)));
    assert!(matches!(heap.rollback(), Err(Error::ReadOnly)));
    assert_eq!(file.contents().unwrap(), contents);
    assert_eq!(file.take_steps(), []);
}

#[test]
fn errors_say_what_they_are_about() {
    let io = Error::Io { during: "opening the file", source: std::io::Error::from_raw_os_error(2) };
    assert_eq!(io.to_string(), "opening the file: No such file or directory (os error 2)");
    assert!(std::error::Error::source(&io).is_some());
    assert_eq!(Error::NotLive { offset: 48 }.to_string(), "nothing is allocated at byte 48");
    assert_eq!(Error::NeedsReopen.to_string(), "a commit failed and its outcome is unknown: reopen the file");
}
