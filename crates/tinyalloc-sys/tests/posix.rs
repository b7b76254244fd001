//! What every `Mapper` promises, kept by the one over POSIX.
#![cfg(unix)]
#![allow(clippy::disallowed_types, clippy::unwrap_used, clippy::absolute_paths, clippy::multiple_unsafe_ops_per_block)]

#[cfg(target_os = "linux")]
use libc::__errno_location as errno_location;
#[cfg(not(target_os = "linux"))]
use libc::__error as errno_location;

use core::ptr::NonNull;
use std::collections::HashSet;
use std::io::Error;
use std::thread::sleep;
use std::time::{Duration, Instant};
use tinyalloc_sys::{MapError, Mapper, PosixMapper, Protection, is_aligned};

const MAPPER: PosixMapper = PosixMapper::new();
const ERRNO: i32 = libc::EXDEV;
const ABSURD: usize = 1 << 62;

fn page() -> usize {
    MAPPER.page_bytes()
}

/// Runs a call with errno set, and checks that it is the same afterwards.
fn unmoved<R>(call: impl FnOnce() -> R) -> R {
    // SAFETY: errno of this thread.
    unsafe { *errno_location() = ERRNO };
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

fn reads_as(start: NonNull<u8>, bytes: usize, byte: u8) -> bool {
    (0..bytes).all(|offset| read(start, offset) == byte)
}

fn fill(start: NonNull<u8>, bytes: usize, byte: u8) {
    // SAFETY: tests fill their own committed ranges.
    unsafe { start.write_bytes(byte, bytes) };
}

fn release(start: NonNull<u8>, bytes: usize) {
    // SAFETY: tests release what is theirs, once.
    unmoved(|| unsafe { MAPPER.release(start, bytes) }).unwrap();
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

#[test]
fn the_page_size_is_the_one_of_the_system() {
    // SAFETY: no requirements.
    let expected = unsafe { libc::sysconf(libc::_SC_PAGESIZE) };
    assert_eq!(unmoved(page), usize::try_from(expected).unwrap());
    assert!(unmoved(page).is_power_of_two());
}

#[test]
fn the_address_space_limit_is_the_soft_one() {
    let status = in_child(|| {
        let limit = libc::rlimit { rlim_cur: 1 << 32, rlim_max: libc::RLIM_INFINITY };
        // SAFETY: lowers the limit of the child only.
        unsafe { libc::setrlimit(libc::RLIMIT_AS, &raw const limit) };
        i32::from(MAPPER.address_space_bytes() != 1 << 32)
    });
    assert_eq!(status, 0);
    assert!(unmoved(|| MAPPER.address_space_bytes()) > 1 << 32);
}

#[test]
fn reserved_ranges_fault_and_committed_ones_read_zero_and_write() {
    let bytes = 8 * page();
    let start = unmoved(|| MAPPER.reserve(bytes, page())).unwrap();
    assert!(faults(|| _ = read(start, 0)));
    // SAFETY: the range was reserved above.
    unmoved(|| unsafe { MAPPER.commit(start.add(page()), 2 * page()) }).unwrap();
    assert!(faults(|| _ = read(start, page() - 1)));
    assert!(faults(|| _ = read(start, 3 * page())));
    // SAFETY: within the range.
    let middle = unsafe { start.add(page()) };
    assert!(reads_as(middle, 2 * page(), 0));
    fill(middle, 2 * page(), 0xff);
    // SAFETY: the range was reserved above.
    unmoved(|| unsafe { MAPPER.commit(middle, 2 * page()) }).unwrap();
    assert!(reads_as(middle, 2 * page(), 0xff), "committing again keeps the contents");
    release(start, bytes);
    assert!(faults(|| _ = read(middle, 0)));
}

/// The line of an address in /proc/self/maps.
fn line_of(start: NonNull<u8>) -> String {
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
    let holds = |line: &&str| {
        let (from, to) = line.split(' ').next().unwrap().split_once('-').unwrap();
        let [from, to] = [from, to].map(|bound| usize::from_str_radix(bound, 16).unwrap());
        (from..to).contains(&start.addr().get())
    };
    maps.lines().find(holds).unwrap().to_owned()
}

#[test]
fn mappings_are_named_if_that_is_wanted_where_the_system_has_names() {
    let bytes = 4 * page();
    let start = MAPPER.map(bytes, page()).unwrap();
    assert!(!unmoved(|| MAPPER.name(start, bytes, c"tinyalloc: a test")), "not wanted");
    PosixMapper::set_names_mappings(true);
    assert!(PosixMapper::names_mappings());
    let is_named = unmoved(|| MAPPER.name(start, bytes, c"tinyalloc: a test"));
    assert_eq!(line_of(start).ends_with("[anon:tinyalloc: a test]"), is_named);
    // SAFETY: the mapping is whole, and used by its new address only.
    let start = unsafe { MAPPER.remap(start, bytes, 3 * bytes) }.unwrap();
    assert_eq!(line_of(start).ends_with("[anon:tinyalloc: a test]"), is_named, "it keeps its name");
    PosixMapper::set_names_mappings(false);
    assert!(!MAPPER.name(start, bytes, c"tinyalloc: other"));
    release(start, 3 * bytes);
}

#[test]
fn ranges_are_aligned_as_asked_and_apart_from_each_other() {
    let mut ranges = Vec::new();
    for align in (0..=26).map(|power| 1_usize << power) {
        for bytes in [page(), 3 * page(), 1 << 20] {
            let reserved = unmoved(|| MAPPER.reserve(bytes, align)).unwrap();
            let mapped = unmoved(|| MAPPER.map(bytes, align)).unwrap();
            assert!(is_aligned(reserved.addr().get() | mapped.addr().get(), align.max(page())));
            assert!(reads_as(mapped, page(), 0));
            ranges.extend([(reserved, bytes), (mapped, bytes)]);
        }
    }
    ranges.sort();
    assert!(ranges.windows(2).all(|pair| pair[0].0.addr().get() + pair[0].1 <= pair[1].0.addr().get()));
    ranges.into_iter().for_each(|(start, bytes)| release(start, bytes));
}

#[test]
fn alignment_leaves_no_padding_mapped() {
    let status = in_child(|| {
        let align = 1 << 30;
        let limit = libc::rlimit { rlim_cur: 1 << 42, rlim_max: libc::RLIM_INFINITY };
        // SAFETY: lowers the limit of the child only.
        unsafe { libc::setrlimit(libc::RLIMIT_AS, &raw const limit) };
        // 8192 times a padding of 1 GiB would exceed the limit of 4 TiB.
        i32::from(!(0..8192).all(|_| MAPPER.reserve(page(), align).is_ok()))
    });
    assert_eq!(status, 0);
}

#[test]
fn an_aligned_range_is_had_where_its_padding_would_exceed_the_limit() {
    const BYTES: usize = 1 << 30;
    let status = in_child(|| {
        assert!(MAPPER.reserve(BYTES, BYTES).is_ok());
        let limited = |limit: libc::rlim_t| {
            let limit = libc::rlimit { rlim_cur: limit, rlim_max: libc::RLIM_INFINITY };
            // SAFETY: changes the limit of the child only.
            unsafe { libc::setrlimit(libc::RLIMIT_AS, &raw const limit) };
            MAPPER.reserve(BYTES, BYTES)
        };
        let Some(start) = (0..1 << 10).find_map(|step| limited(step << 25).ok()) else { return 1 };
        // SAFETY: reserved above, and not used again.
        let released = unsafe { MAPPER.release(start, BYTES) }.is_ok();
        let nearly_full = MAPPER.reserve(BYTES + BYTES / 2, 1) == Err(MapError::OutOfMemory);
        i32::from(!(is_aligned(start.addr().get(), BYTES) && released && nearly_full))
    });
    assert_eq!(status, 0);
}

#[test]
fn decommitted_memory_reads_zero_and_stays_writable() {
    let bytes = 64 * page();
    let start = unmoved(|| MAPPER.map(bytes, page())).unwrap();
    fill(start, bytes, 0xaa);
    // SAFETY: the range is mapped, and its contents are not wanted.
    unmoved(|| unsafe { MAPPER.decommit(start.add(page()), 62 * page()) }).unwrap();
    assert!(reads_as(start, page(), 0xaa));
    // SAFETY: within the mapping.
    assert!(reads_as(unsafe { start.add(page()) }, 62 * page(), 0));
    // SAFETY: within the mapping.
    assert!(reads_as(unsafe { start.add(63 * page()) }, page(), 0xaa));
    write(start, 2 * page(), 1);
    assert_eq!(read(start, 2 * page()), 1);
    release(start, bytes);
}

#[test]
fn protection_faults_where_it_should_and_keeps_contents() {
    let start = unmoved(|| MAPPER.map(page(), page())).unwrap();
    write(start, 5, 7);
    // SAFETY: our own range, in every call of this test.
    let protect = |protection| unmoved(|| unsafe { MAPPER.protect(start, page(), protection) }).unwrap();
    protect(Protection::Read);
    assert_eq!(read(start, 5), 7);
    assert!(faults(|| write(start, 5, 8)));
    protect(Protection::None);
    assert!(faults(|| _ = read(start, 5)));
    protect(Protection::ReadWrite);
    assert!(!faults(|| write(start, 5, 8)));
    assert_eq!(read(start, 5), 7);
    release(start, page());
}

#[test]
fn remapping_keeps_the_contents_and_grows_with_zeros() {
    let mut bytes = 4 * page();
    let mut start = unmoved(|| MAPPER.map(bytes, page())).unwrap();
    fill(start, bytes, 0x11);
    for new_bytes in [8 * page(), 2 * page(), 1 << 24, page()] {
        // SAFETY: a whole mapping of ours, and only the returned one is used from here on.
        start = unmoved(|| unsafe { MAPPER.remap(start, bytes, new_bytes) }).unwrap();
        let kept = bytes.min(new_bytes).min(2 * page());
        assert!(reads_as(start, kept, 0x11));
        assert!(new_bytes <= bytes || read(start, bytes) == 0 && read(start, new_bytes - 1) == 0);
        bytes = new_bytes;
    }
    release(start, bytes);
}

#[test]
fn refusals_are_typed_and_leave_errno_and_ranges_alone() {
    assert_eq!(unmoved(|| MAPPER.reserve(ABSURD, page())), Err(MapError::OutOfMemory));
    assert_eq!(unmoved(|| MAPPER.map(ABSURD, page())), Err(MapError::OutOfMemory));
    assert_eq!(unmoved(|| MAPPER.reserve(page(), 1 << 63)), Err(MapError::OutOfMemory));
    assert_eq!(unmoved(|| MAPPER.reserve(usize::MAX, 1 << 21)), Err(MapError::OutOfMemory));
    assert_eq!(unmoved(|| MAPPER.map(usize::MAX & !0xffff, 1 << 63)), Err(MapError::OutOfMemory));
    assert_eq!(unmoved(|| MAPPER.reserve(0, page())), Err(MapError::Unavailable));
    let start = MAPPER.map(page(), page()).unwrap();
    fill(start, page(), 3);
    // SAFETY: the calls are refused, which is what is under test.
    unsafe {
        assert_eq!(unmoved(|| MAPPER.remap(start, page(), ABSURD)), Err(MapError::OutOfMemory));
        assert_eq!(unmoved(|| MAPPER.remap(start, page(), 0)), Err(MapError::Unavailable));
        assert_eq!(unmoved(|| MAPPER.release(start.add(1), page())), Err(MapError::Unavailable));
        assert_eq!(unmoved(|| MAPPER.commit(start.add(1), page())), Err(MapError::Unavailable));
        assert_eq!(unmoved(|| MAPPER.decommit(start.add(1), page())), Err(MapError::Unavailable));
        assert_eq!(unmoved(|| MAPPER.protect(start.add(1), page(), Protection::None)), Err(MapError::Unavailable));
    }
    assert!(reads_as(start, page(), 3));
    release(start, page());
}

#[test]
fn a_release_refused_at_the_mapping_limit_still_gives_the_memory_back() {
    const MAPPINGS: usize = 70_000;
    let status = in_child(|| {
        let start = MAPPER.reserve(2 * MAPPINGS * page(), page()).unwrap();
        let block = MAPPER.map(16 * page(), 1 << 21).unwrap();
        // SAFETY: every second page of our own reservation, until the kernel has no more mappings
        // for us.
        let commit = |index: usize| unsafe { MAPPER.commit(start.add(2 * index * page()), page()) };
        let Some(_) = (0..MAPPINGS).find(|index| commit(*index).is_err()) else { return 77 };
        fill(block, 16 * page(), 9);
        // SAFETY: within the block; the release would split it.
        let refused = unsafe { MAPPER.release(block.add(8 * page()), page()) };
        let zeroed = read(block, 8 * page()) == 0 && read(block, 7 * page()) == 9 && read(block, 9 * page()) == 9;
        i32::from(!(refused == Err(MapError::OutOfMemory) && zeroed))
    });
    if libc::WEXITSTATUS(status) == 77 {
        println!("skipped: this system allows more mappings than the test can make");
        return;
    }
    assert_eq!(status, 0);
}

#[test]
fn the_clock_never_runs_backwards_and_counts_milliseconds() {
    const TICK: u128 = 20;
    let begun = Instant::now();
    let before = unmoved(|| MAPPER.now_milliseconds());
    sleep(Duration::from_millis(50));
    let passed = u128::from(unmoved(|| MAPPER.now_milliseconds()) - before);
    // However long this thread had to wait for its turn.
    let elapsed = begun.elapsed().as_millis();
    assert!(passed + TICK >= 50 && passed <= elapsed + TICK, "{passed} ms of {elapsed}");
}

#[test]
fn random_numbers_differ_within_a_process_and_between_processes() {
    let own: HashSet<u64> = (0..1000).map(|_| unmoved(|| MAPPER.random())).collect();
    assert_eq!(own.len(), 1000);
    let ends: HashSet<i32> = (0..8).map(|_| in_child(|| i32::from(u8::try_from(MAPPER.random() >> 56).unwrap()))).collect();
    assert!(ends.len() > 1, "children of one parent draw different numbers");
}

#[test]
fn what_is_trapped_faults_until_it_is_untrapped_and_then_reads_as_zero() {
    let start = MAPPER.map(3 * page(), page()).unwrap();
    fill(start, 3 * page(), 7);
    // SAFETY: the page is ours.
    let middle = unsafe { start.add(page()) };
    // SAFETY: as above.
    unmoved(|| unsafe { MAPPER.trap(middle, page()) }).unwrap();
    assert!(faults(|| _ = read(start, page())) && faults(|| write(start, 2 * page() - 1, 1)));
    assert!(reads_as(start, page(), 7) && read(start, 2 * page()) == 7, "what is around it stays");
    // SAFETY: as above.
    unmoved(|| unsafe { MAPPER.untrap(start, 3 * page()) }).unwrap();
    assert!(reads_as(middle, page(), 0) && read(start, 0) == 7 && read(start, 2 * page()) == 7);
    fill(middle, page(), 9);
    release(start, 3 * page());
}

#[test]
fn trapped_pages_fault_in_a_child_as_well() {
    let start = MAPPER.map(page(), page()).unwrap();
    // SAFETY: the page is ours.
    unmoved(|| unsafe { MAPPER.trap(start, page()) }).unwrap();
    assert!(faults(|| _ = read(start, 0)), "`faults` looks from a child");
    // SAFETY: as above.
    unmoved(|| unsafe { MAPPER.trap(start, page()) }).unwrap();
    release(start, page());
}

#[test]
fn what_is_sealed_stays_read_only_and_mapped() {
    let start = MAPPER.map(page(), page()).unwrap();
    fill(start, page(), 7);
    // SAFETY: no code writes to the page any more.
    unmoved(|| unsafe { MAPPER.protect(start, page(), Protection::Read) }).unwrap();
    // SAFETY: the page stays for good.
    if unmoved(|| unsafe { MAPPER.seal(start, page()) }) == Err(MapError::Unavailable) {
        return release(start, page());
    }
    // SAFETY: refused, or the test fails.
    assert_eq!(unmoved(|| unsafe { MAPPER.protect(start, page(), Protection::ReadWrite) }), Err(MapError::Unavailable));
    // SAFETY: as above.
    assert_eq!(unmoved(|| unsafe { MAPPER.release(start, page()) }), Err(MapError::Unavailable));
    // SAFETY: as above.
    assert_eq!(unmoved(|| unsafe { MAPPER.decommit(start, page()) }), Err(MapError::Unavailable));
    assert!(reads_as(start, page(), 7) && faults(|| write(start, 0, 1)));
}
