//! The life of a region, watched by a counting mapper.
#![allow(clippy::disallowed_types, clippy::unwrap_used, clippy::absolute_paths, clippy::multiple_unsafe_ops_per_block)]

use tinyalloc_sys::{Call, CountingMapper, FailingMapper, MapError, Mapper, Region, RegionError, SystemMapper};

type Watched = CountingMapper<FailingMapper<SystemMapper>>;

fn watched() -> (Watched, usize) {
    let mapper = CountingMapper::new(FailingMapper::new(SystemMapper::new()));
    let page = mapper.page_bytes();
    (mapper, page)
}

#[test]
fn a_region_lives_from_reserve_to_release() {
    let (mapper, page) = watched();
    let region = Region::reserve(&mapper, 16 * page, 1 << 20).unwrap();
    assert_eq!(region.start().addr().get() % (1 << 20), 0);
    assert_eq!(region.bytes(), 16 * page);
    assert_eq!((mapper.bytes_reserved(), mapper.bytes_committed()), (16 * page, 0));
    region.commit(2 * page..5 * page).unwrap();
    // SAFETY: within the region.
    let start = unsafe { region.start().add(2 * page) };
    // SAFETY: committed above.
    unsafe { start.write_bytes(1, 3 * page) };
    // SAFETY: the contents are not wanted.
    unsafe { region.decommit(3 * page..4 * page) }.unwrap();
    assert_eq!((mapper.bytes_committed(), mapper.bytes_decommitted()), (3 * page, page));
    if SystemMapper::RECOMMITS {
        region.commit(3 * page..4 * page).unwrap();
    }
    // SAFETY: committed above.
    assert_eq!([0, page, 2 * page].map(|offset| unsafe { start.add(offset).read() }), [1, 0, 1]);
    assert!(region.release().is_ok());
    assert_eq!((mapper.bytes_released(), mapper.bytes_held()), (16 * page, 0));
    assert_eq!(mapper.calls(Call::Release), 1);
}

#[test]
fn dropping_a_region_releases_it_once() {
    let (mapper, page) = watched();
    drop(Region::reserve(&mapper, page, page).unwrap());
    assert_eq!((mapper.calls(Call::Release), mapper.bytes_held()), (1, 0));
}

#[test]
fn a_region_contains_its_bytes_and_no_others() {
    let (mapper, page) = watched();
    let region = Region::reserve(&mapper, page, page).unwrap();
    let start = region.start().addr().get();
    assert!(region.contains(start) && region.contains(start + page - 1));
    assert!(!region.contains(start - 1) && !region.contains(start + page) && !region.contains(0));
}

#[test]
fn bad_ranges_never_reach_the_mapper() {
    let (mapper, page) = watched();
    assert_eq!(Region::reserve(&mapper, 0, page).err(), Some(RegionError::BadRange));
    assert_eq!(Region::reserve(&mapper, page + 1, page).err(), Some(RegionError::BadRange));
    let region = Region::reserve(&mapper, 4 * page, page).unwrap();
    let ranges = [0..5 * page, 1..page, 0..page + 1, 2 * page..page, 5 * page..6 * page, 0..usize::MAX];
    for range in ranges {
        assert_eq!(region.commit(range.clone()), Err(RegionError::BadRange));
        // SAFETY: refused, which is what is under test.
        assert_eq!(unsafe { region.decommit(range) }, Err(RegionError::BadRange));
    }
    assert_eq!(region.commit(page..page), Ok(()));
    assert_eq!(mapper.calls_total(), 1);
}

#[test]
fn refusals_of_the_mapper_are_passed_on_and_a_region_survives_them() {
    let (mapper, page) = watched();
    let failing = mapper.inner();
    failing.fail_nth(1);
    assert_eq!(Region::reserve(&mapper, page, page).err(), Some(RegionError::Refused(MapError::OutOfMemory)));
    let region = Region::reserve(&mapper, page, page).unwrap();
    failing.fail_with(MapError::Unavailable);
    failing.fail_every(Call::Commit);
    failing.fail_every(Call::Release);
    assert_eq!(region.commit(0..page), Err(RegionError::Refused(MapError::Unavailable)));
    let (region, error) = region.release().unwrap_err();
    assert_eq!(error, MapError::Unavailable);
    failing.succeed();
    region.commit(0..page).unwrap();
    drop(region);
    assert_eq!(mapper.bytes_held(), 0);
}
