//! Heaps side by side: the global one, and the isolated ones with samples.

use std::cmp::Reverse;
use std::collections::HashMap;

use serde::Serialize;

use crate::profile::Profile;

/// The number of the global heap.
const GLOBAL: u64 = 0;

/// What is known of a heap.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct HeapSum {
    /// 0 for the global heap.
    pub number: u64,
    /// Empty if it has none.
    pub name: String,
    /// Sampled blocks that live.
    pub samples: u64,
    /// The bytes of its live blocks, estimated.
    pub live_bytes: u64,
    /// The bytes that it takes; None for the global heap.
    pub charged_bytes: Option<u64>,
    /// The most that it may take, if there is a limit.
    pub limit_bytes: Option<u64>,
}

/// The global heap first, then those with the most live bytes.
#[must_use]
pub fn heaps(profile: &Profile) -> Vec<HeapSum> {
    let limit = |bytes: u64| (bytes < u64::MAX).then_some(bytes);
    let isolated = profile.heaps.iter().map(|heap| HeapSum {
        number: heap.number,
        name: heap.name.clone(),
        charged_bytes: Some(heap.charged),
        limit_bytes: limit(heap.limit),
        ..HeapSum::default()
    });
    let global = HeapSum { number: GLOBAL, ..HeapSum::default() };
    let mut heaps: HashMap<u64, HeapSum> = isolated.chain([global]).map(|heap| (heap.number, heap)).collect();
    for block in &profile.blocks {
        // A heap may have ended while the dump was written.
        let heap = heaps.entry(block.heap).or_insert_with(|| HeapSum { number: block.heap, ..HeapSum::default() });
        heap.samples += 1;
        heap.live_bytes = heap.live_bytes.saturating_add(block.represents);
    }
    let mut heaps: Vec<HeapSum> = heaps.into_values().collect();
    heaps.sort_by_key(|heap| (heap.number != GLOBAL, Reverse(heap.live_bytes), heap.number));
    heaps
}
