//! A program whose memory is in a file, as a process: where the file is, what is left of it, and
//! what its children have of it.
//!
//! Each test runs this very program again, as the process that it looks at: in a role.
#![allow(
    clippy::absolute_paths,
    clippy::disallowed_types,
    clippy::multiple_unsafe_ops_per_block,
    reason = "not the core: it tests it"
)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::collections::BTreeMap;
use std::env::{current_exe, var_os};
use std::ffi::{CStr, CString, c_char};
use std::fs::{File, create_dir_all, read, read_dir, read_link, read_to_string, remove_dir_all, write};
use std::hint::black_box;
use std::io::{BufRead, BufReader, Error, Write};
use std::ops::BitAnd;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio, id};
use std::ptr::null;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Barrier, Mutex};
use std::thread::{park, scope, sleep};
use std::time::{Duration, Instant};

use tinyalloc::mmap::MAlloc;

/// One of these, as a variable says: a program would have just one.
struct Chosen;

static NAMELESS: MAlloc = MAlloc::new();
static SPARSE: MAlloc = MAlloc::in_directory(DIRECTORY_NAME).sparse();
static KEPT: MAlloc = MAlloc::keeping(KEPT_NAME);

#[global_allocator]
static GLOBAL: Chosen = Chosen;

const KEPT_NAME: &str = "kept-by-a-test";
const DIRECTORY_NAME: &str = "named-by-a-test";
/// Names one of them by its first letter.
const CHOICE: &CStr = c"MMAP_TEST_CHOICE";
const ROLE: &CStr = c"MMAP_TEST_ROLE";
const MIB: usize = 1 << 20;
const SECONDS_MAX: u32 = 100;
/// The code of a role that went well.
const PASSED: i32 = 42;

impl Chosen {
    fn allocator(&self) -> &'static MAlloc {
        // SAFETY: no thread changes the environment.
        let choice = unsafe { libc::getenv(CHOICE.as_ptr()) };
        // SAFETY: a variable is a string.
        match if choice.is_null() { b'n' } else { unsafe { choice.cast::<u8>().read() } } {
            b'k' => &KEPT,
            b's' => &SPARSE,
            _ => &NAMELESS,
        }
    }
}

// SAFETY: all are one allocator.
unsafe impl GlobalAlloc for Chosen {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's promise.
        unsafe { self.allocator().alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's promise.
        unsafe { self.allocator().alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, start: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise.
        unsafe { self.allocator().dealloc(start, layout) };
    }

    unsafe fn realloc(&self, start: *mut u8, layout: Layout, bytes: usize) -> *mut u8 {
        // SAFETY: the caller's promise.
        unsafe { self.allocator().realloc(start, layout, bytes) }
    }
}

/// Before `main`, and so before there are threads.
#[used]
#[unsafe(link_section = ".init_array")]
static PLAY: extern "C" fn() = play_role;

extern "C" fn play_role() {
    // SAFETY: no thread changes the environment.
    let role = unsafe { libc::getenv(ROLE.as_ptr()) };
    if !role.is_null() {
        // SAFETY: a variable is a string that stays.
        let role = unsafe { CStr::from_ptr(role) }.to_str().map_or(1, play);
        // SAFETY: ends the process as the role says.
        unsafe { libc::_exit(role) };
    }
}

/// A directory that goes with the test.
struct Directory(PathBuf);

impl Directory {
    fn new(name: &str) -> Directory {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("mmap-{name}-{}", id()));
        create_dir_all(&path).expect("a directory");
        Directory(path)
    }

    fn files(&self) -> usize {
        read_dir(&self.0).expect("it is there").count()
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        _ = remove_dir_all(&self.0);
    }
}

/// This program in a role, with its file in a directory.
fn role(role: &str, directory: &Path) -> Command {
    let mut command = Command::new(current_exe().expect("a program has a name"));
    command
        .env(ROLE.to_str().expect("a name"), role)
        .env("TINYALLOC_FILE_DIR", directory)
        .current_dir(directory)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    if var_os("C_TESTS_EMULATED").is_some() {
        // SAFETY: does nothing. Programs are run by fork then, not by vfork: qemu-user makes a fork
        // of each vfork, and such a child has nothing of memory in a file.
        unsafe { command.pre_exec(|| Ok(())) };
    }
    command
}

fn output(mut command: Command) -> Output {
    command.output().expect("the program runs")
}

/// As [`output`]; who waits for ever is ended.
fn output_in_time(mut command: Command) -> Output {
    let end_in_time = || {
        // SAFETY: no other thread sets an alarm.
        unsafe { libc::alarm(SECONDS_MAX) };
        Ok(())
    };
    // SAFETY: a system call.
    unsafe { command.pre_exec(end_in_time) };
    output(command)
}

fn complaints(output: &Output) -> Vec<String> {
    let errors = String::from_utf8_lossy(&output.stderr);
    errors.lines().filter(|line| line.starts_with("tinyalloc: ")).map(str::to_owned).collect()
}

fn passes(output: &Output) {
    assert_eq!(output.status.code(), Some(PASSED), "{output:?}");
}

/// Where the open files of a process are, as far as they have no name.
fn nameless_files(process: u32) -> Vec<PathBuf> {
    let descriptors = read_dir(format!("/proc/{process}/fd")).expect("the process is there");
    let targets = descriptors.filter_map(|descriptor| read_link(descriptor.ok()?.path()).ok());
    targets.filter(|target| target.to_string_lossy().ends_with("(deleted)")).collect()
}

/// A disk of its own at `/mnt` for the process that calls this; false where that may not be.
fn mount_disk(bytes: usize, flags: u64) -> bool {
    let options = CString::new(format!("size={bytes}")).expect("no null byte");
    // SAFETY: concerns the calling process alone.
    unsafe {
        (libc::unshare(libc::CLONE_NEWNS) == 0 || libc::unshare(libc::CLONE_NEWUSER | libc::CLONE_NEWNS) == 0)
            && libc::mount(c"none".as_ptr(), c"/".as_ptr(), null(), libc::MS_REC | libc::MS_PRIVATE, null()) == 0
            && libc::mount(c"none".as_ptr(), c"/mnt".as_ptr(), c"tmpfs".as_ptr(), flags, options.as_ptr().cast()) == 0
    }
}

/// Lets a command run on such a disk.
fn on_disk(command: &mut Command, bytes: usize, flags: u64) {
    let mount = move || if mount_disk(bytes, flags) { Ok(()) } else { Err(Error::from_raw_os_error(libc::EPERM)) };
    // SAFETY: makes system calls, and may allocate: the child of a fork that did not copy the
    // memory can.
    unsafe { command.pre_exec(mount) };
}

fn limit(resource: libc::__rlimit_resource_t, bytes: usize) {
    let limit = libc::rlimit { rlim_cur: bytes as u64, rlim_max: bytes as u64 };
    // SAFETY: the pointer is to a limit.
    assert_eq!(unsafe { libc::setrlimit(resource, &raw const limit) }, 0);
}

/// Forks as the C library's `fork` does; how the child ended.
fn fork(child: impl FnOnce() -> i32) -> libc::pid_t {
    // SAFETY: what the child may do is under test; it leaves by _exit.
    let process = unsafe { libc::fork() };
    assert!(process >= 0);
    if process == 0 {
        let code = child();
        // SAFETY: ends the child without running what belongs to the parent.
        unsafe { libc::_exit(code) };
    }
    process
}

fn status_of(process: libc::pid_t) -> i32 {
    let mut status = 0;
    // SAFETY: waits for our own child.
    assert_eq!(unsafe { libc::waitpid(process, &raw mut status, 0) }, process);
    status
}

fn play(role: &str) -> i32 {
    let passed = match role {
        "waits" => waits(),
        "ends" => collections() == collections(),
        "says what it keeps" => says_what_it_keeps(),
        "fills its disk" => fills_its_disk(),
        "loses its disk" => loses_its_disk(),
        "has a limit of files" => has_a_limit_of_files(),
        "has a limit of memory" => has_a_limit_of_memory(),
        "frees twice" => frees_twice(),
        "forks alone" => forks_alone(),
        "forks with much memory" => forks_with_much_memory(),
        "forks among threads" => forks_among_threads(),
        "forks while others have a file" => forks_while_others_have_a_file(),
        "forks for long" => forks_for_long(),
        "forks while another asks for much" => forks_while_another_asks_for_much(),
        "runs programs" => runs_programs() && scope(|threads| threads.spawn(runs_programs).join().expect("no panic")),
        "closes all files" => closes_all_files(),
        _ => false,
    };
    if passed { PASSED } else { 1 }
}

const PLACES: usize = 64;

/// The byte that belongs to a place.
fn mark(place: usize) -> u8 {
    u8::try_from(place % 251).unwrap_or(0)
}

/// What belongs to a place: blocks of every size.
fn block(place: usize) -> Vec<u8> {
    vec![mark(place); place.pow(3) / 4]
}

fn collections() -> BTreeMap<usize, Vec<u8>> {
    (0..PLACES).map(|place| (place, block(place))).collect()
}

fn are_whole(collections: &BTreeMap<usize, Vec<u8>>) -> bool {
    collections.len() == PLACES && collections.iter().all(|(place, found)| *found == block(*place))
}

fn waits() -> bool {
    let kept = black_box(collections());
    println!("ready");
    loop {
        park();
        black_box(&kept);
    }
}

/// Starts a program that waits; which files without a name it has open, once it is killed.
fn nameless_files_of(mut waiting: Command) -> Vec<PathBuf> {
    let mut child = waiting.spawn().expect("the program runs");
    let mut line = String::new();
    BufReader::new(child.stdout.take().expect("piped")).read_line(&mut line).expect("it says that it is ready");
    assert_eq!(line, "ready\n");
    let files = nameless_files(child.id());
    child.kill().expect("it waits");
    assert_eq!(child.wait().expect("it was killed").signal(), Some(libc::SIGKILL));
    files
}

#[test]
fn the_file_has_no_name_and_is_gone_with_the_process_however_that_ends() {
    let directory = Directory::new("gone");
    passes(&output(role("ends", &directory.0)));
    assert_eq!(directory.files(), 0);
    let files = nameless_files_of(role("waits", &directory.0));
    assert!(files.iter().any(|file| file.starts_with(&directory.0)), "{files:?}");
    assert_eq!(directory.files(), 0);
}

#[test]
fn the_program_names_a_directory_or_the_usual_variable_does_and_the_users_goes_before_both() {
    let directory = Directory::new("places");
    let named = directory.0.join(DIRECTORY_NAME);
    create_dir_all(&named).expect("a directory");
    let waiting = |choice: &str, variable: &str, place: &Path| {
        let mut command = role("waits", &directory.0);
        command.env(CHOICE.to_str().expect("a name"), choice).env_remove("TINYALLOC_FILE_DIR").env(variable, place);
        nameless_files_of(command)
    };
    let lies_in = |files: Vec<PathBuf>, place: &Path| files.iter().any(|file| file.parent() == Some(place));
    assert!(lies_in(waiting("sparse", "TMPDIR", &directory.0), &named));
    assert!(lies_in(waiting("sparse", "TINYALLOC_FILE_DIR", &directory.0), &directory.0));
    // A directory that is in memory itself comes last.
    let usual = waiting("nameless", "TMPDIR", &named);
    assert!(lies_in(usual, &named) || is_in_memory(&named));
}

fn is_in_memory(directory: &Path) -> bool {
    let mounts = read_to_string("/proc/self/mounts").expect("it is there");
    let of = |line: &str| Some((line.split(' ').nth(1)?.to_owned(), line.split(' ').nth(2)? == "tmpfs"));
    let over = mounts.lines().filter_map(of).filter(|(place, _)| directory.starts_with(place));
    over.max_by_key(|(place, _)| place.len()).is_some_and(|(_, in_memory)| in_memory)
}

fn frees_twice() -> bool {
    let block = Box::into_raw(Box::new([1u8; 100]));
    let freed = || drop(unsafe_box(block));
    freed();
    freed();
    false
}

/// The mistake under test.
fn unsafe_box(block: *mut [u8; 100]) -> Box<[u8; 100]> {
    // SAFETY: a second call with the same block breaks it.
    unsafe { Box::from_raw(black_box(block)) }
}

#[test]
fn a_block_that_is_freed_twice_ends_the_program_with_a_line() {
    let directory = Directory::new("twice");
    let output = output(role("frees twice", &directory.0));
    assert_eq!(output.status.signal(), Some(libc::SIGABRT), "{output:?}");
    let lines = complaints(&output);
    assert!(lines.len() == 1 && lines[0].contains("double free"), "{lines:?}");
}

const SECRET: &[u8] = b"what was in memory when the process ended";

fn says_what_it_keeps() -> bool {
    let text = black_box(SECRET.repeat(100));
    let path = Path::new(KEPT_NAME);
    text.len() == SECRET.len() * 100 && path.exists()
}

#[test]
fn a_file_that_is_to_be_kept_is_there_afterwards_and_begins_anew() {
    let directory = Directory::new("kept");
    let path = directory.0.join(KEPT_NAME);
    for _ in 0..2 {
        let mut command = role("says what it keeps", &directory.0);
        command.env(CHOICE.to_str().expect("a name"), "kept");
        passes(&output(command));
        let held = read(&path).expect("it is kept");
        assert!(held.windows(SECRET.len()).any(|window| window == SECRET));
        write(&path, [0xff; 100_000]).expect("it is ours");
    }
    assert_eq!(directory.files(), 1);
}

#[test]
fn where_no_file_can_be_made_there_is_no_memory_and_a_line_says_why() {
    let mut command = role("ends", Path::new("/nowhere/at/all"));
    command.current_dir("/");
    let output = output(command);
    assert_eq!(output.status.signal(), Some(libc::SIGABRT), "Rust ends a program without memory: {output:?}");
    let expected = "tinyalloc: no memory from a file (/nowhere/at/all): no file can be made there: no such directory";
    assert_eq!(complaints(&output), [expected]);
}

#[test]
fn a_read_only_file_system_is_no_place_for_it() {
    let mut command = role("ends", Path::new("/mnt"));
    on_disk(&mut command, MIB, libc::MS_RDONLY);
    match command.current_dir("/").output() {
        Ok(output) => {
            assert_eq!(output.status.signal(), Some(libc::SIGABRT), "{output:?}");
            let expected = "tinyalloc: no memory from a file (/mnt): no file can be made there: read-only file system";
            assert_eq!(complaints(&output), [expected]);
        }
        Err(refused) => println!("skipped: no disk of its own can be had: {refused}"),
    }
}

const BLOCKS_MAX: usize = 4096;

/// As many blocks as there is memory for, all of them written.
fn all_that_there_is(block_bytes: usize) -> Vec<Vec<u8>> {
    let mut blocks = Vec::new();
    let room = blocks.try_reserve_exact(BLOCKS_MAX);
    while room.is_ok() && blocks.len() < BLOCKS_MAX {
        let mut block = Vec::new();
        if block.try_reserve_exact(block_bytes).is_err() {
            break;
        }
        block.resize(block_bytes, mark(blocks.len()));
        blocks.push(block);
    }
    blocks
}

fn fills_its_disk() -> bool {
    let blocks = all_that_there_is(MIB);
    let large = Vec::<u8>::new().try_reserve_exact(64 * MIB).is_err();
    let whole = blocks.iter().enumerate().all(|(index, block)| block.iter().all(|byte| *byte == mark(index)));
    let count = blocks.len();
    drop(blocks);
    let again = all_that_there_is(MIB).len();
    (32..64).contains(&count) && again + 4 >= count && whole && large
}

#[test]
fn a_full_disk_is_no_memory_and_no_signal_and_a_line_says_so_once() {
    let mut command = role("fills its disk", Path::new("/mnt"));
    on_disk(&mut command, 64 * MIB, 0);
    match command.current_dir("/").output() {
        Ok(output) => {
            passes(&output);
            let expected = "tinyalloc: no memory from a file (/mnt): the file cannot grow: no space left on the device";
            assert_eq!(complaints(&output), [expected]);
        }
        Err(refused) => println!("skipped: no disk of its own can be had: {refused}"),
    }
}

/// What it returns, another file takes.
fn loses_its_disk() -> bool {
    let mut held = Vec::with_capacity(20_000);
    held.extend((0..20_000).map(|_| vec![1u8; 1000]));
    drop(held.split_off(1));
    let given = NAMELESS.purge();
    let mut other = File::create("/mnt/another").expect("there is room");
    while other.write_all(&[2; 4096]).is_ok() {}
    let blocks = all_that_there_is(1000).len() + all_that_there_is(100_000).len();
    given && blocks < 2 * BLOCKS_MAX && held[0].iter().all(|byte| *byte == 1)
}

#[test]
fn a_disk_that_another_file_has_filled_meanwhile_is_no_memory_and_no_signal() {
    let mut command = role("loses its disk", Path::new("/mnt"));
    on_disk(&mut command, 64 * MIB, 0);
    match command.current_dir("/").output() {
        Ok(output) => passes(&output),
        Err(refused) => println!("skipped: no disk of its own can be had: {refused}"),
    }
}

fn has_a_limit_of_files() -> bool {
    limit(libc::RLIMIT_FSIZE, 160 * MIB);
    let blocks = all_that_there_is(MIB);
    (32..160).contains(&blocks.len()) && blocks.iter().all(|block| block.len() == MIB)
}

#[test]
fn a_limit_of_file_sizes_is_no_memory_and_no_signal() {
    let directory = Directory::new("limit");
    let output = output(role("has a limit of files", &directory.0));
    passes(&output);
    let lines = complaints(&output);
    assert!(lines.len() == 1 && lines[0].ends_with("the file cannot grow: file too large"), "{lines:?}");
}

fn has_a_limit_of_memory() -> bool {
    limit(libc::RLIMIT_DATA, 24 * MIB);
    let layout = Layout::new::<[u8; 32 * MIB]>();
    // SAFETY: the layout is not empty.
    let holds = unsafe { System.alloc(layout) }.is_null();
    let blocks: Vec<_> = (0..256).map(|index| vec![mark(index); MIB]).collect();
    holds && blocks.iter().enumerate().all(|(index, block)| block.iter().all(|byte| *byte == mark(index)))
}

#[test]
fn a_process_may_have_far_more_in_its_file_than_in_its_memory() {
    let directory = Directory::new("memory");
    passes(&output(role("has a limit of memory", &directory.0)));
}

/// A child that does with its memory what it likes, while its parent does so with its own.
fn forks_alone() -> bool {
    let mut own = collections();
    let child = fork(|| {
        let mut inherited = are_whole(&own);
        own.retain(|place, _| place % 2 == 0);
        own.values_mut().for_each(|block| block.fill(0xcc));
        own.extend((PLACES..2 * PLACES).map(|place| (place, vec![0xcc; place * 1000])));
        let grandchild = fork(|| if own.values().flatten().all(|byte| *byte == 0xcc) { PASSED } else { 1 });
        inherited &= libc::WEXITSTATUS(status_of(grandchild)) == PASSED;
        inherited &= Command::new("true").status().is_ok_and(|status| status.success());
        if inherited && own.values().flatten().all(|byte| *byte == 0xcc) { PASSED } else { 1 }
    });
    own.values_mut().for_each(|block| block.fill(0xdd));
    own.extend((PLACES..2 * PLACES).map(|place| (place, vec![0xdd; place * 1000])));
    let childs = libc::WEXITSTATUS(status_of(child)) == PASSED;
    childs && own.len() == 2 * PLACES && own.values().flatten().all(|byte| *byte == 0xdd)
}

fn forks_with_much_memory() -> bool {
    let mut much = vec![1u8; 300 * MIB];
    let reader = fork(|| {
        let sum: usize = much.iter().step_by(4096).map(|byte| usize::from(*byte)).sum();
        let text = format!("{sum} pages, and memory of its own");
        if text.starts_with(&(300 * MIB / 4096).to_string()) { PASSED } else { 1 }
    });
    let writer = fork(|| {
        much[0] = 2;
        PASSED
    });
    let faulted = status_of(writer);
    libc::WEXITSTATUS(status_of(reader)) == PASSED && libc::WTERMSIG(faulted) == libc::SIGSEGV && much[0] == 1
}

/// While other threads allocate, children read, allocate, and run another program.
fn forks_among_threads() -> bool {
    let own = collections();
    let done = AtomicBool::new(false);
    let started = Barrier::new(3);
    scope(|threads| {
        let busy = || {
            let mut rounds = 0;
            started.wait();
            while !done.load(Ordering::Relaxed) {
                rounds += usize::from(are_whole(&collections()));
            }
            rounds > 0
        };
        let busy = [threads.spawn(busy), threads.spawn(busy)];
        started.wait();
        let children = (0..50).map(|_| {
            let child = fork(|| {
                let copy = own.clone();
                if !are_whole(&copy) || !are_whole(&own) {
                    return 1;
                }
                // SAFETY: both arguments end with null.
                unsafe { libc::execlp(c"sh".as_ptr(), c"sh".as_ptr(), c"-c".as_ptr(), c"exit 42".as_ptr(), null::<c_char>()) }
            });
            libc::WEXITSTATUS(status_of(child)) == PASSED
        });
        let all = children.fold(true, BitAnd::bitand);
        done.store(true, Ordering::Relaxed);
        all && busy.into_iter().all(|thread| thread.join().expect("no panic")) && are_whole(&own)
    })
}

/// Small, in a span, large and huge.
const SIZES: [usize; 5] = [16, 2048, 50_000, MIB, 40 * MIB];

fn blocks() -> Vec<Vec<u8>> {
    SIZES.iter().enumerate().map(|(place, bytes)| vec![mark(place); *bytes]).collect()
}

fn blocks_are_whole(blocks: &[Vec<u8>]) -> bool {
    let is_whole = |(place, block): (usize, &Vec<u8>)| block.iter().step_by(1000).all(|byte| *byte == mark(place));
    blocks.iter().enumerate().all(is_whole) && blocks.iter().map(Vec::len).eq(SIZES)
}

/// Every block moves or grows.
fn grow(blocks: &mut [Vec<u8>]) {
    blocks.iter_mut().for_each(|block| block.reserve_exact(block.len() + 1));
}

unsafe extern "C" {
    fn flockfile(file: *mut libc::FILE);
    fn funlockfile(file: *mut libc::FILE);
}

/// The thread that flushes everything holds the list of files, for which fork waits, and waits for
/// this one.
fn allocates_with_a_locked_file(done: &AtomicBool) -> bool {
    // SAFETY: it is closed with the process.
    let file = unsafe { libc::tmpfile() };
    let mut kept = blocks();
    let mut whole = !file.is_null();
    while whole && !done.load(Ordering::Relaxed) {
        // SAFETY: the file is open.
        unsafe { flockfile(file) };
        grow(&mut kept);
        whole = blocks_are_whole(&kept);
        kept = blocks();
        // SAFETY: as above.
        unsafe { funlockfile(file) };
        // The C library's lock goes to the first that comes: a thread that has just woken is late.
        sleep(Duration::from_micros(50));
    }
    whole && blocks_are_whole(&kept)
}

fn forks_while_others_have_a_file() -> bool {
    let own = collections();
    let done = AtomicBool::new(false);
    let flush = || {
        while !done.load(Ordering::Relaxed) {
            // SAFETY: all files.
            unsafe { libc::fflush(null::<libc::FILE>().cast_mut()) };
            sleep(Duration::from_micros(50));
        }
    };
    scope(|threads| {
        let working = [(); 2].map(|()| threads.spawn(|| allocates_with_a_locked_file(&done)));
        threads.spawn(flush);
        let end = Instant::now() + Duration::from_secs(3);
        let mut all = true;
        while all && Instant::now() < end {
            let child = fork(|| if are_whole(&own.clone()) && blocks_are_whole(&blocks()) { PASSED } else { 1 });
            all = libc::WEXITSTATUS(status_of(child)) == PASSED;
        }
        done.store(true, Ordering::Relaxed);
        working.into_iter().all(|thread| thread.join().expect("no panic")) && all
    })
}

/// How far a fork is that waits for another thread.
static STEP: AtomicU32 = AtomicU32::new(FORKS_LATER);
const FORKS_LATER: u32 = 0;
const FORKS_AND_WAITS: u32 = 1;
const FORKS_ON: u32 = 2;

/// What was made meanwhile.
static MADE: Mutex<[Vec<u8>; SIZES.len()]> = Mutex::new([const { Vec::new() }; SIZES.len()]);

/// In the midst of a fork, after the allocator's own handler.
extern "C" fn wait_for_the_other() {
    STEP.store(FORKS_AND_WAITS, Ordering::SeqCst);
    until(FORKS_ON);
    sleep(Duration::from_millis(20));
}

fn until(step: u32) {
    while STEP.load(Ordering::SeqCst) != step {
        sleep(Duration::from_millis(1));
    }
}

fn works_beside_a_fork() -> bool {
    let mut own = blocks();
    let disk_bytes = NAMELESS.disk_bytes();
    until(FORKS_AND_WAITS);
    drop(blocks());
    grow(&mut own);
    let whole = blocks_are_whole(&own);
    MADE.lock().expect("no thread panics").iter_mut().zip(blocks()).for_each(|(place, block)| *place = block);
    drop(own);
    NAMELESS.purge();
    let counted = NAMELESS.disk_bytes() == disk_bytes && NAMELESS.stats().huge_blocks > 0;
    STEP.store(FORKS_ON, Ordering::SeqCst);
    // Too much for memory: it waits for the file.
    let much = vec![1u8; 100 * MIB];
    whole && counted && much.len() == 100 * MIB && NAMELESS.disk_bytes() >= 100 * MIB
}

/// Waits for the fork for half a second, then for half as long each time: the thread may have what
/// the fork waits for.
fn asks_for_much_beside_a_fork() -> bool {
    until(FORKS_AND_WAITS);
    let begin = Instant::now();
    let much: Vec<Vec<u8>> = (0..20).map(|_| Vec::with_capacity(65 * MIB)).collect();
    let waited = begin.elapsed();
    STEP.store(FORKS_ON, Ordering::SeqCst);
    black_box(much);
    (Duration::from_millis(400)..Duration::from_secs(5)).contains(&waited)
}

fn forks_while_another_asks_for_much() -> bool {
    // SAFETY: as below.
    unsafe { libc::pthread_atfork(Some(wait_for_the_other), None, None) };
    let own = collections();
    scope(|threads| {
        let asking = threads.spawn(asks_for_much_beside_a_fork);
        let child = fork(|| if are_whole(&own) { PASSED } else { 1 });
        libc::WEXITSTATUS(status_of(child)) == PASSED && asking.join().expect("no panic")
    })
}

fn forks_for_long() -> bool {
    // SAFETY: the handler stays. First come, last served: before anything is allocated.
    unsafe { libc::pthread_atfork(Some(wait_for_the_other), None, None) };
    scope(|threads| {
        let working = threads.spawn(works_beside_a_fork);
        // The last that it does before that.
        while NAMELESS.disk_bytes() < 41 * MIB {
            sleep(Duration::from_millis(1));
        }
        let child = fork(|| {
            let mut made = MADE.lock().expect("no thread has it");
            grow(&mut *made);
            made.iter_mut().for_each(|block| block[0] = block[1]);
            if blocks_are_whole(&*made) { PASSED } else { 1 }
        });
        let childs = libc::WEXITSTATUS(status_of(child)) == PASSED;
        let mut made = MADE.lock().expect("no thread has it");
        let whole = blocks_are_whole(&*made);
        grow(&mut *made);
        let still = blocks_are_whole(&*made);
        made.fill(Vec::new());
        working.join().expect("no panic") && childs && whole && still
    })
}

fn runs_programs() -> bool {
    let own = collections();
    let mut captured = String::from("captured");
    let mut forked = Command::new("echo");
    // SAFETY: the child may allocate, and change what it allocated.
    unsafe {
        forked.pre_exec(|| {
            let mut text = String::from("a child that allocates");
            text.push_str(&" and goes on".repeat(100));
            if text.len() > 1000 { Ok(()) } else { Err(Error::from_raw_os_error(libc::EINVAL)) }
        })
    };
    let outputs = [Command::new("echo").arg("a").output(), forked.arg("b").current_dir("/").env("A", "B").output()];
    let said =
        outputs.map(|output| output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default());
    captured.push_str(&said.concat());
    let missing = Command::new("/nowhere/to/be/found").spawn().is_err();
    captured == "captureda\nb\n" && missing && are_whole(&own)
}

#[test]
fn the_child_of_a_lone_thread_has_memory_of_its_own() {
    let directory = Directory::new("alone");
    passes(&output(role("forks alone", &directory.0)));
}

#[test]
fn the_child_of_much_memory_may_read_it_and_not_write() {
    let directory = Directory::new("much");
    passes(&output(role("forks with much memory", &directory.0)));
}

#[test]
fn children_of_many_threads_may_read_and_run_programs() {
    let directory = Directory::new("threads");
    passes(&output(role("forks among threads", &directory.0)));
}

#[test]
fn threads_that_have_a_file_of_the_c_librarys_allocate_while_another_forks() {
    let directory = Directory::new("files");
    passes(&output_in_time(role("forks while others have a file", &directory.0)));
}

#[test]
fn a_fork_that_waits_for_a_thread_keeps_it_from_nothing() {
    let directory = Directory::new("long");
    passes(&output_in_time(role("forks for long", &directory.0)));
}

#[test]
fn a_thread_that_asks_for_much_waits_for_a_fork_less_each_time() {
    let directory = Directory::new("asks");
    passes(&output_in_time(role("forks while another asks for much", &directory.0)));
}

#[test]
fn programs_are_run_as_ever() {
    let directory = Directory::new("programs");
    passes(&output(role("runs programs", &directory.0)));
    assert_eq!(directory.files(), 0);
}

fn closes_all_files() -> bool {
    let own = collections();
    // SAFETY: what daemons do.
    unsafe { libc::syscall(libc::SYS_close_range, 3, u32::MAX, 0) };
    let file = File::create("another").expect("the directory is ours");
    let refused = Vec::<u8>::new().try_reserve_exact(64 * MIB).is_err();
    let blocks = all_that_there_is(1000);
    drop(blocks);
    NAMELESS.purge();
    are_whole(&own) && refused && file.metadata().is_ok_and(|file| file.len() == 0)
}

#[test]
fn closing_the_file_behind_its_back_does_no_harm_to_others() {
    let directory = Directory::new("closed");
    let output = output(role("closes all files", &directory.0));
    passes(&output);
    let lines = complaints(&output);
    assert!(lines.len() == 1 && lines[0].contains("the program closed the file's descriptor"), "{lines:?}");
}
