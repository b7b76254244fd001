//! An index of 100,000 keys that is built once, and is there in milliseconds whenever it is opened
//! again.
#![allow(clippy::disallowed_types, reason = "a program like any other")]

use std::alloc::Layout;
use std::env::temp_dir;
use std::fs::remove_file;
use std::path::Path;
use std::process::id;
use std::str::from_utf8;
use std::time::Instant;

use tinyalloc::file::{Error, FileHeap, FilePtr, plain};

const KEYS: u64 = 100_000;
const PLACES: usize = 1 << 18;

plain! {
    /// A hash table with open addressing. All that it points to are distances from the file's
    /// start.
    struct Index {
        places: FilePtr<Place>,
        keys: u64,
    }

    struct Place {
        key: FilePtr<u8>,
        key_bytes: u64,
        value: u64,
    }
}

/// FNV-1a: Fowler, Noll, Vo, 1991.
fn hash(key: &str) -> usize {
    let hash = key.bytes().fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    usize::try_from(hash % PLACES as u64).unwrap_or(0)
}

/// The place of a key, or the one where it would be.
fn find(heap: &FileHeap, index: &Index, key: &str) -> Result<FilePtr<Place>, Error> {
    let mut number = hash(key);
    loop {
        let place = index.places.add(number);
        let found = heap.get(place)?;
        if found.key.is_null()
            || from_utf8(heap.slice(found.key, key.len().min(bytes(found)))?) == Ok(key) && bytes(found) == key.len()
        {
            return Ok(place);
        }
        number = (number + 1) % PLACES;
    }
}

fn bytes(place: &Place) -> usize {
    usize::try_from(place.key_bytes).unwrap_or(usize::MAX)
}

fn key(number: u64) -> String {
    format!("key {} of the index", number * number)
}

fn build(path: &Path) -> Result<(), Error> {
    // SAFETY: the name is this process's own.
    let mut heap = unsafe { FileHeap::create(path) }?;
    let places = heap.allocate_zeroed(Layout::new::<[Place; PLACES]>())?.cast();
    let index = Index { places, keys: KEYS };
    for number in 0..KEYS {
        let key = key(number);
        let place = find(&heap, &index, &key)?;
        let stored = heap.insert_slice(key.as_bytes())?;
        *heap.get_mut(place)? = Place { key: stored, key_bytes: key.len() as u64, value: number };
    }
    let root = heap.insert(index)?;
    heap.set_root("index", root)?;
    heap.commit()
}

fn look_up(heap: &FileHeap) -> Result<(), Error> {
    let index = *heap.get(heap.root::<Index>("index")?.expect("it was built"))?;
    assert_eq!(index.keys, KEYS);
    for number in (0..KEYS).step_by(9973) {
        let place = heap.get(find(heap, &index, &key(number))?)?;
        assert!(!place.key.is_null() && place.value == number);
    }
    assert!(heap.get(find(heap, &index, "no key")?)?.key.is_null());
    Ok(())
}

fn run(path: &Path) -> Result<(), Error> {
    let begun = Instant::now();
    build(path)?;
    let built = begun.elapsed();
    let begun = Instant::now();
    // SAFETY: as in `build`.
    let heap = unsafe { FileHeap::open_read_only(path) }?;
    let opened = begun.elapsed();
    look_up(&heap)?;
    let stats = heap.stats();
    println!("{} blocks, {} KiB: built in {built:.1?}, opened in {opened:.1?}", stats.blocks, stats.allocated >> 10);
    Ok(())
}

fn main() {
    let path = temp_dir().join(format!("tinyalloc-index-{}", id()));
    let outcome = run(&path);
    _ = remove_file(&path);
    outcome.expect("the index can be built and opened");
}
