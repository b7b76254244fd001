//! Arenas by number. The first is the global heap, from which every thread has its share; the
//! others are isolated heaps, made by `arenas.create`.

use core::ptr::{NonNull, null_mut, without_provenance_mut};
use core::sync::atomic::{AtomicPtr, AtomicUsize, Ordering};

use libc::{EAGAIN, EFAULT, ENOENT, c_int};
use tinyalloc_alloc::{BlockOwner, Heap, HeapMemory, HeapName, HeapOptions, HeapRef};

use crate::c::limit_handler::ARGUMENT;
use crate::process::instance::ALLOCATOR;
use crate::process::thread::Thread;

/// Numbers of arenas have twelve bits in the flags of `mallocx`, and one value means none.
pub(super) const ARENAS_MAX: usize = 4095;
/// The number of all arenas together (`MALLCTL_ARENAS_ALL`).
pub(super) const ALL: usize = 4096;

/// The heaps of arenas, by number; null where there is none, and [`TAKEN`] while one is made or
/// destroyed. The first entry is never used.
static HEAPS: [AtomicPtr<Heap>; ARENAS_MAX] = [const { AtomicPtr::new(null_mut()) }; ARENAS_MAX];
const TAKEN: *mut Heap = without_provenance_mut(align_of::<Heap>());

/// One more than the largest number that an arena had.
static NUMBERS: AtomicUsize = AtomicUsize::new(1);

/// What a number of an arena represents.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Arena {
    Global,
    Heap(HeapRef),
}

pub(super) fn numbers() -> usize {
    NUMBERS.load(Ordering::Relaxed)
}

pub(super) fn arena(number: usize) -> Option<Arena> {
    if number == 0 {
        return Some(Arena::Global);
    }
    let heap = HEAPS.get(number)?.load(Ordering::Acquire);
    let heap = NonNull::new(heap).filter(|heap| heap.as_ptr() != TAKEN)?;
    // SAFETY: only heaps are in the table.
    Some(Arena::Heap(unsafe { HeapRef::from_ptr(heap) }))
}

/// The number of a heap; that of the global one for heaps that are no arenas.
fn number_of(heap: Option<HeapRef>) -> usize {
    heap.map_or(0, |heap| {
        let number = heap.user_data(ARGUMENT);
        let is_its = HEAPS.get(number).is_some_and(|entry| entry.load(Ordering::Acquire) == heap.as_ptr().as_ptr());
        if is_its { number } else { 0 }
    })
}

/// The arena of the calling thread.
pub(super) fn current() -> usize {
    number_of(ALLOCATOR.current_heap(Thread))
}

/// The arena of a block.
pub(super) fn owner(start: *const u8) -> Option<usize> {
    match ALLOCATOR.owner_of(Thread, start.addr())? {
        BlockOwner::Global => Some(0),
        BlockOwner::Heap(heap) => Some(number_of(Some(heap))),
    }
}

/// Makes an arena, with the lowest number that is free.
pub(super) fn create() -> Result<usize, c_int> {
    let number = (1..ARENAS_MAX).find(|number| exchange(*number, null_mut(), TAKEN)).ok_or(EAGAIN)?;
    // Without a limit no handler is called: its argument is free for the number.
    let options = HeapOptions { name: HeapName::new("arena"), user_data: [0, number, 0], ..HeapOptions::default() };
    let heap = ALLOCATOR.create_heap(Thread, &options);
    if let Some(entry) = HEAPS.get(number) {
        entry.store(heap.map_or(null_mut(), |heap| heap.as_ptr().as_ptr()), Ordering::Release);
    }
    heap.ok_or(EAGAIN)?;
    NUMBERS.fetch_max(number + 1, Ordering::Relaxed);
    Ok(number)
}

fn exchange(number: usize, from: *mut Heap, to: *mut Heap) -> bool {
    HEAPS.get(number).is_some_and(|entry| entry.compare_exchange(from, to, Ordering::AcqRel, Ordering::Relaxed).is_ok())
}

/// Frees all blocks of an arena, and the arena: refused for the global heap, and for a heap that is
/// some thread's.
pub(super) fn destroy(number: usize) -> Result<(), c_int> {
    let Some(Arena::Heap(heap)) = arena(number) else {
        return Err(EFAULT);
    };
    let pointer = heap.as_ptr().as_ptr();
    if !exchange(number, pointer, TAKEN) {
        return Err(EFAULT);
    }
    // SAFETY: the caller of `arena.<i>.destroy` promises that no block of it is used any more.
    let destroyed = unsafe { ALLOCATOR.destroy_heap(Thread, heap, HeapMemory::Released) };
    let left = if destroyed.is_ok() { null_mut() } else { pointer };
    if let Some(entry) = HEAPS.get(number) {
        entry.store(left, Ordering::Release);
    }
    destroyed.map_err(|_| EFAULT)
}

/// Frees all blocks of an arena: refused for the global heap.
pub(super) fn reset(number: usize) -> Result<(), c_int> {
    let Some(Arena::Heap(heap)) = arena(number) else {
        return Err(EFAULT);
    };
    // SAFETY: the caller of `arena.<i>.reset` promises that no block of it is used any more.
    unsafe { ALLOCATOR.reset_heap(Thread, heap, HeapMemory::Retained) }.map_err(|_| EFAULT)
}

/// The arena serves the thread's calls that name none, in place of the one that did.
pub(super) fn enter(number: usize) -> Result<(), c_int> {
    if number == current() {
        return Ok(());
    }
    let heap = match arena(number).ok_or(EFAULT)? {
        Arena::Global => None,
        Arena::Heap(heap) => Some(heap),
    };
    let last = ALLOCATOR.current_heap(Thread);
    ALLOCATOR.pop_heap(Thread);
    if heap == ALLOCATOR.current_heap(Thread) || ALLOCATOR.push_heap(Thread, heap) {
        return Ok(());
    }
    ALLOCATOR.push_heap(Thread, last);
    Err(EAGAIN)
}

/// Whether names of that arena are answered.
pub(super) fn has_number(number: usize) -> Result<(), c_int> {
    if number == ALL || number <= numbers() { Ok(()) } else { Err(ENOENT) }
}
