//! Crashes at every step of a commit, of a growth and of a recovery: whatever of the last steps
//! reached the disk, the file is as one commit left it.
#![allow(clippy::disallowed_types, clippy::unwrap_used, clippy::absolute_paths, reason = "tests may allocate and give up")]
#![allow(clippy::cast_possible_truncation, reason = "small numbers")]

mod common;

use common::{Model, Random, begin, compare_committed, model_after, transact, transaction};
use rustix::io::Errno;
use tinyalloc_file::{Error, FileHeap, Options, Step, TestFile};

const TRANSACTIONS_CRASHED: u64 = 6;
const TRANSACTIONS_FAILED: u64 = 12;
/// As many unsynced steps are tried in all combinations.
const STEPS_COMBINED_MAX: usize = 6;
const COMBINATIONS_RANDOM: usize = 24;
/// A disk writes this much at once or not at all.
const SECTOR_BYTES: usize = 512;
/// Larger journals are torn at random only.
const SECTORS_TRIED_MAX: usize = 100;

fn options() -> Options {
    common::options().initial_bytes(64 << 10)
}

/// What of one step reached the disk.
fn perform(contents: &mut Vec<u8>, step: &Step, mut keeps_sector: impl FnMut() -> bool) {
    match step {
        Step::Write(offset, bytes) => {
            let start = *offset as usize;
            contents.resize(contents.len().max(start + bytes.len()), 0);
            for (sector, bytes) in bytes.chunks(SECTOR_BYTES).enumerate() {
                if keeps_sector() {
                    let at = start + sector * SECTOR_BYTES;
                    contents[at..at + bytes.len()].copy_from_slice(bytes);
                }
            }
        }
        Step::Length(bytes) => contents.resize(*bytes as usize, 0),
        Step::Allocate(_, end) => contents.resize(contents.len().max(*end as usize), 0),
        Step::Sync => {}
    }
}

fn perform_all(contents: &mut Vec<u8>, steps: &[Step]) {
    steps.iter().for_each(|step| perform(contents, step, || true));
}

/// Every file that a crash during the last of these steps may leave, given that those up to the
/// last sync are durable.
fn crashed(before: &[u8], steps: &[Step], random: &mut Random) -> Vec<Vec<u8>> {
    let durable = steps.iter().rposition(|step| *step == Step::Sync).map_or(0, |sync| sync + 1);
    let mut base = before.to_vec();
    perform_all(&mut base, &steps[..durable]);
    let loose = &steps[durable..];
    let mut files = Vec::new();
    let combinations = if loose.len() <= STEPS_COMBINED_MAX { 1 << loose.len() } else { COMBINATIONS_RANDOM };
    for combination in 0..combinations {
        let chosen = if loose.len() <= STEPS_COMBINED_MAX { combination } else { random.below(usize::MAX >> 33) };
        let mut file = base.clone();
        for (_, step) in loose.iter().enumerate().filter(|(index, _)| chosen >> (index % 30) & 1 == 1) {
            perform(&mut file, step, || true);
        }
        files.push(file);
    }
    // Nothing is torn where nothing is loose.
    for _ in 0..loose.len() {
        let mut file = base.clone();
        loose.iter().for_each(|step| perform(&mut file, step, || random.below(4) != 0));
        files.push(file);
    }
    files
}

/// A whole journal but for one sector, which is still what was there before: that of an earlier
/// journal, mostly.
fn journals_without_a_sector(before: &[u8], steps: &[Step]) -> Vec<Vec<u8>> {
    let written: usize =
        steps.iter().map(|step| if let Step::Write(_, bytes) = step { bytes.len().div_ceil(SECTOR_BYTES) } else { 0 }).sum();
    let without = |missing: usize| {
        let (mut file, mut sectors) = (before.to_vec(), 0..);
        steps.iter().for_each(|step| perform(&mut file, step, || sectors.next() != Some(missing)));
        file
    };
    (0..written).filter(|_| written <= SECTORS_TRIED_MAX).map(without).collect()
}

/// Opens what a crash left, as a reader and as a writer, and returns its transaction.
fn recover(contents: &[u8], models: &[Model]) -> (u64, Vec<Step>) {
    let file = TestFile::new(contents).unwrap();
    let reader = file.open_read_only(&options()).unwrap();
    let read = transaction(&reader);
    let model = models.iter().find(|model| model.transaction == read).expect("one of the two");
    compare_committed(&reader, model);
    assert_eq!(file.contents().unwrap(), contents, "a reader changes nothing");
    drop(reader);
    let heap = file.open(&options()).unwrap();
    let found = transaction(&heap);
    assert_eq!(found, read);
    compare_committed(&heap, model);
    (found, file.take_steps())
}

/// Every prefix of the steps, and what a crash there may leave. Returns how many files were opened.
fn crash_everywhere(before: &[u8], steps: &[Step], models: &[Model; 2], random: &mut Random) -> usize {
    let first_sync = steps.iter().position(|step| *step == Step::Sync).unwrap();
    let mut files = 0;
    for end in 0..=steps.len() {
        let mut crashed = crashed(before, &steps[..end], random);
        if end == first_sync {
            crashed.extend(journals_without_a_sector(before, &steps[..end]));
        }
        files += crashed.len();
        for contents in crashed {
            let (found, recovery) = recover(&contents, models);
            assert!(end <= first_sync || found == models[1].transaction, "decided by the first sync");
            // And a crash while that is being recovered from.
            if !recovery.is_empty() && random.below(8) == 0 {
                let again = recovery[..random.below(recovery.len() + 1)].to_vec();
                for contents in self::crashed(&contents, &again, random) {
                    assert_eq!(recover(&contents, models).0, found);
                    files += 1;
                }
            }
        }
    }
    files
}

#[test]
fn a_crash_at_any_step_leaves_the_commit_before_or_after_it() {
    let file = TestFile::new(&[]).unwrap();
    let mut heap = file.create(&options()).unwrap();
    begin(&mut heap);
    let mut random = Random::new(7);
    let mut files = 0;
    for number in 1..=TRANSACTIONS_CRASHED {
        let before = file.contents().unwrap();
        drop(file.take_steps());
        transact(&mut heap).unwrap();
        let steps = file.take_steps();
        files += crash_everywhere(&before, &steps, &[model_after(number - 1), model_after(number)], &mut random);
    }
    println!("{files} crashes");
}

/// One transaction, of which the steps from `steps` on fail. Returns whether it came that far.
fn fail(file: &TestFile, heap: &mut FileHeap, steps: usize, errno: Errno) -> Option<Error> {
    file.fail_after(steps, errno.raw_os_error());
    let outcome = transact(heap);
    file.fail_after(usize::MAX, 0);
    outcome.err()
}

/// After a failure the heap is in order; and it either goes on, or says that it does not and is in
/// order once reopened.
fn check_after_failure(file: &TestFile, mut heap: FileHeap, number: u64) -> FileHeap {
    let (old, next) = (model_after(number - 1), model_after(number));
    match heap.rollback() {
        Ok(()) => compare_committed(&heap, &old),
        Err(Error::NeedsReopen) => {
            assert!(matches!(heap.commit(), Err(Error::NeedsReopen)));
            assert_eq!(transaction(&heap), number, "what it would have committed can be read");
            let reader = file.open_read_only(&options()).unwrap();
            heap = file.open(&options()).unwrap();
            let found = if transaction(&heap) == number { &next } else { &old };
            compare_committed(&reader, found);
            compare_committed(&heap, found);
        }
        Err(error) => panic!("{error}"),
    }
    heap
}

#[test]
fn a_failure_at_any_step_loses_nothing_and_can_be_repeated() {
    for errno in [Errno::NOSPC, Errno::IO] {
        let file = TestFile::new(&[]).unwrap();
        let mut heap = file.create(&options()).unwrap();
        begin(&mut heap);
        let mut failures = 0;
        for number in 1..=TRANSACTIONS_FAILED {
            let mut steps = 0;
            while transaction(&heap) < number {
                if let Some(error) = fail(&file, &mut heap, steps, errno) {
                    assert!(matches!(error, Error::NoSpace | Error::Io { .. }), "{error}");
                    assert_eq!(matches!(error, Error::NoSpace), errno == Errno::NOSPC);
                    heap = check_after_failure(&file, heap, number);
                    failures += 1;
                }
                steps += 1;
            }
            compare_committed(&heap, &model_after(number));
        }
        println!("{failures} failures");
    }
}

#[test]
fn a_failed_commit_that_was_not_decided_can_be_made_again() {
    let file = TestFile::new(&[]).unwrap();
    let mut heap = file.create(&options()).unwrap();
    let number = heap.insert(7u64).unwrap();
    file.fail_after(0, Errno::NOSPC.raw_os_error());
    assert!(matches!(heap.commit(), Err(Error::NoSpace)));
    file.fail_after(usize::MAX, 0);
    assert_eq!(heap.get(number).unwrap(), &7);
    heap.commit().unwrap();
    drop(heap);
    assert_eq!(file.open(&options()).unwrap().get(number).unwrap(), &7);
}
