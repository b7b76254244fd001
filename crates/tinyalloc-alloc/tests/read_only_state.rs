//! The read-only state lies on a page that no thread can write to afterwards.

#![allow(clippy::disallowed_types, clippy::unwrap_used, clippy::absolute_paths, reason = "tests may allocate and give up")]

mod common;

#[cfg(not(windows))]
use std::fs::read_to_string;
use std::ptr::from_ref;

use common::{Actor, LimitedMapper, MIB, World, WorldMapper};
use tinyalloc_alloc::{HeapOptions, SealPolicy};
use tinyalloc_sys::{Call, CountingMapper, FailingMapper, Mapper, SystemMapper};
#[cfg(windows)]
use windows_sys::Win32::System::Memory::{MEMORY_BASIC_INFORMATION, PAGE_READONLY, VirtualQuery};

type Counting = CountingMapper<LimitedMapper>;

const PAGE_BYTES: usize = 4096;

fn seal_policy<M: WorldMapper>(seal_policy: SealPolicy) -> (World<M>, Actor) {
    let (world, actor) = (World::new(), Actor::new());
    actor.seal(seal_policy);
    (world, actor)
}

/// Makes the allocator start, grow, and serve small, large and huge blocks, other threads and
/// heaps.
fn use_it<M: WorldMapper>(world: &World<M>, actor: Actor) {
    let other = Actor::new();
    other.seal(SealPolicy::Sealed);
    for bytes in [1, 100, 5000, MIB, 40 * MIB] {
        for actor in [actor, other] {
            let block = world.allocate(actor, bytes).unwrap();
            // SAFETY: the block is live and no other thread's.
            unsafe { world.free(actor, block.as_ptr()) };
        }
    }
    world.create_heap(actor, &HeapOptions::default()).unwrap();
    world.detach(other);
    assert!(actor.misuses().is_empty());
}

/// The access rights of the page that an allocator ends with, as the kernel writes them.
#[cfg(windows)]
fn rights<M: WorldMapper>(world: &World<M>) -> String {
    let page = from_ref(world.allocator()).wrapping_add(1).cast::<u8>().wrapping_sub(PAGE_BYTES);
    let mut found = MEMORY_BASIC_INFORMATION::default();
    // SAFETY: asks about an address, whatever is there.
    assert!(unsafe { VirtualQuery(page.cast(), &raw mut found, size_of::<MEMORY_BASIC_INFORMATION>()) } > 0);
    if found.Protect == PAGE_READONLY { "r--p".to_owned() } else { "rw-p".to_owned() }
}

/// The access rights of the page that an allocator ends with, as the kernel writes them.
#[cfg(not(windows))]
fn rights<M: WorldMapper>(world: &World<M>) -> String {
    let address = from_ref(world.allocator()).addr() + size_of_val(world.allocator()) - PAGE_BYTES;
    let maps = read_to_string("/proc/self/maps").unwrap();
    let bounds = |line: &str| {
        let (start, end) = line.split_once(' ')?.0.split_once('-')?;
        Some(usize::from_str_radix(start, 16).ok()?..usize::from_str_radix(end, 16).ok()?)
    };
    let line = maps.lines().find(|line| bounds(line).is_some_and(|bounds| bounds.contains(&address))).unwrap();
    line.split(' ').nth(1).unwrap().to_owned()
}

fn pages_are_small() -> bool {
    SystemMapper.page_bytes() == PAGE_BYTES
}

#[test]
fn an_allocator_that_may_go_is_never_protected() {
    let (world, actor) = (World::<Counting>::new(), Actor::new());
    let block = world.allocate(actor, 100).unwrap();
    assert_eq!((world.mapper.calls(Call::Protect), world.mapper.calls(Call::Seal)), (0, 0));
    assert_eq!(rights(&world), "rw-p");
    // SAFETY: the block is live and no other thread's.
    unsafe { world.free(actor, block.as_ptr()) };
}

#[test]
fn the_read_only_state_is_protected_and_sealed_once() {
    if !pages_are_small() {
        return;
    }
    let (world, actor) = seal_policy::<Counting>(SealPolicy::Sealed);
    assert_eq!(rights(&world), "rw-p");
    use_it(&world, actor);
    assert_eq!((world.mapper.calls(Call::Protect), world.mapper.calls(Call::Seal)), (1, 1));
    assert_eq!(rights(&world), "r--p");
}

#[test]
fn what_is_to_be_read_only_is_not_sealed() {
    if !pages_are_small() {
        return;
    }
    let (world, actor) = seal_policy::<Counting>(SealPolicy::ReadOnly);
    use_it(&world, actor);
    assert_eq!((world.mapper.calls(Call::Protect), world.mapper.calls(Call::Seal)), (1, 0));
    assert_eq!(rights(&world), "r--p");
}

#[test]
fn checks_are_fixed_before_they_are_protected() {
    let (world, actor) = seal_policy::<Counting>(SealPolicy::Sealed);
    assert!(world.tune(actor, |tunables| tunables.checks.hardened = true));
    use_it(&world, actor);
    let block = world.allocate(actor, 100).unwrap();
    // SAFETY: a slot of 112 bytes.
    let last = unsafe { block.add(111) };
    // SAFETY: as above.
    unsafe { last.as_ptr().write_bytes(0xa5, 1) };
    // SAFETY: the block is live and no other thread's.
    unsafe { world.free(actor, block.as_ptr()) };
    assert_eq!(actor.misuses().len(), 1, "the canary is still looked at");
    if pages_are_small() {
        assert_eq!(rights(&world), "r--p");
    }
}

#[test]
fn an_allocator_whose_page_cannot_be_protected_goes_on() {
    let (world, actor) = seal_policy::<FailingMapper<LimitedMapper>>(SealPolicy::Sealed);
    world.mapper.fail_every(Call::Protect);
    use_it(&world, actor);
    assert_eq!(rights(&world), "rw-p");
    world.mapper.succeed();
    use_it(&world, actor);
    assert_eq!(rights(&world), "rw-p", "it is not asked again");
}

#[test]
fn an_allocator_whose_page_cannot_be_sealed_is_read_only_all_the_same() {
    if !pages_are_small() {
        return;
    }
    let (world, actor) = seal_policy::<FailingMapper<LimitedMapper>>(SealPolicy::Sealed);
    world.mapper.fail_every(Call::Seal);
    use_it(&world, actor);
    assert_eq!(rights(&world), "r--p");
}

#[test]
fn an_allocator_without_memory_is_protected_when_it_has_some() {
    if !pages_are_small() {
        return;
    }
    let (world, actor) = seal_policy::<FailingMapper<LimitedMapper>>(SealPolicy::Sealed);
    world.mapper.fail_every(Call::Reserve);
    assert!(world.allocate(actor, 100).is_none());
    assert_eq!(rights(&world), "rw-p");
    world.mapper.succeed();
    use_it(&world, actor);
    assert_eq!(rights(&world), "r--p");
}

#[test]
fn a_thread_that_does_not_know_yet_leaves_it_to_the_next() {
    if !pages_are_small() {
        return;
    }
    let (world, actor) = seal_policy::<Counting>(SealPolicy::Writable);
    world.allocate(actor, 100).unwrap();
    assert_eq!(rights(&world), "rw-p");
    actor.seal(SealPolicy::Sealed);
    world.allocate(actor, MIB).unwrap();
    assert_eq!(rights(&world), "r--p");
}
