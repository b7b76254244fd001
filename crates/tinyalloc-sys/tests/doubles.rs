//! The test doubles do what the tests of others rely on.
#![allow(clippy::disallowed_types, clippy::unwrap_used, clippy::absolute_paths, clippy::multiple_unsafe_ops_per_block)]

use core::ptr::NonNull;
use tinyalloc_sys::{Call, CountingMapper, FailingMapper, FixedBufferMapper, MapError, Mapper, Protection, SystemMapper};

fn reads_as(start: NonNull<u8>, bytes: usize, byte: u8) -> bool {
    // SAFETY: tests read within their own committed ranges.
    (0..bytes).all(|offset| unsafe { start.add(offset).read() } == byte)
}

/// Makes each call once, but for the one that cannot be undone; returns which succeeded.
fn every_call<M: Mapper>(mapper: &M, mapped: NonNull<u8>) -> [bool; 10] {
    let page = mapper.page_bytes();
    let reserved = mapper.reserve(page, page);
    let other = mapper.map(page, page);
    // SAFETY: `mapped` is a mapping of one page that this mapper made; it ends as one.
    unsafe {
        [
            reserved.is_ok(),
            other.is_ok(),
            mapper.commit(mapped, page).is_ok(),
            mapper.decommit(mapped, page).is_ok(),
            mapper.protect(mapped, page, Protection::ReadWrite).is_ok(),
            reserved.or(other).is_ok_and(|range| mapper.release(range, page).is_ok()),
            mapper.remap(mapped, page, page).is_ok(),
            mapper.prefer_huge_pages(mapped, page, false).is_ok(),
            mapper.trap(mapped, page).is_ok(),
            mapper.untrap(mapped, page).is_ok(),
        ]
    }
}

#[test]
#[cfg_attr(windows, ignore = "there is no remap, and no advice")]
fn the_failing_mapper_fails_the_nth_call_only() {
    for nth in 1..=10 {
        let mapper = FailingMapper::new(SystemMapper::new());
        let mapped = mapper.map(mapper.page_bytes(), 1).unwrap();
        mapper.fail_nth(nth);
        let succeeded = every_call(&mapper, mapped);
        assert_eq!(succeeded.iter().position(|succeeded| !succeeded), Some(nth - 1));
        assert_eq!(succeeded.iter().filter(|succeeded| **succeeded).count(), 9);
        assert_eq!(mapper.calls(), 11);
    }
}

#[test]
#[cfg_attr(windows, ignore = "there is no remap, and no advice")]
fn the_failing_mapper_fails_from_a_call_on_until_told_otherwise() {
    let mapper = FailingMapper::new(SystemMapper::new());
    let mapped = mapper.map(mapper.page_bytes(), 1).unwrap();
    mapper.fail_from(4);
    assert_eq!(every_call(&mapper, mapped), [true, true, true, false, false, false, false, false, false, false]);
    assert_eq!(mapper.reserve(mapper.page_bytes(), 1), Err(MapError::OutOfMemory));
    mapper.succeed();
    assert_eq!(every_call(&mapper, mapped), [true; 10]);
}

#[test]
#[cfg_attr(windows, ignore = "there is no remap, and no advice")]
fn the_failing_mapper_fails_one_kind() {
    for kind in Call::ALL {
        let mapper = FailingMapper::new(SystemMapper::new());
        let mapped = mapper.map(mapper.page_bytes(), 1).unwrap();
        mapper.fail_every(kind);
        mapper.fail_with(MapError::Unavailable);
        let failed = every_call(&mapper, mapped).map(|succeeded| !succeeded);
        assert_eq!(failed[..], Call::ALL.map(|each| each == kind)[..failed.len()]);
    }
}

#[test]
fn the_failing_mapper_refuses_to_seal() {
    let mapper = FailingMapper::new(CountingMapper::new(SystemMapper::new()));
    let page = mapper.page_bytes();
    let mapped = mapper.map(page, page).unwrap();
    mapper.fail_every(Call::Seal);
    // SAFETY: no code unmaps the page.
    assert_eq!(unsafe { mapper.seal(mapped, page) }, Err(MapError::OutOfMemory));
    assert_eq!(mapper.inner().calls(Call::Seal), 0);
    mapper.succeed();
    // SAFETY: as above. Not every kernel knows how.
    let sealed = unsafe { mapper.seal(mapped, page) };
    assert!(matches!(sealed, Ok(()) | Err(MapError::Unavailable)));
    assert_eq!(mapper.inner().calls(Call::Seal), 1);
}

#[test]
#[cfg_attr(windows, ignore = "there is no remap, and no advice")]
fn the_counting_mapper_counts_calls_and_bytes() {
    let mapper = CountingMapper::new(SystemMapper::new());
    let page = mapper.page_bytes();
    let mapped = mapper.map(4 * page, page).unwrap();
    let reserved = mapper.reserve(8 * page, page).unwrap();
    // SAFETY: ranges of this test, none used after its release.
    unsafe {
        mapper.commit(reserved, 2 * page).unwrap();
        mapper.decommit(reserved, page).unwrap();
        let grown = mapper.remap(mapped, 4 * page, 6 * page).unwrap();
        let shrunk = mapper.remap(grown, 6 * page, page).unwrap();
        assert!(mapper.remap(shrunk, page, 1 << 62).is_err());
        mapper.release(shrunk, page).unwrap();
    }
    assert_eq!(mapper.bytes_reserved(), 14 * page);
    assert_eq!(mapper.bytes_committed(), 8 * page);
    assert_eq!(mapper.bytes_decommitted(), page);
    assert_eq!(mapper.bytes_released(), 6 * page);
    assert_eq!(mapper.bytes_held(), 8 * page);
    assert_eq!((mapper.calls(Call::Remap), mapper.calls_total()), (3, 8));
}

#[test]
fn the_fixed_buffer_hands_out_aligned_zeroed_pages_of_any_size() {
    for page in [4096, 16384, 65536] {
        let mut buffer = vec![0x77; 40 * page];
        let mapper = FixedBufferMapper::new(&mut buffer, page);
        assert!(mapper.pages() >= 38);
        let one = mapper.map(page, page).unwrap();
        let two = mapper.map(2 * page, 4 * page).unwrap();
        assert_eq!((one.addr().get() % page, two.addr().get() % (4 * page)), (0, 0));
        assert!(reads_as(one, page, 0) && reads_as(two, 2 * page, 0));
        assert_eq!(mapper.pages_held(), 3);
    }
}

#[test]
fn the_fixed_buffer_zeroes_on_commit_and_decommit_and_reuses_what_was_released() {
    let mut buffer = vec![0; 12 * 4096];
    let mapper = FixedBufferMapper::new(&mut buffer, 4096);
    let all = mapper.pages() * 4096;
    let start = mapper.reserve(all, 4096).unwrap();
    assert_eq!(mapper.map(4096, 4096), Err(MapError::OutOfMemory));
    // SAFETY: ranges of this test, none used after its release.
    unsafe {
        mapper.commit(start, 8192).unwrap();
        assert!(reads_as(start, 8192, 0));
        start.write_bytes(1, 8192);
        mapper.commit(start, all).unwrap();
        assert!(reads_as(start, 8192, 1) && reads_as(start.add(8192), all - 8192, 0));
        mapper.decommit(start, 4096).unwrap();
        assert!(reads_as(start, 4096, 0) && reads_as(start.add(4096), 4096, 1));
        mapper.release(start.add(4096), 4096).unwrap();
        assert_eq!(mapper.map(4096, 1), Ok(start.add(4096)));
        mapper.release(start, all).unwrap();
    }
    assert_eq!(mapper.pages_held(), 0);
}

#[test]
fn the_fixed_buffer_remaps_in_place_or_moves_the_contents() {
    let mut buffer = vec![0; 16 * 4096];
    let mapper = FixedBufferMapper::new(&mut buffer, 4096);
    let start = mapper.map(4096, 1).unwrap();
    // SAFETY: ranges of this test, none used after it was moved.
    unsafe {
        start.write_bytes(5, 4096);
        assert_eq!(mapper.remap(start, 4096, 3 * 4096), Ok(start));
        let wall = mapper.map(4096, 1).unwrap();
        let moved = mapper.remap(start, 3 * 4096, 6 * 4096).unwrap();
        assert_ne!(moved, start);
        assert!(reads_as(moved, 4096, 5) && reads_as(moved.add(4096), 5 * 4096, 0));
        assert_eq!(mapper.remap(moved, 6 * 4096, 4096), Ok(moved));
        assert_eq!(mapper.remap(moved, 4096, 64 * 4096), Err(MapError::OutOfMemory));
        assert_eq!(mapper.pages_held(), 2);
        mapper.release(wall, 4096).unwrap();
    }
}

#[test]
fn the_fixed_buffer_has_a_clock_that_tests_set() {
    let mut buffer = [0; 64];
    let mapper = FixedBufferMapper::new(&mut buffer, 4096);
    assert_eq!((mapper.pages(), mapper.now_milliseconds()), (0, 0));
    mapper.set_now_milliseconds(25);
    assert_eq!(mapper.now_milliseconds(), 25);
    assert_eq!(mapper.map(4096, 1), Err(MapError::OutOfMemory));
}

#[test]
#[should_panic(expected = "range is not handed out")]
fn the_fixed_buffer_catches_a_double_release() {
    let mut buffer = vec![0; 8 * 4096];
    let mapper = FixedBufferMapper::new(&mut buffer, 4096);
    let start = mapper.map(4096, 1).unwrap();
    // SAFETY: the mistake under test, caught before anything is done.
    let released = unsafe { [mapper.release(start, 4096), mapper.release(start, 4096)] };
    assert!(released.iter().all(Result::is_ok));
}
