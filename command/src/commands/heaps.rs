//! `tinyalloc heaps`.

use serde_json::{Value, json};

use crate::failure::Failure;
use crate::heaps::{HeapSum, heaps};
use crate::options::Heaps;
use crate::profile::Profile;
use crate::size::size;
use crate::text::{Table, percent, plain, print};

pub(super) fn list(options: &Heaps) -> Result<u8, Failure> {
    let profile = Profile::read(&options.dump)?;
    if !profile.has_pins() {
        let text = "does not say of which heaps its blocks are: it is of an older libtinyalloc.so, or not from tinyalloc";
        return Err(Failure::of(&options.dump, text));
    }
    let heaps = heaps(&profile);
    let text = if options.json { format!("{:#}\n", as_json(&profile, &heaps)) } else { text(&profile, &heaps) };
    print(&text)?;
    Ok(0)
}

fn text(profile: &Profile, heaps: &[HeapSum]) -> String {
    let all = total(heaps);
    let mut table = Table::new(&["live", "share", "samples", "charged", "limit", "number", "heap"]);
    for heap in heaps {
        let bytes = |bytes: Option<u64>| bytes.map_or_else(|| String::from("-"), size);
        table.add(vec![
            size(heap.live_bytes),
            percent(share(heap, all)),
            heap.samples.to_string(),
            bytes(heap.charged_bytes),
            bytes(heap.limit_bytes),
            heap.number.to_string(),
            name(heap),
        ]);
    }
    format!("{}: {} live in {}\n{}", plain(&profile.path.display().to_string()), size(all), count(heaps.len()), table.text())
}

fn count(heaps: usize) -> String {
    if heaps == 1 { String::from("1 heap") } else { format!("{heaps} heaps") }
}

fn name(heap: &HeapSum) -> String {
    match (heap.number, heap.name.as_str()) {
        (0, _) => String::from("the global heap"),
        (_, "") => String::from("without a name"),
        (_, name) => plain(name),
    }
}

fn total(heaps: &[HeapSum]) -> u64 {
    heaps.iter().fold(0, |sum, heap| sum.saturating_add(heap.live_bytes))
}

fn share(heap: &HeapSum, all: u64) -> f64 {
    if all == 0 { 0.0 } else { heap.live_bytes as f64 / all as f64 }
}

fn as_json(profile: &Profile, heaps: &[HeapSum]) -> Value {
    let all = total(heaps);
    let heap = |heap: &HeapSum| {
        json!({
            "number": heap.number,
            "name": heap.name,
            "samples": heap.samples,
            "live_bytes": heap.live_bytes,
            "share": share(heap, all),
            "charged_bytes": heap.charged_bytes,
            "limit_bytes": heap.limit_bytes,
        })
    };
    json!({
        "dump": profile.path,
        "interval": profile.interval,
        "milliseconds": profile.milliseconds,
        "live_bytes": all,
        "heaps": heaps.iter().map(heap).collect::<Vec<_>>(),
    })
}
