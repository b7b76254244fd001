//! What every `Mapper` promises, kept by the one over Windows, and what is Windows's own.
#![cfg(windows)]
#![allow(clippy::disallowed_types, clippy::unwrap_used, clippy::absolute_paths, clippy::multiple_unsafe_ops_per_block)]

use core::ffi::c_void;
use core::ptr::NonNull;
use std::collections::HashSet;
use std::env::{current_exe, var_os};
use std::io::Error;
use std::process::Command;
use std::thread::{scope, sleep};
use std::time::{Duration, Instant};

use tinyalloc_sys::{MapError, Mapper, Protection, WindowsMapper, is_aligned};
use windows_sys::Win32::Foundation::SetLastError;
use windows_sys::Win32::System::Memory::{
    MEM_COMMIT, MEM_FREE, MEM_RESERVE, MEMORY_BASIC_INFORMATION, PAGE_NOACCESS, PAGE_READWRITE, VIRTUAL_ALLOCATION_TYPE,
    VirtualQuery,
};

const MAPPER: WindowsMapper = WindowsMapper::new();
const LAST_ERROR: i32 = 1234;
const ABSURD: usize = 1 << 62;
/// The exit code of a process that an access ended: STATUS_ACCESS_VIOLATION.
const ACCESS_VIOLATION: u32 = 0xc000_0005;

fn page() -> usize {
    MAPPER.page_bytes()
}

/// Runs a call with the last error set, and checks that it is the same afterwards.
fn unmoved<R>(call: impl FnOnce() -> R) -> R {
    // SAFETY: a word of this thread.
    unsafe { SetLastError(LAST_ERROR.unsigned_abs()) };
    let result = call();
    assert_eq!(Error::last_os_error().raw_os_error(), Some(LAST_ERROR), "the last error was changed");
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

fn state(start: NonNull<u8>, offset: usize) -> MEMORY_BASIC_INFORMATION {
    let mut found = MEMORY_BASIC_INFORMATION::default();
    let address = start.as_ptr().wrapping_add(offset).cast::<c_void>();
    // SAFETY: asks about an address, whatever is there.
    assert!(unsafe { VirtualQuery(address, &raw mut found, size_of::<MEMORY_BASIC_INFORMATION>()) } > 0);
    found
}

fn is_in(kind: VIRTUAL_ALLOCATION_TYPE, start: NonNull<u8>, offset: usize) -> bool {
    state(start, offset).State == kind
}

/// What the system says of the byte, not what it does: an access that faults ends the process.
fn is_readable(start: NonNull<u8>, offset: usize) -> bool {
    let found = state(start, offset);
    found.State == MEM_COMMIT && found.Protect != PAGE_NOACCESS
}

fn is_writable(start: NonNull<u8>, offset: usize) -> bool {
    let found = state(start, offset);
    found.State == MEM_COMMIT && found.Protect == PAGE_READWRITE
}

#[test]
fn pages_have_4_kib() {
    assert_eq!(unmoved(page), 4096);
}

#[test]
fn reserved_ranges_fault_and_committed_ones_read_zero_and_write() {
    let bytes = 8 * page();
    let start = unmoved(|| MAPPER.reserve(bytes, page())).unwrap();
    assert!(!is_readable(start, 0));
    // SAFETY: the range was reserved above.
    unmoved(|| unsafe { MAPPER.commit(start.add(page()), 2 * page()) }).unwrap();
    assert!(!is_readable(start, page() - 1) && !is_readable(start, 3 * page()));
    // SAFETY: within the range.
    let middle = unsafe { start.add(page()) };
    assert!(reads_as(middle, 2 * page(), 0));
    fill(middle, 2 * page(), 0xff);
    // SAFETY: the range was reserved above.
    unmoved(|| unsafe { MAPPER.commit(middle, 2 * page()) }).unwrap();
    assert!(reads_as(middle, 2 * page(), 0xff), "committing again keeps the contents");
    release(start, bytes);
    assert!(is_in(MEM_FREE, middle, 0));
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
    for (start, bytes) in ranges {
        release(start, bytes);
        assert!(is_in(MEM_FREE, start, 0) && is_in(MEM_FREE, start, bytes - 1), "no padding stays");
    }
}

#[test]
fn threads_that_reserve_aligned_ranges_at_once_all_get_one() {
    scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..200 {
                    let start = MAPPER.map(3 * page(), 1 << 20).unwrap();
                    assert!(is_aligned(start.addr().get(), 1 << 20) && read(start, 3 * page() - 1) == 0);
                    // SAFETY: mapped above, and not used again.
                    unsafe { MAPPER.release(start, 3 * page()) }.unwrap();
                }
            });
        }
    });
}

#[test]
fn decommitted_memory_faults_until_it_is_untrapped_and_then_reads_as_zero() {
    let bytes = 64 * page();
    let start = unmoved(|| MAPPER.map(bytes, page())).unwrap();
    fill(start, bytes, 0xaa);
    const { assert!(WindowsMapper::RECOMMITS) };
    // SAFETY: the range is mapped, and its contents are not wanted.
    unmoved(|| unsafe { MAPPER.decommit(start.add(page()), 62 * page()) }).unwrap();
    assert!(is_in(MEM_RESERVE, start, page()) && is_in(MEM_RESERVE, start, 63 * page() - 1));
    assert!(reads_as(start, page(), 0xaa));
    // SAFETY: as above; what is around it is committed.
    unmoved(|| unsafe { MAPPER.untrap(start, bytes) }).unwrap();
    // SAFETY: within the mapping.
    assert!(reads_as(unsafe { start.add(page()) }, 62 * page(), 0));
    // SAFETY: within the mapping.
    assert!(reads_as(start, page(), 0xaa) && reads_as(unsafe { start.add(63 * page()) }, page(), 0xaa));
    write(start, 2 * page(), 1);
    assert_eq!(read(start, 2 * page()), 1);
    release(start, bytes);
}

#[test]
fn both_kinds_of_trap_fault_until_they_are_untrapped() {
    let start = MAPPER.map(3 * page(), page()).unwrap();
    // SAFETY: the page is ours.
    let middle = unsafe { start.add(page()) };
    for by_rights in [false, true] {
        fill(start, 3 * page(), 7);
        // SAFETY: as above.
        let trapped =
            unmoved(|| unsafe { if by_rights { MAPPER.trap_by_rights(middle, page()) } else { MAPPER.trap(middle, page()) } });
        trapped.unwrap();
        assert!(!is_readable(middle, 0) && !is_readable(middle, page() - 1));
        assert!(reads_as(start, page(), 7) && read(start, 2 * page()) == 7, "what is around it stays");
        // SAFETY: as above.
        unmoved(|| unsafe { MAPPER.untrap(start, 3 * page()) }).unwrap();
        assert!(reads_as(middle, page(), 0) && read(start, 0) == 7 && read(start, 2 * page()) == 7);
    }
    release(start, 3 * page());
}

#[test]
fn protection_holds_and_keeps_contents() {
    let start = unmoved(|| MAPPER.map(page(), page())).unwrap();
    write(start, 5, 7);
    // SAFETY: our own range, in every call of this test.
    let protect = |protection| unmoved(|| unsafe { MAPPER.protect(start, page(), protection) }).unwrap();
    protect(Protection::Read);
    assert!(read(start, 5) == 7 && !is_writable(start, 5));
    protect(Protection::None);
    assert!(!is_readable(start, 5));
    protect(Protection::ReadWrite);
    assert!(read(start, 5) == 7 && is_writable(start, 5));
    release(start, page());
}

/// Each access is made in a process of its own, which it ends.
#[test]
fn accesses_that_are_not_allowed_end_the_process() {
    const WHICH: &str = "TINYALLOC_TEST_ACCESS";
    const ACCESSES: [&str; 5] = ["decommitted", "trapped", "without rights", "read-only", "released"];
    if let Some(which) = var_os(WHICH) {
        let start = MAPPER.map(page(), page()).unwrap();
        write(start, 0, 1);
        // SAFETY: the page is ours, and what forbids the access is under test.
        let forbidden = unsafe {
            match which.to_str() {
                Some("decommitted") => MAPPER.decommit(start, page()),
                Some("trapped") => MAPPER.trap(start, page()),
                Some("without rights") => MAPPER.protect(start, page(), Protection::None),
                Some("read-only") => MAPPER.protect(start, page(), Protection::Read),
                _ => MAPPER.release(start, page()),
            }
        };
        forbidden.unwrap();
        write(start, 0, 2);
        return;
    }
    for which in ACCESSES {
        let mut child = Command::new(current_exe().unwrap());
        let child = child.args(["--exact", "accesses_that_are_not_allowed_end_the_process"]).env(WHICH, which);
        let code = child.output().unwrap().status.code();
        assert_eq!(code, Some(ACCESS_VIOLATION as i32), "{which}");
    }
}

#[test]
fn a_part_of_a_reservation_returns_its_memory_and_keeps_its_addresses() {
    let start = MAPPER.map(8 * page(), page()).unwrap();
    fill(start, 8 * page(), 3);
    // SAFETY: within the mapping.
    release(unsafe { start.add(6 * page()) }, 2 * page());
    release(start, 2 * page());
    assert!(is_in(MEM_RESERVE, start, 0) && is_in(MEM_RESERVE, start, 6 * page()));
    // SAFETY: within the mapping.
    assert!(reads_as(unsafe { start.add(2 * page()) }, 4 * page(), 3));
    release(start, 8 * page());
    assert!(is_in(MEM_FREE, start, 0));
}

#[test]
fn refusals_are_typed_and_leave_the_last_error_and_ranges_alone() {
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
        assert_eq!(unmoved(|| MAPPER.remap(start, page(), 2 * page())), Err(MapError::Unavailable));
        assert_eq!(unmoved(|| MAPPER.release(start.add(1), page())), Err(MapError::Unavailable));
        assert_eq!(unmoved(|| MAPPER.commit(start.add(1), page())), Err(MapError::Unavailable));
        assert_eq!(unmoved(|| MAPPER.decommit(start.add(1), page())), Err(MapError::Unavailable));
        assert_eq!(unmoved(|| MAPPER.decommit(start, 0)), Err(MapError::Unavailable));
        assert_eq!(unmoved(|| MAPPER.protect(start.add(1), page(), Protection::None)), Err(MapError::Unavailable));
        assert_eq!(unmoved(|| MAPPER.seal(start, page())), Err(MapError::Unavailable));
    }
    assert!(reads_as(start, page(), 3));
    release(start, page());
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
fn random_numbers_differ() {
    let own: HashSet<u64> = (0..1000).map(|_| unmoved(|| MAPPER.random())).collect();
    assert_eq!(own.len(), 1000);
}
