//! What `TinyAlloc` counts, in a process of its own: the figures are the whole process's.

#![allow(clippy::disallowed_types, reason = "not the core: it measures and tests it")]

use std::collections::{BTreeMap, HashMap};

use tinyalloc::TinyAlloc;

#[global_allocator]
static GLOBAL: TinyAlloc = TinyAlloc;

#[test]
fn collections_work_and_are_counted() {
    let before = GLOBAL.stats().allocated;
    let map: HashMap<usize, String> = (0..10_000).map(|number| (number, number.to_string())).collect();
    let tree: BTreeMap<&String, usize> = map.iter().map(|(number, text)| (text, *number)).collect();
    assert!(tree.iter().all(|(text, number)| text.parse() == Ok(*number)));
    assert!(GLOBAL.stats().allocated > before + 10_000 * 16);
}
