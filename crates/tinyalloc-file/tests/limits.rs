//! A limit to the length of files (RLIMIT_FSIZE): the system would end the process that goes beyond
//! it. Each test is a process of its own, for the limit.
#![allow(clippy::disallowed_types, clippy::unwrap_used, clippy::absolute_paths, reason = "tests may allocate and give up")]
#![allow(clippy::cast_possible_truncation, reason = "small numbers")]

mod common;

use std::alloc::Layout;
use std::env::{current_exe, temp_dir, var_os};
use std::fs::{create_dir_all, metadata, read_dir, remove_dir_all, write};
use std::path::PathBuf;
use std::process::{Command, id};

use common::{begin, compare_committed, model_after, options, transact};
use rustix::io::Errno;
use rustix::process::{Resource, Rlimit, setrlimit};
use tinyalloc_file::{Error, FileHeap, FilePtr, Options, Result, TestFile};

const DIRECTORY: &str = "TINYALLOC_FILE_LIMITED";
const MIB: u64 = 1 << 20;
const KIB: u64 = 1 << 10;
const KEPT: u64 = 42;

/// Runs a test in a process of its own, with an empty directory for its files.
fn alone(name: &str) {
    let directory = temp_dir().join(format!("tinyalloc-limits-{}-{name}", id()));
    create_dir_all(&directory).unwrap();
    let mut command = Command::new(current_exe().unwrap());
    command.args(["--exact", name, "--ignored", "--nocapture"]).env(DIRECTORY, &directory);
    let done = command.output().unwrap();
    remove_dir_all(&directory).unwrap();
    assert!(done.status.success(), "{}\n{}", done.status, String::from_utf8_lossy(&done.stderr));
}

/// Of the process that `alone` runs; nothing in any other.
fn directory() -> Option<PathBuf> {
    var_os(DIRECTORY).map(PathBuf::from)
}

/// From now on, of this process: no file longer than so many bytes.
fn limit(bytes: Option<u64>) {
    setrlimit(Resource::Fsize, Rlimit { current: bytes, maximum: None }).unwrap();
}

fn is_no_space<T>(outcome: Result<T>) -> bool {
    match outcome {
        Ok(_) => false,
        Err(Error::NoSpace) => true,
        Err(error) => panic!("{error}"),
    }
}

/// A heap with one number committed.
fn keeping(options: &Options, path: &PathBuf) -> FileHeap {
    // SAFETY: no other code knows the file.
    let mut heap = unsafe { options.create(path) }.unwrap();
    let kept = heap.insert(KEPT).unwrap();
    heap.set_root("kept", kept).unwrap();
    heap.commit().unwrap();
    heap
}

/// The file opened anew, which has what `keeping` put there, and so many blocks besides.
fn reopened(options: &Options, path: &PathBuf, blocks: usize) -> FileHeap {
    // SAFETY: no other code knows the file.
    let heap = unsafe { options.open(path) }.unwrap();
    assert_eq!(*heap.get(heap.root::<u64>("kept").unwrap().unwrap()).unwrap(), KEPT);
    assert!(heap.check().unwrap().is_clean());
    assert_eq!(heap.stats().blocks, blocks + 2);
    heap
}

fn both_kinds() -> [Options; 2] {
    [options(), options().sparse(true)]
}

#[test]
fn growth_to_the_limit_is_refused_and_what_was_committed_stays() {
    alone("grow_to_the_limit");
}

#[test]
#[ignore = "run by the test above"]
fn grow_to_the_limit() {
    let Some(directory) = directory() else { return };
    limit(Some(3 * MIB));
    for (number, options) in both_kinds().iter().enumerate() {
        let path = directory.join(number.to_string());
        let mut heap = keeping(options, &path);
        let committed = fill(&mut heap);
        assert!(committed > 20, "{committed}");
        heap.rollback().unwrap();
        assert!(metadata(&path).unwrap().len() <= 3 * MIB);
        assert!(is_no_space(heap.allocate(Layout::from_size_align(usize::try_from(3 * MIB).unwrap(), 1).unwrap())));
        drop(heap);
        let mut heap = reopened(options, &path, committed);
        let kept = heap.root::<u64>("kept").unwrap().unwrap();
        *heap.get_mut(kept).unwrap() = KEPT;
        heap.insert(1u8).unwrap();
        limit(None);
        heap.commit().unwrap();
        drop(heap);
        reopened(options, &path, committed + 1);
        limit(Some(3 * MIB));
    }
}

/// Blocks until there is no room; how many are committed.
fn fill(heap: &mut FileHeap) -> usize {
    let mut committed = 0;
    for block in 1..2000 {
        let outcome = heap.insert_slice(&[7u8; 3000]).and_then(|_| if block % 20 == 0 { heap.commit() } else { Ok(()) });
        if is_no_space(outcome) {
            return committed;
        }
        committed = if block % 20 == 0 { block } else { committed };
    }
    panic!("no limit");
}

#[test]
fn a_commit_whose_journal_is_beyond_the_limit_is_refused_and_can_be_made_again() {
    alone("commit_beyond_the_limit");
}

#[test]
#[ignore = "run by the test above"]
fn commit_beyond_the_limit() {
    let Some(directory) = directory() else { return };
    for (number, options) in both_kinds().iter().enumerate() {
        let path = directory.join(number.to_string());
        let mut heap = keeping(options, &path);
        let data = heap.stats().data as u64;
        let block = heap.insert_slice(&[9u8; 20_000]).unwrap();
        // None at all; into the file's own pages, also where it has them already; and into the
        // journal.
        for bytes in [0, 1, 4096, 5000, data - 1, data, data + 1, data + 4 * KIB, data + 20 * KIB] {
            limit(Some(bytes));
            assert!(is_no_space(heap.commit()), "{bytes}");
            assert_eq!(heap.slice(block, 20_000).unwrap(), [9; 20_000]);
        }
        limit(None);
        heap.commit().unwrap();
        drop(heap);
        reopened(options, &path, 1);
    }
}

#[test]
fn nothing_is_left_of_a_file_that_the_limit_forbids() {
    alone("create_beyond_the_limit");
}

#[test]
#[ignore = "run by the test above"]
fn create_beyond_the_limit() {
    let Some(directory) = directory() else { return };
    for options in both_kinds() {
        for bytes in [0, 1, 63, 4095, 4096, 4097, 8192, 64 * KIB, 128 * KIB - 1] {
            limit(Some(bytes));
            // SAFETY: no other code knows the file.
            assert!(is_no_space(unsafe { options.create(directory.join("heap")) }), "{bytes}");
            assert_eq!(read_dir(&directory).unwrap().count(), 0, "{bytes}");
        }
        limit(Some(128 * KIB));
        // SAFETY: as above.
        let mut heap = unsafe { options.create(directory.join("heap")) }.unwrap();
        assert!(is_no_space(heap.insert(1u8).and_then(|_| heap.commit())), "there is no room for a journal");
        std::fs::remove_file(directory.join("heap")).unwrap();
    }
}

#[test]
fn a_commit_under_way_is_finished_where_the_limit_allows_it() {
    alone("finish_a_commit");
}

#[test]
#[ignore = "run by the test above"]
fn finish_a_commit() {
    let Some(directory) = directory() else { return };
    let path = directory.join("heap");
    write(&path, interrupted()).unwrap();
    for bytes in [0, 4096, 100 * KIB] {
        limit(Some(bytes));
        // SAFETY: no other code knows the file.
        assert!(is_no_space(unsafe { options().open(&path) }), "{bytes}");
        // SAFETY: as above.
        compare_committed(&unsafe { options().open_read_only(&path) }.unwrap(), &model_after(2));
    }
    limit(None);
    // SAFETY: as above.
    compare_committed(&unsafe { options().open(&path) }.unwrap(), &model_after(2));
}

/// A file whose second transaction is in the journal alone.
fn interrupted() -> Vec<u8> {
    for steps in 0.. {
        let file = TestFile::new(&[]).unwrap();
        let mut heap = file.create(&options()).unwrap();
        begin(&mut heap);
        transact(&mut heap).unwrap();
        file.fail_after(steps, Errno::IO.raw_os_error());
        transact(&mut heap).unwrap_err();
        let contents = file.contents().unwrap();
        let left = TestFile::new(&contents).unwrap();
        if left.open(&options()).is_ok_and(|heap| common::transaction(&heap) == 2) {
            return contents;
        }
    }
    unreachable!()
}

#[test]
fn a_snapshot_beyond_the_limit_is_refused_and_nothing_is_left_of_it() {
    alone("snapshot_beyond_the_limit");
}

#[test]
#[ignore = "run by the test above"]
fn snapshot_beyond_the_limit() {
    let Some(directory) = directory() else { return };
    let heap = keeping(&options(), &directory.join("heap"));
    for bytes in [0, 1, 4096, 128 * KIB - 1] {
        limit(Some(bytes));
        assert!(is_no_space(heap.snapshot(directory.join("copy"))), "{bytes}");
        assert_eq!(read_dir(&directory).unwrap().count(), 1);
    }
    limit(None);
    heap.snapshot(directory.join("copy")).unwrap();
    reopened(&options(), &directory.join("copy"), 0);
}

#[test]
fn a_file_longer_than_the_limit_can_be_read() {
    alone("read_beyond_the_limit");
}

#[test]
#[ignore = "run by the test above"]
fn read_beyond_the_limit() {
    let Some(directory) = directory() else { return };
    drop(keeping(&options(), &directory.join("heap")));
    limit(Some(0));
    let mut heap = reopened(&options(), &directory.join("heap"), 0);
    let block: FilePtr<u8> = heap.allocate(Layout::new::<u8>()).unwrap();
    assert!(is_no_space(heap.commit()));
    heap.free(block).unwrap();
    assert!(is_no_space(heap.reserve(usize::try_from(MIB).unwrap())));
    heap.rollback().unwrap();
}
