//! Files on the disk: who may open them together, growth, snapshots, and what is left behind.
#![allow(clippy::disallowed_types, clippy::unwrap_used, clippy::absolute_paths, reason = "tests may allocate and give up")]
#![allow(clippy::cast_possible_truncation, reason = "small numbers")]

mod common;

use std::alloc::Layout;
use std::env::{current_exe, var_os};
use std::fs::{OpenOptions, create_dir_all, metadata, read_dir, read_to_string, remove_dir_all};
use std::ops::Range;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::PathBuf;
use std::process::{Command, id};

use common::{begin, compare_committed, model_after, options, transact};
use tinyalloc_file::{Error, FileHeap, Options, Part};

const PATH: &str = "TINYALLOC_FILE_SHARED";
const MIB: usize = 1 << 20;

/// A directory that goes away with the test.
struct Directory(PathBuf);

impl Directory {
    fn new(test: &str) -> Directory {
        let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("{test}-{}", id()));
        create_dir_all(&path).unwrap();
        Directory(path)
    }

    fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    fn names(&self) -> Vec<String> {
        let mut names: Vec<_> =
            read_dir(&self.0).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        _ = remove_dir_all(&self.0);
    }
}

fn create(path: &PathBuf) -> FileHeap {
    // SAFETY: no other code knows the file.
    unsafe { options().create(path) }.unwrap()
}

fn open(path: &PathBuf) -> Result<FileHeap, Error> {
    // SAFETY: the tests write to it through heaps alone.
    unsafe { options().open(path) }
}

fn open_read_only(path: &PathBuf) -> Result<FileHeap, Error> {
    // SAFETY: the tests write to it through heaps alone.
    unsafe { options().open_read_only(path) }
}

/// Tells which ways of opening the file are refused. Nothing unless `refused` runs it.
#[test]
#[ignore = "the other process of another test"]
fn opener() {
    let Some(path) = var_os(PATH).map(PathBuf::from) else { return };
    println!("\nwriter {}", matches!(open(&path), Err(Error::Locked)));
    println!("reader {}", matches!(open_read_only(&path), Err(Error::Locked)));
}

/// Whether another process is refused as a writer and as a reader.
fn refused(path: &PathBuf) -> (bool, bool) {
    let mut command = Command::new(current_exe().unwrap());
    let output = command.args(["--exact", "opener", "--ignored", "--nocapture"]).env(PATH, path).output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    let answer = |who: &str| said.lines().find_map(|line| line.strip_prefix(who)).map(|answer| answer.trim() == "true").unwrap();
    (answer("writer"), answer("reader"))
}

#[test]
fn one_writer_or_many_readers_have_a_file() {
    let directory = Directory::new("sharing");
    let path = directory.file("heap");
    let mut heap = create(&path);
    begin(&mut heap);
    assert_eq!(refused(&path), (true, true), "by the one that created it");
    assert!(matches!(open(&path), Err(Error::Locked)), "in the same process, too");
    assert!(matches!(open_read_only(&path), Err(Error::Locked)));
    drop(heap);
    assert_eq!(refused(&path), (false, false));
    let (reader, other) = (open_read_only(&path).unwrap(), open_read_only(&path).unwrap());
    assert_eq!(refused(&path), (true, false));
    compare_committed(&reader, &model_after(0));
    drop(reader);
    assert_eq!(refused(&path), (true, false));
    drop(other);
    let heap = open(&path).unwrap();
    assert_eq!(refused(&path), (true, true), "by the one that opened it");
    drop(heap);
    assert_eq!(refused(&path), (false, false));
}

#[test]
fn a_file_is_created_once_and_leaves_nothing_else() {
    let directory = Directory::new("creating");
    let path = directory.file("heap");
    assert!(matches!(open(&path), Err(Error::Io { source, .. }) if source.kind() == std::io::ErrorKind::NotFound));
    drop(create(&path));
    // SAFETY: no other code knows the file.
    let again = unsafe { FileHeap::create(&path) };
    assert!(matches!(again, Err(Error::Io { source, .. }) if source.kind() == std::io::ErrorKind::AlreadyExists));
    // SAFETY: no other code knows the files.
    drop(unsafe { FileHeap::open_or_create(&path) }.unwrap());
    // SAFETY: as above.
    drop(unsafe { FileHeap::open_or_create(directory.file("other")) }.unwrap());
    assert_eq!(directory.names(), ["heap", "other"]);
    // SAFETY: there is no such directory.
    let nowhere = unsafe { FileHeap::create(directory.file("none").join("heap")) };
    assert!(matches!(nowhere, Err(Error::Io { during: "creating the file", .. })));
}

#[test]
fn growth_keeps_every_address() {
    let directory = Directory::new("growth");
    let path = directory.file("heap");
    let mut heap = create(&path);
    let first = heap.insert([7u8; 1000]).unwrap();
    let address = std::ptr::from_ref(heap.get(first).unwrap()).addr();
    let mut blocks = Vec::new();
    for number in 0..64u8 {
        let block = heap.allocate(Layout::from_size_align(MIB, 1).unwrap()).unwrap();
        heap.slice_mut(block, MIB).unwrap().fill(number);
        blocks.push(block);
        if number % 16 == 15 {
            heap.commit().unwrap();
        }
    }
    assert_eq!(std::ptr::from_ref(heap.get(first).unwrap()).addr(), address);
    assert!(heap.stats().growths > 4);
    drop(heap);
    let heap = open(&path).unwrap();
    for (number, block) in blocks.iter().enumerate() {
        assert!(heap.slice(*block, MIB).unwrap().iter().all(|byte| usize::from(*byte) == number));
    }
    assert!(heap.check().unwrap().is_clean());
}

#[test]
fn space_on_the_disk_is_taken_at_once_unless_sparse() {
    let directory = Directory::new("space");
    let whole = directory.file("whole");
    let options = Options::new().initial_bytes(8 * MIB);
    // SAFETY: no other code knows the files.
    let heap = unsafe { options.create(&whole) }.unwrap();
    assert_eq!(heap.stats().data, 8 * MIB);
    assert!(metadata(&whole).unwrap().blocks() as usize * 512 >= 8 * MIB);
    let sparse = directory.file("sparse");
    // SAFETY: as above.
    let heap = unsafe { options.sparse(true).create(&sparse) }.unwrap();
    assert_eq!(heap.stats().data, 8 * MIB);
    assert!((metadata(&sparse).unwrap().blocks() as usize) * 512 < MIB);
}

#[test]
fn a_large_journal_does_not_stay() {
    let directory = Directory::new("journal");
    let path = directory.file("heap");
    let mut heap = create(&path);
    let block = heap.allocate_zeroed(Layout::from_size_align(16 * MIB, 1).unwrap()).unwrap();
    heap.commit().unwrap();
    assert_eq!(metadata(&path).unwrap().len() as usize, heap.stats().data);
    assert!(heap.stats().data < 20 * MIB);
    heap.free(block).unwrap();
    heap.commit().unwrap();
    let length = metadata(&path).unwrap().len() as usize;
    assert!(length > heap.stats().data && length < heap.stats().data + MIB, "a small one does");
}

#[test]
fn a_snapshot_is_the_last_commit() {
    let directory = Directory::new("snapshot");
    let (path, copy) = (directory.file("heap"), directory.file("copy"));
    let mut heap = create(&path);
    begin(&mut heap);
    (0..20).for_each(|_| _ = transact(&mut heap).unwrap());
    let lost = heap.insert([9u8; 5000]).unwrap();
    heap.set_root("lost", lost).unwrap();
    heap.snapshot(&copy).unwrap();
    assert!(matches!(heap.snapshot(&copy), Err(Error::Io { .. })), "one of that name is there");
    compare_committed(&open_read_only(&copy).unwrap(), &model_after(20));
    // And it goes its own way.
    let mut copied = open(&copy).unwrap();
    (20..30).for_each(|_| _ = transact(&mut copied).unwrap());
    compare_committed(&copied, &model_after(30));
    drop(heap);
    compare_committed(&open(&path).unwrap(), &model_after(20));
    assert_eq!(directory.names(), ["copy", "heap"]);
}

#[test]
fn contents_that_changed_on_the_disk_are_found() {
    let directory = Directory::new("contents");
    let path = directory.file("heap");
    let mut heap = create(&path);
    let block = heap.insert([5u8; 3000]).unwrap();
    heap.commit().unwrap();
    drop(heap);
    OpenOptions::new().write(true).open(&path).unwrap().write_all_at(&[4], block.offset() + 2999).unwrap();
    let report = open(&path).unwrap().check().unwrap();
    assert_eq!(report.findings().len(), 1);
    let finding = &report.findings()[0];
    assert_eq!(finding.part(), Part::Contents);
    assert!(finding.bytes().contains(&(block.offset() as usize + 2999)));
}

/// Memory of the process's own in a range of addresses, to the nearest mapping, and whether any of
/// it can be written to.
fn own_memory(range: Range<usize>) -> (usize, bool) {
    let (mut is_inside, mut bytes, mut is_writable) = (false, 0, false);
    for line in read_to_string("/proc/self/smaps").unwrap().lines() {
        let mut words = line.split_whitespace();
        let word = words.next().unwrap();
        if let Some((start, end)) = word.split_once('-') {
            let [start, end] = [start, end].map(|address| usize::from_str_radix(address, 16).unwrap());
            is_inside = start < range.end && end > range.start;
            is_writable |= is_inside && words.next().unwrap().contains('w');
        } else if is_inside && word == "Anonymous:" {
            bytes += words.next().unwrap().parse::<usize>().unwrap() << 10;
        }
    }
    (bytes, is_writable)
}

#[test]
fn what_was_committed_is_in_the_file_and_not_in_memory() {
    let directory = Directory::new("memory");
    let mut heap = create(&directory.file("heap"));
    let block = heap.allocate(Layout::from_size_align(8 * MIB, 1).unwrap()).unwrap();
    for piece in 0..8 {
        heap.slice_mut(block.add(piece * MIB), MIB).unwrap().fill(piece as u8);
        assert!(heap.stats().changed >= MIB);
        heap.commit().unwrap();
        assert_eq!(heap.stats().changed, 0);
    }
    let start = std::ptr::from_ref(heap.get(block).unwrap()).addr();
    let (bytes, is_writable) = own_memory(start..start + 8 * MIB);
    assert!(bytes < MIB && !is_writable, "only the file has it");
    heap.slice_mut(block, 2 * MIB).unwrap().fill(0);
    let (bytes, is_writable) = own_memory(start..start + 8 * MIB);
    assert!(bytes >= 2 * MIB && is_writable, "that is how it is counted");
    heap.rollback().unwrap();
    let missing = heap.slice(block, 8 * MIB).unwrap().iter().enumerate().find(|(at, byte)| at / MIB != usize::from(**byte));
    assert_eq!(missing, None);
}

#[test]
fn a_heap_can_be_sent_and_shared() {
    fn is_sent_and_shared<T: Send + Sync>() {}
    is_sent_and_shared::<FileHeap>();
}
