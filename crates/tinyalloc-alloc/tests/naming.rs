//! The names of mappings: each step is named, and with it what lies before, so that names may be
//! wanted late.
#![allow(clippy::disallowed_types, clippy::unwrap_used, clippy::absolute_paths, reason = "tests may allocate and give up")]

mod common;

use std::ptr::NonNull;

use common::{Actor, LimitedMapper, MIB, World};
use tinyalloc_sys::Mapper;

const SPANS: &str = "tinyalloc: spans";
const METADATA: &str = "tinyalloc: metadata";
const BLOCKS: &str = "tinyalloc: blocks";

struct Named {
    start: usize,
    bytes: usize,
    name: String,
}

fn world(is_named: bool) -> (World<LimitedMapper>, Actor) {
    let (world, actor) = (World::<LimitedMapper>::new(), Actor::new());
    world.mapper.show_names(is_named);
    (world, actor)
}

/// What was named since the last call.
fn named(world: &World<LimitedMapper>) -> Vec<Named> {
    world.mapper.take_names().into_iter().map(|(start, bytes, name)| Named { start, bytes, name }).collect()
}

/// All names that the address has been given.
fn name_of(named: &[Named], block: NonNull<u8>) -> Vec<&str> {
    let address = block.addr().get();
    let of_it = named.iter().filter(|each| (each.start..each.start + each.bytes).contains(&address));
    let mut names: Vec<_> = of_it.map(|each| each.name.as_str()).collect();
    names.dedup();
    names
}

#[test]
fn every_block_lies_in_a_mapping_that_has_the_name_of_its_use() {
    let (world, actor) = world(true);
    let first = world.allocate(actor, 100).unwrap();
    let start = named(&world);
    assert_eq!(start.iter().filter(|each| each.name == SPANS).count(), 1);
    assert_eq!(start.iter().filter(|each| each.name == METADATA).count(), 1);
    assert_eq!((start.len(), name_of(&start, first)), (2, vec![SPANS]));

    let more: Vec<_> = (0..20_000).map(|_| world.allocate(actor, 1000).unwrap()).collect();
    let large = world.allocate(actor, MIB).unwrap();
    let mut all = start;
    all.extend(named(&world));
    assert!(more.iter().chain([&large]).all(|block| name_of(&all, *block) == [SPANS]));
    let spans: Vec<_> = all.iter().filter(|each| each.name == SPANS).collect();
    assert!(spans.len() > 3 && spans.windows(2).all(|pair| pair[0].start == pair[1].start && pair[0].bytes < pair[1].bytes));
}

#[test]
#[cfg_attr(windows, ignore = "there is no remap")]
fn a_huge_block_has_its_name_when_it_is_mapped_and_none_anew_when_it_grows() {
    let (world, actor) = world(true);
    world.allocate(actor, 100).unwrap();
    named(&world);
    let block = world.allocate(actor, 40 * MIB).unwrap();
    let names = named(&world);
    assert_eq!((names.len(), name_of(&names, block)), (1, vec![BLOCKS]));
    assert!(names[0].bytes >= 40 * MIB && names[0].start == block.addr().get());
    // SAFETY: the block is live, and used by its new address only.
    unsafe { world.reallocate(actor, block, 90 * MIB) }.unwrap();
    assert!(named(&world).is_empty());
}

#[test]
fn what_was_mapped_before_names_were_wanted_is_named_when_it_grows() {
    let (world, actor) = world(false);
    let first = world.allocate(actor, 100).unwrap();
    assert!(named(&world).is_empty());
    world.mapper.show_names(true);
    let _more: Vec<_> = (0..5000).map(|_| world.allocate(actor, 1000).unwrap()).collect();
    assert_eq!(name_of(&named(&world), first), [SPANS]);
}

#[test]
fn the_systems_mapper_names_nothing_unless_asked_to() {
    let mapper = tinyalloc_sys::SystemMapper::new();
    let page = mapper.map(mapper.page_bytes(), 1).unwrap();
    assert!(!tinyalloc_sys::SystemMapper::names_mappings());
    assert!(!mapper.name(page, mapper.page_bytes(), c"a page"));
}
