//! What every `Mapper` promises, kept by the one over a file; and what the file is for.
#![cfg(target_os = "linux")]
#![allow(clippy::disallowed_types, clippy::unwrap_used, clippy::absolute_paths, clippy::multiple_unsafe_ops_per_block)]

use core::mem::MaybeUninit;
use core::ptr::NonNull;
use std::ffi::CString;
use std::fs::{File, metadata, remove_file, set_permissions, write as write_file};
use std::io::{Error, Seek, Write};
use std::os::fd::{AsRawFd, FromRawFd, RawFd};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::PathBuf;
use std::process::id;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::scope;

use proptest::collection::vec;
use proptest::prelude::{ProptestConfig, any, proptest};
use tinyalloc_sys::{
    BackingFile, FileMapper, FileOptions, FilePlace, FileStep, Inheritance, MapError, Mapper, Protection, is_aligned,
};

const ERRNO: i32 = libc::EXDEV;
const ABSURD: usize = 1 << 62;
const MIB: usize = 1 << 20;
const CHUNK: usize = 16 * MIB;
const DIRECTORY: &str = env!("CARGO_TARGET_TMPDIR");
const SKIPPED: i32 = 77;

static NAMES: AtomicUsize = AtomicUsize::new(0);

fn page() -> usize {
    tinyalloc_sys::PosixMapper::new().page_bytes()
}

fn directory() -> FileOptions {
    FileOptions::new(FilePlace::In([Some(DIRECTORY.as_bytes()), None, None, None]))
}

fn file(options: FileOptions) -> BackingFile {
    let file = BackingFile::new();
    file.choose(options);
    file
}

/// A name that no other test has, and options that keep a file of that name.
fn kept() -> (PathBuf, FileOptions) {
    let path = format!("{DIRECTORY}/kept-{}-{}", id(), NAMES.fetch_add(1, Ordering::Relaxed));
    let name: &'static str = Box::leak(path.into_boxed_str());
    (PathBuf::from(name), FileOptions::new(FilePlace::Kept(name.as_bytes())))
}

/// Runs a call with errno set, and checks that it is the same afterwards.
fn unmoved<R>(call: impl FnOnce() -> R) -> R {
    // SAFETY: errno of this thread.
    unsafe { *libc::__errno_location() = ERRNO };
    let result = call();
    assert_eq!(Error::last_os_error().raw_os_error(), Some(ERRNO), "errno was changed");
    result
}

fn read(start: NonNull<u8>, offset: usize) -> u8 {
    // SAFETY: tests read within their own committed ranges.
    unsafe { start.add(offset).read_volatile() }
}

fn write(start: NonNull<u8>, offset: usize, byte: u8) {
    // SAFETY: tests write within their own committed ranges.
    unsafe { start.add(offset).write_volatile(byte) };
}

fn fill(start: NonNull<u8>, bytes: usize, byte: u8) {
    // SAFETY: tests fill their own committed ranges.
    unsafe { start.write_bytes(byte, bytes) };
}

fn reads_as(start: NonNull<u8>, bytes: usize, byte: u8) -> bool {
    let expected = [byte; 4096];
    // SAFETY: tests read within their own committed ranges, which no code writes meanwhile.
    let bytes = unsafe { NonNull::slice_from_raw_parts(start, bytes).as_ref() };
    bytes.chunks(expected.len()).all(|piece| piece == &expected[..piece.len()])
}

fn at(start: NonNull<u8>, offset: usize) -> NonNull<u8> {
    // SAFETY: tests stay within their own ranges.
    unsafe { start.add(offset) }
}

fn release(mapper: FileMapper<'_>, start: NonNull<u8>, bytes: usize) {
    // SAFETY: tests release what is theirs, once.
    unmoved(|| unsafe { mapper.release(start, bytes) }).unwrap();
}

/// Runs `body` in a child process; returns how it ended, as waitpid tells it.
fn in_child(body: impl FnOnce() -> i32) -> i32 {
    // SAFETY: the child only makes system calls and leaves by _exit.
    let child = unsafe { libc::fork() };
    assert!(child >= 0);
    if child == 0 {
        // SAFETY: a fault is to kill the child without a report.
        unsafe { libc::signal(libc::SIGSEGV, libc::SIG_DFL) };
        let code = body();
        // SAFETY: ends the child without running what belongs to the parent.
        unsafe { libc::_exit(code) };
    }
    let mut status = 0;
    // SAFETY: waits for our own child.
    assert_eq!(unsafe { libc::waitpid(child, &raw mut status, 0) }, child);
    status
}

fn faults(access: impl FnOnce()) -> bool {
    let status = in_child(|| {
        access();
        0
    });
    libc::WIFSIGNALED(status) && libc::WTERMSIG(status) == libc::SIGSEGV
}

/// Runs `body` in a child; its code, or `None` where this system does not let the child do what it
/// needs.
fn outcome_in_child(body: impl FnOnce() -> i32) -> Option<i32> {
    let status = in_child(body);
    assert!(libc::WIFEXITED(status), "the child was killed by signal {}", libc::WTERMSIG(status));
    Some(libc::WEXITSTATUS(status)).filter(|code| *code != SKIPPED)
}

#[test]
fn reserved_ranges_fault_and_committed_ones_read_zero_and_write() {
    let file = file(directory());
    let mapper = FileMapper::new(&file);
    let bytes = 8 * page();
    let start = unmoved(|| mapper.reserve(bytes, page())).unwrap();
    assert!(faults(|| _ = read(start, 0)));
    let middle = at(start, page());
    // SAFETY: the range was reserved above.
    unmoved(|| unsafe { mapper.commit(middle, 2 * page()) }).unwrap();
    assert!(faults(|| _ = read(start, page() - 1)));
    assert!(faults(|| _ = read(start, 3 * page())));
    assert!(reads_as(middle, 2 * page(), 0));
    fill(middle, 2 * page(), 0xff);
    // SAFETY: the range was reserved above.
    unmoved(|| unsafe { mapper.commit(middle, 3 * page()) }).unwrap();
    assert!(reads_as(middle, 2 * page(), 0xff), "committing again keeps the contents");
    assert!(reads_as(at(middle, 2 * page()), page(), 0));
    release(mapper, start, bytes);
    assert!(faults(|| _ = read(middle, 0)));
    assert_eq!(file.disk_bytes(), 0);
}

#[test]
fn a_region_is_committed_across_chunks_and_takes_no_more_than_was_committed() {
    let file = file(directory());
    let mapper = FileMapper::new(&file);
    let start = mapper.reserve(1 << 40, page()).unwrap();
    assert_eq!(file.disk_bytes(), 0);
    for offset in [0, CHUNK - 2 * page(), 1 << 30, (1 << 40) - 4 * page()] {
        // SAFETY: the range was reserved above.
        unmoved(|| unsafe { mapper.commit(at(start, offset), 4 * page()) }).unwrap();
        assert!(reads_as(at(start, offset), 4 * page(), 0));
        fill(at(start, offset), 4 * page(), 7);
    }
    let disk_bytes = file.disk_bytes();
    assert!((16 * page()..64 * page()).contains(&disk_bytes), "{disk_bytes} bytes");
    release(mapper, start, 1 << 40);
    assert_eq!(file.disk_bytes(), 0);
}

#[test]
fn ranges_are_aligned_as_asked_and_apart_from_each_other_in_the_file_too() {
    let file = file(directory());
    let mapper = FileMapper::new(&file);
    let mut ranges = Vec::new();
    for align in (0..=26).step_by(2).map(|power| 1_usize << power) {
        for bytes in [page(), 3 * page(), 1 << 20] {
            let mapped = unmoved(|| mapper.map(bytes, align)).unwrap();
            assert!(is_aligned(mapped.addr().get(), align.max(page())));
            ranges.push((mapped, bytes));
        }
    }
    let mark = |index: usize| u8::try_from(index % 251).unwrap();
    ranges.iter().enumerate().for_each(|(index, (start, bytes))| fill(*start, *bytes, mark(index)));
    assert!(ranges.iter().enumerate().all(|(index, (start, bytes))| reads_as(*start, *bytes, mark(index))));
    ranges.into_iter().for_each(|(start, bytes)| release(mapper, start, bytes));
    assert_eq!(file.disk_bytes(), 0);
}

#[test]
fn decommitted_memory_reads_zero_takes_no_disk_and_stays_writable() {
    let file = file(directory());
    let mapper = FileMapper::new(&file);
    let bytes = 64 * page();
    let start = unmoved(|| mapper.map(bytes, page())).unwrap();
    fill(start, bytes, 0xaa);
    let before = file.disk_bytes();
    // SAFETY: the range is mapped, and its contents are not wanted.
    unmoved(|| unsafe { mapper.decommit(at(start, page()), 62 * page()) }).unwrap();
    assert!(before - file.disk_bytes() >= 62 * page());
    assert!(reads_as(start, page(), 0xaa) && reads_as(at(start, 63 * page()), page(), 0xaa));
    assert!(reads_as(at(start, page()), 62 * page(), 0));
    write(start, 2 * page(), 1);
    assert_eq!(read(start, 2 * page()), 1);
    release(mapper, start, bytes);
}

#[test]
fn space_is_allocated_when_it_is_committed_unless_the_file_is_sparse() {
    for (options, least) in [(directory(), MIB), (directory().sparse(), 0)] {
        let file = file(options);
        let mapper = FileMapper::new(&file);
        let start = mapper.map(MIB, page()).unwrap();
        assert!((least..=least + 4 * page()).contains(&file.disk_bytes()));
        fill(start, MIB, 1);
        assert!(reads_as(start, MIB, 1));
        release(mapper, start, MIB);
    }
}

#[test]
fn protection_and_traps_fault_where_they_should() {
    let file = file(directory());
    let mapper = FileMapper::new(&file);
    let start = mapper.map(3 * page(), page()).unwrap();
    fill(start, 3 * page(), 7);
    // SAFETY: our own range.
    unmoved(|| unsafe { mapper.protect(start, page(), Protection::Read) }).unwrap();
    assert!(read(start, 5) == 7 && faults(|| write(start, 5, 8)));
    let middle = at(start, page());
    // SAFETY: our own range.
    unmoved(|| unsafe { mapper.trap(middle, page()) }).unwrap();
    assert!(faults(|| _ = read(middle, 0)) && read(start, 2 * page()) == 7);
    let without = file.disk_bytes();
    // SAFETY: our own range.
    unmoved(|| unsafe { mapper.untrap(start, 3 * page()) }).unwrap();
    assert!(file.disk_bytes() >= without + page(), "there is space for it again");
    assert!(reads_as(middle, page(), 0) && read(start, 0) == 7 && read(start, 2 * page()) == 7);
    fill(start, 3 * page(), 9);
    release(mapper, start, 3 * page());
}

#[test]
fn remapping_keeps_the_contents_without_a_copy_and_grows_with_zeros() {
    let file = file(directory());
    let mapper = FileMapper::new(&file);
    let mut bytes = 4 * page();
    let mut start = unmoved(|| mapper.map(bytes, page())).unwrap();
    fill(start, bytes, 0x11);
    let mut walls = Vec::new();
    for new_bytes in [8 * page(), 2 * page(), CHUNK + MIB, 3 * CHUNK, 5 * CHUNK + page(), MIB, page()] {
        // A mapping between makes the next chunk of the file another's.
        walls.push(mapper.map(page(), page()).unwrap());
        // SAFETY: a whole mapping of ours, and only the returned one is used from here on.
        start = unmoved(|| unsafe { mapper.remap(start, bytes, new_bytes) }).unwrap();
        assert!(reads_as(start, bytes.min(new_bytes).min(2 * page()), 0x11));
        assert!(new_bytes <= bytes || reads_as(at(start, bytes), new_bytes - bytes, 0));
        assert!(file.disk_bytes() <= new_bytes + walls.len() * page() + 64 * page(), "nothing is there twice");
        bytes = new_bytes;
    }
    assert!(walls.iter().all(|wall| reads_as(*wall, page(), 0)));
    walls.into_iter().for_each(|wall| release(mapper, wall, page()));
    release(mapper, start, bytes);
    assert_eq!(file.disk_bytes(), 0);
}

#[test]
fn refusals_are_typed_and_leave_errno_and_ranges_alone() {
    let file = file(directory());
    let mapper = FileMapper::new(&file);
    assert_eq!(unmoved(|| mapper.reserve(ABSURD, page())), Err(MapError::OutOfMemory));
    assert_eq!(unmoved(|| mapper.map(ABSURD, page())), Err(MapError::OutOfMemory));
    assert_eq!(unmoved(|| mapper.reserve(page(), 1 << 63)), Err(MapError::OutOfMemory));
    assert_eq!(unmoved(|| mapper.reserve(0, page())), Err(MapError::Unavailable));
    let start = mapper.map(page(), page()).unwrap();
    fill(start, page(), 3);
    // SAFETY: the calls are refused, which is what is under test.
    unsafe {
        assert_eq!(unmoved(|| mapper.remap(start, page(), ABSURD)), Err(MapError::OutOfMemory));
        assert_eq!(unmoved(|| mapper.remap(start, page(), 0)), Err(MapError::Unavailable));
        assert_eq!(unmoved(|| mapper.release(start.add(1), page())), Err(MapError::Unavailable));
        assert_eq!(unmoved(|| mapper.commit(start.add(1), page())), Err(MapError::Unavailable));
        assert_eq!(unmoved(|| mapper.decommit(start.add(1), page())), Err(MapError::Unavailable));
        assert_eq!(unmoved(|| mapper.protect(start.add(1), page(), Protection::None)), Err(MapError::Unavailable));
    }
    assert!(reads_as(start, page(), 3));
    release(mapper, start, page());
    assert_eq!(BackingFile::new().take_failure(), None);
}

#[test]
fn a_file_that_is_not_chosen_has_no_memory() {
    let file = BackingFile::new();
    assert_eq!(unmoved(|| FileMapper::new(&file).reserve(page(), page())), Err(MapError::Unavailable));
}

#[test]
fn what_is_released_is_taken_again_and_the_file_stays_small() {
    let (path, options) = kept();
    let file = file(options);
    let mapper = FileMapper::new(&file);
    for round in 0..300 {
        let start = mapper.map(20 * MIB, page()).unwrap();
        assert!(reads_as(start, page(), 0) && read(start, 20 * MIB - 1) == 0);
        fill(start, page(), u8::try_from(round % 256).unwrap());
        write(start, 20 * MIB - 1, 1);
        release(mapper, start, 20 * MIB);
    }
    assert!(metadata(&path).unwrap().len() <= 32 * MIB as u64);
    assert_eq!(file.disk_bytes(), 0);
    drop(file);
    remove_file(path).unwrap();
}

#[test]
fn a_part_may_be_released_alone() {
    let file = file(directory());
    let mapper = FileMapper::new(&file);
    let start = mapper.map(3 * CHUNK, page()).unwrap();
    fill(start, 3 * CHUNK, 5);
    for offset in [page(), CHUNK - page(), 2 * CHUNK] {
        release(mapper, at(start, offset), page());
        assert!(faults(|| _ = read(start, offset)));
    }
    let others: Vec<_> = (0..3).map(|_| mapper.map(CHUNK, page()).unwrap()).collect();
    others.iter().for_each(|other| fill(*other, CHUNK, 6));
    assert!([0, CHUNK - 2 * page(), CHUNK, 2 * CHUNK + page(), 3 * CHUNK - page()].iter().all(|o| reads_as(
        at(start, *o),
        page(),
        5
    )));
    release(mapper, start, 3 * CHUNK);
    others.into_iter().for_each(|other| release(mapper, other, CHUNK));
    assert_eq!(file.disk_bytes(), 0);
}

#[test]
fn a_kept_file_holds_what_was_written_and_is_locked_meanwhile() {
    let (path, options) = kept();
    write_file(&path, "what was there before").unwrap();
    let first = file(options);
    let start = FileMapper::new(&first).map(page(), page()).unwrap();
    assert!(reads_as(start, page(), 0));
    fill(start, page(), b'x');
    let second = file(options);
    assert_eq!(unmoved(|| FileMapper::new(&second).map(page(), page())), Err(MapError::OutOfMemory));
    let failure = second.take_failure().unwrap();
    assert_eq!((failure.step(), failure.errno()), (FileStep::Lock, libc::EWOULDBLOCK));
    assert_eq!(failure.to_string(), "the file cannot be had alone: another process has it");
    assert_eq!(second.take_failure(), None);
    assert_eq!(std::fs::read(&path).unwrap(), vec![b'x'; page()]);
    assert_eq!(metadata(&path).unwrap().permissions().mode() & 0o777, 0o644 & metadata(&path).unwrap().permissions().mode());
    drop(first);
    remove_file(path).unwrap();
}

#[test]
fn a_file_in_a_directory_has_no_name_and_only_its_owner_may_read_it() {
    let directory = PathBuf::from(format!("{DIRECTORY}/nameless-{}", id()));
    std::fs::create_dir_all(&directory).unwrap();
    let name: &'static str = Box::leak(directory.display().to_string().into_boxed_str());
    let file = file(FileOptions::new(FilePlace::In([None, Some(name.as_bytes()), None, None])));
    let _start = FileMapper::new(&file).map(page(), page()).unwrap();
    assert_eq!(std::fs::read_dir(&directory).unwrap().count(), 0);
    set_permissions(&directory, PermissionsExt::from_mode(0o700)).unwrap();
    std::fs::remove_dir(directory).unwrap();
}

#[test]
fn a_directory_that_is_missing_or_no_directory_is_refused_with_a_reason() {
    for (path, errno, words) in [
        ("/nowhere/at/all", libc::ENOENT, "no such directory"),
        ("/proc/self/cmdline", libc::ENOTDIR, "not a directory"),
        ("/proc", libc::ENOENT, "no such directory"),
    ] {
        let file = file(FileOptions::new(FilePlace::In([Some(path.as_bytes()), None, None, None])));
        assert_eq!(unmoved(|| FileMapper::new(&file).reserve(page(), page())), Err(MapError::OutOfMemory));
        let failure = file.take_failure().unwrap();
        assert_eq!(
            (failure.step(), failure.errno(), failure.to_string()),
            (FileStep::Open, errno, format!("no file can be made there: {words}"))
        );
    }
}

fn is_in_memory(directory: &str) -> bool {
    let path = CString::new(directory).unwrap();
    let mut system = MaybeUninit::<libc::statfs>::zeroed();
    // SAFETY: both pointers are valid, and zero is a valid state.
    unsafe { libc::statfs(path.as_ptr(), system.as_mut_ptr()) == 0 && system.assume_init().f_type == libc::TMPFS_MAGIC }
}

#[test]
fn the_first_directory_that_will_do_is_taken_and_one_in_memory_last() {
    if is_in_memory(DIRECTORY) {
        println!("skipped: this directory is in memory itself");
        return;
    }
    let file = file(FileOptions::new(FilePlace::In([Some(b"/nowhere"), Some(b"/dev/shm"), Some(DIRECTORY.as_bytes()), None])));
    let start = FileMapper::new(&file).map(page(), page()).unwrap();
    assert_eq!(file.take_failure(), None);
    let device = metadata(DIRECTORY).unwrap().dev();
    let shown = format!(" {:02x}:{:02x} ", libc::major(device), libc::minor(device));
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
    let line = maps.lines().find(|line| line.starts_with(&format!("{:x}-", start.addr()))).unwrap();
    assert!(line.contains(" rw-s ") && line.contains(&shown) && line.ends_with("(deleted)"), "{line}");
}

#[test]
fn beyond_the_limit_of_a_file_there_is_no_memory_and_no_signal() {
    let code = outcome_in_child(|| {
        let limit = libc::rlimit { rlim_cur: (CHUNK + MIB) as u64, rlim_max: libc::RLIM_INFINITY };
        // SAFETY: lowers the limit of the child only.
        unsafe { libc::setrlimit(libc::RLIMIT_FSIZE, &raw const limit) };
        let file = file(directory());
        let mapper = FileMapper::new(&file);
        let Ok(start) = mapper.map(CHUNK, page()) else { return 1 };
        fill(start, CHUNK, 1);
        let refused = mapper.map(2 * MIB, page()) == Err(MapError::OutOfMemory);
        let said = file.take_failure().is_some_and(|failure| (failure.step(), failure.errno()) == (FileStep::Grow, libc::EFBIG));
        // SAFETY: a whole mapping.
        let stays = unsafe { mapper.remap(start, CHUNK, 2 * CHUNK) } == Err(MapError::OutOfMemory);
        let fits = mapper.map(MIB, page()).is_ok();
        i32::from(!(refused && said && stays && fits && reads_as(start, CHUNK, 1)))
    });
    assert_eq!(code, Some(0));
}

/// A disk of a few mebibytes, in this child alone; false where that may not be.
fn mount_small_disk(bytes: usize) -> bool {
    let options = CString::new(format!("size={bytes}")).unwrap();
    // SAFETY: concerns the child alone.
    unsafe {
        (libc::unshare(libc::CLONE_NEWNS) == 0 || libc::unshare(libc::CLONE_NEWUSER | libc::CLONE_NEWNS) == 0)
            && libc::mount(c"none".as_ptr(), c"/".as_ptr(), core::ptr::null(), libc::MS_REC | libc::MS_PRIVATE, core::ptr::null())
                == 0
            && libc::mount(c"none".as_ptr(), c"/mnt".as_ptr(), c"tmpfs".as_ptr(), 0, options.as_ptr().cast()) == 0
    }
}

#[test]
fn a_full_disk_is_an_error_of_the_commit_and_never_a_fault_later() {
    const DISK: usize = 8 * MIB;
    let code = outcome_in_child(|| {
        if !mount_small_disk(DISK) {
            return SKIPPED;
        }
        let file = file(FileOptions::new(FilePlace::In([Some(b"/mnt"), None, None, None])));
        let mapper = FileMapper::new(&file);
        let start = mapper.reserve(64 * MIB, page()).unwrap();
        // SAFETY: within the reservation.
        let commit = |offset: usize| unsafe { mapper.commit(at(start, offset), MIB) };
        let committed = (0..64).take_while(|index| commit(index * MIB).is_ok()).count();
        let said = file.take_failure().is_some_and(|failure| (failure.step(), failure.errno()) == (FileStep::Grow, libc::ENOSPC));
        fill(start, committed * MIB, 1);
        // SAFETY: committed above.
        let given = unsafe { mapper.decommit(start, MIB) }.is_ok();
        let taken = commit(committed * MIB).is_ok();
        // SAFETY: committed above. There is no space for it any more.
        let refused = unsafe { mapper.untrap(start, MIB) } == Err(MapError::OutOfMemory);
        fill(at(start, MIB), committed * MIB, 2);
        i32::from(!((5..=8).contains(&committed) && said && given && taken && refused))
    });
    match code {
        Some(code) => assert_eq!(code, 0),
        None => println!("skipped: no disk of its own can be had"),
    }
}

#[test]
fn a_descriptor_that_was_closed_is_missed_and_another_file_of_its_number_unharmed() {
    let (path, options) = kept();
    let code = outcome_in_child(|| {
        let file = file(options);
        let mapper = FileMapper::new(&file);
        let start = mapper.map(page(), page()).unwrap();
        fill(start, page(), 1);
        let descriptor = (3..64)
            .find(|descriptor: &RawFd| std::fs::read_link(format!("/proc/self/fd/{descriptor}")).is_ok_and(|to| to == path))
            .unwrap();
        // SAFETY: what a careless program does.
        let mut other = unsafe {
            libc::close(descriptor);
            File::from_raw_fd(libc::open(c"/proc/self/exe".as_ptr(), libc::O_RDONLY))
        };
        assert_eq!(other.as_raw_fd(), descriptor);
        let mut other_file = File::create(path.with_extension("other")).unwrap();
        other_file.write_all(&[9; 8192]).unwrap();
        // SAFETY: the number now names this file.
        unsafe { libc::dup2(other_file.as_raw_fd(), descriptor) };
        let refused = mapper.map(page(), page()) == Err(MapError::OutOfMemory);
        let said = file.take_failure().is_some_and(|failure| failure.step() == FileStep::Find);
        // SAFETY: committed above.
        let kept = unsafe { mapper.decommit(start, page()) }.is_err() && reads_as(start, page(), 1);
        let unharmed = other.rewind().is_ok() && std::fs::read(path.with_extension("other")).unwrap() == [9; 8192];
        i32::from(!(refused && said && kept && unharmed))
    });
    assert_eq!(code, Some(0));
    remove_file(path.with_extension("other")).unwrap();
    remove_file(path).unwrap();
}

/// Forks with the file prepared for it; what the child inherited, and its code.
fn fork_with(file: &BackingFile, may_copy: bool, child: impl FnOnce(Inheritance) -> i32) -> i32 {
    file.prepare_fork(may_copy);
    // SAFETY: the child only makes system calls and leaves by _exit.
    let process = unsafe { libc::fork() };
    if process == 0 {
        let code = file.resume_child().map_or(100, child);
        // SAFETY: ends the child without running what belongs to the parent.
        unsafe { libc::_exit(code) };
    }
    file.resume_parent();
    process
}

fn status_of(process: i32) -> i32 {
    let mut status = 0;
    // SAFETY: waits for our own child.
    assert_eq!(unsafe { libc::waitpid(process, &raw mut status, 0) }, process);
    status
}

#[test]
fn a_child_has_a_copy_that_neither_it_nor_its_parent_shares() {
    let file = file(directory());
    let mapper = FileMapper::new(&file);
    let region = mapper.reserve(1 << 30, page()).unwrap();
    // SAFETY: within the reservation.
    unsafe { mapper.commit(region, 2 * CHUNK) }.unwrap();
    fill(at(region, CHUNK), page(), 1);
    let child = fork_with(&file, true, |inheritance| {
        // Whatever the parent writes meanwhile.
        while read(region, 0) == 0 && std::fs::metadata("/proc/self").is_ok() {
            write(region, 0, 1);
        }
        fill(at(region, CHUNK), page() / 2, 3);
        // SAFETY: within the reservation.
        let more = unsafe { mapper.commit(at(region, 2 * CHUNK), MIB) }.is_ok();
        fill(at(region, 2 * CHUNK), MIB, 4);
        // SAFETY: committed.
        let less = unsafe { mapper.decommit(region, CHUNK) }.is_ok() && reads_as(region, CHUNK, 0);
        let mapped = mapper.map(MIB, page()).is_ok_and(|start| reads_as(start, MIB, 0));
        let halves = reads_as(at(region, CHUNK), page() / 2, 3) && reads_as(at(region, CHUNK + page() / 2), page() / 2, 1);
        i32::from(!(inheritance == Inheritance::Copy && more && less && mapped && halves))
    });
    fill(at(region, CHUNK), page(), 2);
    assert_eq!(status_of(child), 0);
    assert!(reads_as(at(region, CHUNK), page(), 2) && reads_as(region, page(), 0));
    // SAFETY: within the reservation.
    unsafe { mapper.commit(at(region, 2 * CHUNK), MIB) }.unwrap();
    assert!(reads_as(at(region, 2 * CHUNK), MIB, 0));
    release(mapper, region, 1 << 30);
}

#[test]
fn a_child_without_a_copy_reads_and_faults_where_it_writes() {
    let file = file(directory());
    let mapper = FileMapper::new(&file);
    let start = mapper.map(page(), page()).unwrap();
    fill(start, page(), 1);
    let reader = fork_with(&file, false, |inheritance| {
        let refused = mapper.map(page(), page()) == Err(MapError::Unavailable);
        i32::from(!(inheritance == Inheritance::View && refused && reads_as(start, page(), 1)))
    });
    let writer = fork_with(&file, false, |_| {
        // SAFETY: the fault is to kill the child without a report.
        unsafe { libc::signal(libc::SIGSEGV, libc::SIG_DFL) };
        write(start, 0, 2);
        0
    });
    assert_eq!(status_of(reader), 0);
    assert_eq!(libc::WTERMSIG(status_of(writer)), libc::SIGSEGV);
    assert!(reads_as(start, page(), 1));
    release(mapper, start, page());
    let nothing = fork_with(&BackingFile::new(), true, |inheritance| i32::from(inheritance != Inheritance::Nothing));
    assert_eq!(status_of(nothing), 0);
}

#[test]
fn beside_a_fork_that_lasts_there_is_memory_apart_and_other_calls_are_refused() {
    let file = file(directory());
    let mapper = FileMapper::new(&file);
    let before = mapper.map(CHUNK, page()).unwrap();
    let disk_bytes = file.disk_bytes();
    file.prepare_fork(false);
    let own = mapper.map(page(), page()).unwrap();
    scope(|threads| {
        let other = threads.spawn(|| {
            let refused = mapper.map(page(), page()) == Err(MapError::Unavailable);
            let apart = mapper.map_apart(MIB, CHUNK).unwrap();
            let zeroed = reads_as(apart, MIB, 0) && is_aligned(apart.addr().get(), CHUNK);
            fill(apart, MIB, 1);
            // SAFETY: it is a whole one, and not used again.
            unsafe { mapper.release_apart(apart, MIB) }.unwrap();
            (refused, zeroed, mapper.map_apart(0, page()).is_err(), file.disk_bytes())
        });
        assert_eq!(other.join().unwrap(), (true, true, true, disk_bytes));
    });
    file.resume_parent();
    assert_eq!(file.take_failure(), None, "it is not the file's fault");
    release(mapper, own, page());
    release(mapper, before, CHUNK);
}

#[test]
fn threads_map_and_release_at_once() {
    let file = file(directory());
    let mapper = FileMapper::new(&file);
    scope(|threads| {
        for mark in 1..=4u8 {
            threads.spawn(move || {
                for round in 1..100 {
                    let bytes = round * page();
                    let start = mapper.map(bytes, page()).unwrap();
                    assert!(reads_as(start, bytes, 0));
                    fill(start, bytes, mark);
                    // SAFETY: a whole mapping of this thread's.
                    let start = unsafe { mapper.remap(start, bytes, 2 * bytes) }.unwrap();
                    assert!(reads_as(start, bytes, mark) && reads_as(at(start, bytes), bytes, 0));
                    release(mapper, start, 2 * bytes);
                }
            });
        }
    });
    assert_eq!(file.disk_bytes(), 0);
}

/// A mapping of the model: where it is, and what each of its pages holds.
struct Mapped {
    start: NonNull<u8>,
    pages: Vec<u8>,
}

fn check(mapped: &Mapped) {
    for (index, byte) in mapped.pages.iter().enumerate() {
        let offset = index * page();
        assert!(read(mapped.start, offset) == *byte && read(mapped.start, offset + page() - 1) == *byte, "page {index}");
    }
}

fn step(mapper: FileMapper<'_>, model: &mut Vec<Mapped>, action: u8, place: usize, pages: usize, byte: u8) {
    let index = place % model.len().max(1);
    match (action % 4, model.get_mut(index)) {
        (0, _) | (_, None) => {
            let start = mapper.map(pages * page(), page()).unwrap();
            model.push(Mapped { start, pages: vec![0; pages] });
        }
        (1, Some(mapped)) => {
            // SAFETY: a whole mapping of ours.
            let moved = unsafe { mapper.remap(mapped.start, mapped.pages.len() * page(), pages * page()) };
            mapped.start = moved.unwrap();
            mapped.pages.resize(pages, 0);
        }
        (2, Some(mapped)) => {
            let from = place % mapped.pages.len();
            let to = (from + pages).min(mapped.pages.len());
            // SAFETY: within a mapping of ours.
            unsafe { mapper.decommit(at(mapped.start, from * page()), (to - from) * page()) }.unwrap();
            mapped.pages[from..to].fill(0);
        }
        (_, Some(_)) => {
            let mapped = model.swap_remove(index);
            release(mapper, mapped.start, mapped.pages.len() * page());
        }
    }
    if let Some(mapped) = model.last_mut() {
        let index = place % mapped.pages.len();
        fill(at(mapped.start, index * page()), page(), byte);
        mapped.pages[index] = byte;
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]
    #[test]
    fn whatever_is_done_every_page_holds_what_was_written_there(
        steps in vec((any::<u8>(), any::<usize>(), 1usize..9000, any::<u8>()), 1..40)
    ) {
        let file = file(directory().sparse());
        let mapper = FileMapper::new(&file);
        let mut model = Vec::new();
        for (action, place, pages, byte) in steps {
            step(mapper, &mut model, action, place, pages, byte);
        }
        model.iter().for_each(check);
        model.into_iter().for_each(|mapped| release(mapper, mapped.start, mapped.pages.len() * page()));
        assert_eq!(file.disk_bytes(), 0);
    }
}
