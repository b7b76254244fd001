//! What the page is made of: tables of numbers that refer to each other, so that names and stacks
//! are there once.

use std::collections::{BTreeSet, HashMap};
use std::hash::Hash;
use std::path::Path;
use std::time::SystemTime;

use serde::Serialize;
use serde_json::{Value, json};

use crate::heaps::{HeapSum, heaps};
use crate::profile::{Block, By, Profile, Site, Tally, rounded};
use crate::residence::Residence;
use crate::sites::sort_by_time;
use crate::symbols::Frame;
use crate::wrappers::is_wrapper;

/// What is known of a site without any caller.
const UNKNOWN: &str = "[unknown]";

/// A clock of 64 bits knows no more of them.
const LIFETIMES_MAX: usize = 65;

/// All of it.
#[derive(Serialize)]
pub(super) struct Model {
    title: String,
    program: String,
    warnings: Vec<String>,
    dumps: Vec<Dump>,
    #[serde(flatten)]
    stacks: Stacks,
}

/// A dump, without names.
#[derive(Serialize)]
struct Dump {
    label: String,
    /// Milliseconds since the first dump.
    time: u64,
    interval: u64,
    live_bytes: u64,
    peak_bytes: u64,
    lost_samples: u64,
    lost_frees: u64,
    has_details: bool,
    has_pins: bool,
    residence: Option<Residence>,
    heaps: Vec<HeapSum>,
    stats: Value,
    bins: Value,
    sites: Vec<Row>,
}

/// A site: its node, its tallies (live, peak, total), frees by other threads, lifetimes of freed
/// blocks, ages of live ones, the threads that allocated these, and what these pin.
type Row = (usize, TallyRow, TallyRow, TallyRow, u64, Vec<u64>, Vec<u64>, BTreeSet<u64>, TallyRow);
/// Samples, blocks, bytes.
type TallyRow = (u64, u64, u64);
/// The numbers of its function and file in the strings, the line, the number of its module, and
/// whether it only passes requests on.
type FrameRow = (usize, Option<usize>, Option<u32>, usize, u8);

/// All stacks as a tree: a node has the number of its caller's node, or -1, and that of its frame.
/// A caller comes before what it calls.
#[derive(Default, Serialize)]
struct Stacks {
    strings: Vec<String>,
    frames: Vec<FrameRow>,
    nodes: Vec<(i64, usize)>,
    #[serde(skip)]
    string_numbers: HashMap<String, usize>,
    #[serde(skip)]
    frame_numbers: HashMap<FrameRow, usize>,
    #[serde(skip)]
    node_numbers: HashMap<(i64, usize), usize>,
}

impl Model {
    pub(super) fn new(dumps: &[Profile], frames: &mut dyn FnMut(&Profile, u64) -> Vec<Frame>, title: &str) -> Model {
        let mut stacks = Stacks::default();
        let mut dumps: Vec<&Profile> = dumps.iter().collect();
        sort_by_time(&mut dumps);
        let program = dumps.first().and_then(|dump| dump.program()).map(|path| path.display().to_string());
        let rows = dumps.iter().zip(times(&dumps)).map(|(dump, time)| Dump::new(dump, time, frames, &mut stacks)).collect();
        let warnings = warnings(&dumps);
        Model { title: String::from(title), program: program.unwrap_or_default(), warnings, dumps: rows, stacks }
    }
}

impl Dump {
    fn new(profile: &Profile, time: u64, frames: &mut dyn FnMut(&Profile, u64) -> Vec<Frame>, stacks: &mut Stacks) -> Dump {
        let field = |name: &str, instead: Value| profile.stats.get(name).cloned().unwrap_or(instead);
        Dump {
            label: profile.path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default(),
            time,
            interval: profile.interval,
            live_bytes: profile.live_bytes,
            peak_bytes: profile.peak_bytes,
            lost_samples: profile.lost_samples,
            lost_frees: profile.lost_frees,
            has_details: profile.has_details,
            has_pins: profile.has_pins(),
            residence: Residence::of(profile),
            heaps: if profile.has_pins() { heaps(profile) } else { Vec::new() },
            stats: field("stats", json!({})),
            bins: bins(profile, field("bins", json!([]))),
            sites: rows(profile, frames, stacks),
        }
    }
}

/// The size classes of the statistics, and how much of their live slots was not asked for.
fn bins(profile: &Profile, mut bins: Value) -> Value {
    let mut rounding: HashMap<u64, f64> = HashMap::new();
    profile.blocks.iter().for_each(|block| *rounding.entry(block.bytes).or_default() += Block::rounding(block));
    for bin in bins.as_array_mut().into_iter().flatten().filter_map(Value::as_object_mut) {
        let size = bin.get("size").and_then(Value::as_u64).unwrap_or_default();
        let live = bin.get("live").and_then(Value::as_u64).unwrap_or_default();
        let bytes = rounding.get(&size).copied().map_or(0, rounded).min(live.saturating_mul(size));
        bin.insert(String::from("rounding"), Value::from(bytes));
    }
    bins
}

impl Stacks {
    /// The node of the innermost call.
    fn node(&mut self, profile: &Profile, site: &Site, frames: &mut dyn FnMut(&Profile, u64) -> Vec<Frame>) -> usize {
        let mut stack: Vec<Frame> = site.callers.iter().flat_map(|address| frames(profile, *address)).collect();
        if stack.is_empty() {
            stack.push(Frame { function: String::from(UNKNOWN), module: String::from(UNKNOWN), ..Frame::default() });
        }
        let mut node = -1;
        for frame in stack.iter().rev() {
            let frame = self.frame(frame);
            node = number_in(&mut self.nodes, &mut self.node_numbers, (node, frame)).try_into().unwrap_or(i64::MAX);
        }
        node.try_into().unwrap_or_default()
    }

    fn frame(&mut self, frame: &Frame) -> usize {
        let file = frame.file.as_ref().map(|file| self.string(file));
        let row = (self.string(&frame.function), file, frame.line, self.string(&frame.module), u8::from(is_wrapper(frame)));
        number_in(&mut self.frames, &mut self.frame_numbers, row)
    }

    fn string(&mut self, text: &str) -> usize {
        number_in(&mut self.strings, &mut self.string_numbers, String::from(text))
    }
}

/// The place of an entry in a table that has each entry once.
fn number_in<T: Clone + Eq + Hash>(table: &mut Vec<T>, numbers: &mut HashMap<T, usize>, entry: T) -> usize {
    *numbers.entry(entry).or_insert_with_key(|entry| {
        table.push(entry.clone());
        table.len() - 1
    })
}

/// The sites of a dump. Those whose stacks read the same are one.
fn rows(profile: &Profile, frames: &mut dyn FnMut(&Profile, u64) -> Vec<Frame>, stacks: &mut Stacks) -> Vec<Row> {
    let mut lives = lives(profile);
    let mut sites: Vec<(usize, Site, Lives)> = Vec::new();
    let mut places: HashMap<usize, usize> = HashMap::new();
    for (number, site) in profile.sites.iter().enumerate() {
        let node = stacks.node(profile, site, frames);
        let live = lives.remove(&number).unwrap_or_default();
        match places.get(&node).and_then(|place| sites.get_mut(*place)) {
            Some((_, same, same_live)) => {
                add(same, site);
                same_live.add(live);
            }
            None => {
                places.insert(node, sites.len());
                sites.push((node, site.clone(), live));
            }
        }
    }
    sites.into_iter().map(|(node, site, live)| row(node, site, live)).collect()
}

/// What is known of the live blocks of a site.
#[derive(Default)]
struct Lives {
    /// By powers of two of milliseconds, as lifetimes are.
    ages: Vec<u64>,
    threads: BTreeSet<u64>,
}

impl Lives {
    fn note(&mut self, age: u64, thread: u64) {
        let place = (u64::BITS - age.leading_zeros()) as usize;
        self.ages.resize(self.ages.len().max(place + 1), 0);
        self.ages[place] += 1;
        self.threads.insert(thread);
    }

    fn add(&mut self, other: Lives) {
        add_counts(&mut self.ages, &other.ages);
        self.threads.extend(other.threads);
    }
}

/// By the numbers of the sites. Threads are numbered from 0 on.
fn lives(profile: &Profile) -> HashMap<usize, Lives> {
    let mut lives: HashMap<usize, Lives> = HashMap::new();
    let mut threads: HashMap<u64, u64> = HashMap::new();
    for block in &profile.blocks {
        let count = threads.len() as u64;
        let thread = *threads.entry(block.thread).or_insert(count);
        lives.entry(block.site).or_default().note(profile.milliseconds.saturating_sub(block.milliseconds), thread);
    }
    lives
}

fn add(site: &mut Site, other: &Site) {
    site.live = site.live.plus(other.live);
    site.peak = site.peak.plus(other.peak);
    site.total = site.total.plus(other.total);
    site.pinned = site.pinned.plus(other.pinned);
    site.freed_elsewhere = site.freed_elsewhere.saturating_add(other.freed_elsewhere);
    add_counts(&mut site.lifetimes, &other.lifetimes);
}

fn add_counts(sums: &mut Vec<u64>, counts: &[u64]) {
    sums.resize(sums.len().max(counts.len()), 0);
    sums.iter_mut().zip(counts).for_each(|(sum, count)| *sum = sum.saturating_add(*count));
}

fn row(node: usize, site: Site, live: Lives) -> Row {
    let tally = |tally: Tally| (tally.samples, tally.blocks, tally.bytes);
    let mut lifetimes = site.lifetimes;
    lifetimes.truncate(LIFETIMES_MAX);
    let tallies = [site.live, site.peak, site.total, site.pinned].map(tally);
    (node, tallies[0], tallies[1], tallies[2], site.freed_elsewhere, lifetimes, live.ages, live.threads, tallies[3])
}

/// Milliseconds since the first dump; by the clock of the files, if a dump does not say.
fn times(dumps: &[&Profile]) -> Vec<u64> {
    let has_clock = dumps.iter().all(|dump| dump.milliseconds > 0);
    let modified = |dump: &Profile| dump.modified?.duration_since(SystemTime::UNIX_EPOCH).ok();
    let moment = |dump: &Profile| match has_clock {
        true => dump.milliseconds,
        false => modified(dump).map_or(0, |since| since.as_millis().try_into().unwrap_or(u64::MAX)),
    };
    let first = dumps.first().map_or(0, |dump| moment(dump));
    dumps.iter().map(|dump| moment(dump).saturating_sub(first)).collect()
}

/// What makes a report of several dumps misleading.
fn warnings(dumps: &[&Profile]) -> Vec<String> {
    let mut warnings = Vec::new();
    let programs: Vec<Option<&Path>> = dumps.iter().map(|dump| dump.program()).collect();
    if programs.windows(2).any(|pair| pair[0] != pair[1]) {
        warnings.push(String::from("The dumps are of different programs: figures over time compare what is not the same."));
    }
    // What was allocated in all never gets less in one process.
    if dumps.windows(2).any(|pair| pair[1].sum(By::Total).samples < pair[0].sum(By::Total).samples) {
        warnings
            .push(String::from("The dumps are of several processes, or of several runs: figures over time jump between them."));
    }
    if dumps.iter().any(|dump| !dump.has_details) {
        warnings
            .push(String::from("A dump of another allocator has no peaks, lifetimes or statistics: its peak is what was live."));
    }
    warnings
}
