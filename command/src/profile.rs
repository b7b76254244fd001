//! A heap profile, as libtinyalloc.so writes it, and as other allocators do that write heap_v2.

use std::collections::HashMap;
use std::fs::{File, metadata};
use std::io::{Read, Result as IoResult};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use serde::Deserialize;
use serde_json::{Value, from_str};

use crate::failure::{Failure, quoted};
use crate::mapping::Mapping;
use crate::pinned::add_pinned;

const HEADER: &str = "heap profile:";
/// Of jemalloc's own form.
const JEMALLOC_HEADER: &str = "heap_v2/";
const BEGINNINGS: [&str; 2] = [HEADER, JEMALLOC_HEADER];
/// The samples of all threads, in that form.
const ALL_THREADS: &str = "t*:";
const MAPPINGS: &str = "MAPPED_LIBRARIES:";
const DETAILS: &str = "TINYALLOC:";
/// What comments begin with.
const COMMENT: char = '#';
/// The comment that promises details.
const MARK: &str = "# tinyalloc";
/// Of the lines of JSON.
const VERSION: u64 = 1;

/// A dump that was read.
#[derive(Clone, Debug, Default)]
pub struct Profile {
    /// The file.
    pub path: PathBuf,
    /// When the file was last written to.
    pub modified: Option<SystemTime>,
    /// A sample is taken of about so many bytes; 0 if every block was recorded.
    pub interval: u64,
    /// When the dump was written, by a clock that only goes forward; 0 if the dump does not say.
    pub milliseconds: u64,
    /// Live bytes, estimated.
    pub live_bytes: u64,
    /// The most that they were; the live bytes, if the dump does not say.
    pub peak_bytes: u64,
    /// Samples that there was no room for, or that a signal handler could not take.
    pub lost_samples: u64,
    /// Frees of sampled blocks that went unnoticed.
    pub lost_frees: u64,
    /// The library's statistics: `version`, `name`, `stats`, `bins`; null if the dump has none.
    pub stats: Value,
    /// Call sites, in the order of the dump.
    pub sites: Vec<Site>,
    /// The sampled blocks that live, if the dump has them.
    pub blocks: Vec<Block>,
    /// The isolated heaps that have, or had, a sampled block.
    pub heaps: Vec<Heap>,
    /// Whose the resident memory of the process is, if the dump says so.
    pub resident: Option<Resident>,
    /// The mappings of the process, by address.
    pub mappings: Vec<Mapping>,
    /// Whether the dump says more than heap_v2: peaks, lifetimes, frees by other threads.
    pub has_details: bool,
}

/// Blocks and bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct Tally {
    /// Sampled blocks.
    pub samples: u64,
    /// All blocks, estimated.
    pub blocks: u64,
    /// All bytes, estimated.
    pub bytes: u64,
}

/// What was allocated by one chain of calls.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct Site {
    /// Return addresses, the innermost first.
    pub callers: Vec<u64>,
    /// What lives.
    pub live: Tally,
    /// What lived when most did.
    pub peak: Tally,
    /// All there was.
    pub total: Tally,
    /// Sampled blocks that another thread freed than the one that allocated them.
    pub freed_elsewhere: u64,
    /// Sampled blocks that were freed, by how long they lived: less than 2^n milliseconds, and as
    /// long at least as the entry before says.
    pub lifetimes: Vec<u64>,
    /// The live blocks that keep free memory from going back to the system, and how much they keep:
    /// not their own bytes.
    #[serde(skip)]
    pub pinned: Tally,
}

/// A sampled block that lives. What older libraries do not say is 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct Block {
    /// Which of [`Profile::sites`] it belongs to.
    pub site: usize,
    /// Its bytes.
    pub bytes: u64,
    /// When it was allocated, by the clock of [`Profile::milliseconds`].
    pub milliseconds: u64,
    /// The thread that allocated it, by a number that is the same for all of its blocks.
    pub thread: u64,
    /// The bytes of all blocks that it represents, estimated.
    #[serde(default)]
    pub represents: u64,
    /// The bytes that were asked for.
    #[serde(default)]
    pub requested: u64,
    /// The alignment that was asked for.
    #[serde(default)]
    pub alignment: u64,
    /// The isolated heap that it is of, by its number; 0 for the global heap.
    #[serde(default)]
    pub heap: u64,
    /// The free memory that goes back to the system once it is freed, with others of its span: a
    /// share for each of them.
    #[serde(default)]
    pub pins: u64,
}

/// An isolated heap.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct Heap {
    /// The number that no other heap has.
    pub number: u64,
    /// What it is called; empty for no name.
    pub name: String,
    /// The most bytes that it may take; the largest number for no limit.
    pub limit: u64,
    /// The bytes that it takes.
    pub charged: u64,
}

/// Bytes in physical memory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct Resident {
    /// The allocator's: blocks, what is free, records, the profile.
    pub own: u64,
    /// Of files that are mapped: programs and libraries.
    pub files: u64,
    /// The rest: stacks, and what the program mapped itself.
    pub other: u64,
}

impl Block {
    /// The part of the bytes that it represents that was not asked for: requests are rounded up.
    pub(crate) fn rounding(&self) -> f64 {
        self.represents as f64 * (self.bytes.saturating_sub(self.requested)) as f64 / self.bytes.max(1) as f64
    }
}

impl Site {
    /// Sampled blocks that were freed.
    #[must_use]
    pub fn freed(&self) -> u64 {
        self.lifetimes.iter().fold(0, |sum, count| sum.saturating_add(*count))
    }
}

/// The first line of JSON.
#[derive(Deserialize)]
struct Summary {
    version: u64,
    interval: u64,
    milliseconds: u64,
    live_bytes: u64,
    peak_bytes: u64,
    lost_samples: u64,
    lost_frees: u64,
}

/// A file that was mapped.
#[derive(Deserialize)]
struct Module {
    /// The address of its beginning.
    start: u64,
    build_id: String,
}

/// A line of JSON, which has one of these. What a newer library says beyond them is passed over.
#[derive(Deserialize)]
struct Detail {
    profile: Option<Summary>,
    site: Option<Site>,
    block: Option<Block>,
    heap: Option<Heap>,
    resident: Option<Resident>,
    module: Option<Module>,
    tinyalloc: Option<Value>,
}

impl Profile {
    /// Reads a dump.
    ///
    /// # Errors
    /// If the file cannot be read, is no heap profile, or is cut off.
    pub fn read(path: &Path) -> Result<Profile, Failure> {
        let bytes = bytes_of(path).map_err(|error| Failure::of_system(path, &error))?;
        let modified = metadata(path).and_then(|metadata| metadata.modified()).ok();
        let parsed = Profile::parse(&bytes).map_err(|text| Failure::of(path, text))?;
        Ok(Profile { path: path.to_owned(), modified, ..parsed })
    }

    /// Reads a dump that is in memory.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(bytes: &[u8]) -> Result<Profile, String> {
        if bytes.is_empty() {
            return Err(String::from("is empty, not a heap profile"));
        }
        // Paths of mappings need not be UTF-8.
        let text = String::from_utf8_lossy(bytes);
        if !BEGINNINGS.iter().any(|beginning| text.starts_with(beginning)) {
            return Err(format!("is not a heap profile: it does not begin with \"{HEADER}\""));
        }
        if !text.ends_with('\n') {
            return Err(String::from("is cut off: its last line has no end"));
        }
        let mut lines = text.lines();
        let first = lines.next().unwrap_or_default();
        let header = match first.strip_prefix(JEMALLOC_HEADER) {
            Some(interval) => Header::of_jemalloc(interval, lines.next().unwrap_or_default()),
            None => Header::parse(first),
        };
        let header = header.ok_or_else(|| format!("has a first line that is none of heap_v2: {}", quoted(first)))?;
        Sections::of(&text)?.read(&header)
    }

    fn take(&mut self, summary: &Summary) -> Result<(), String> {
        if summary.version != VERSION {
            return Err(format!("is of version {}, and this command knows version {VERSION}", summary.version));
        }
        self.interval = summary.interval;
        self.milliseconds = summary.milliseconds;
        self.live_bytes = summary.live_bytes;
        self.peak_bytes = summary.peak_bytes;
        self.lost_samples = summary.lost_samples;
        self.lost_frees = summary.lost_frees;
        Ok(())
    }

    /// All mappings of a file are of the build that begins where the file does.
    fn name_builds(&mut self, builds: &HashMap<u64, String>) {
        for place in 0..self.mappings.len() {
            let mapping = &self.mappings[place];
            let build = mapping.file().and_then(|_| builds.get(&self.base(mapping))).cloned();
            self.mappings[place].build_id = build;
        }
    }

    /// The sum over all sites.
    #[must_use]
    pub fn sum(&self, by: By) -> Tally {
        self.sites.iter().fold(Tally::default(), |sum, site| sum.plus(by.of(site)))
    }

    /// Refuses what the dump does not say.
    ///
    /// # Errors
    /// For [`By::Peak`], if it has no peaks; for [`By::Pinned`], if no block says what it pins.
    pub fn check(&self, by: By) -> Result<(), Failure> {
        match by {
            By::Peak if !self.has_details => {
                Err(Failure::of(&self.path, "does not say what the peak was: it is not from tinyalloc"))
            }
            By::Pinned if !self.has_pins() => {
                let text = "does not say who keeps memory: it is of an older libtinyalloc.so, or not from tinyalloc";
                Err(Failure::of(&self.path, text))
            }
            _ => Ok(()),
        }
    }

    /// Whether blocks say what they represent, of which heap they are and what they pin: libraries
    /// that write this say whose the resident memory is as well.
    #[must_use]
    pub fn has_pins(&self) -> bool {
        self.resident.is_some()
    }

    /// The mapping that an address is in.
    #[must_use]
    pub fn mapping(&self, address: u64) -> Option<&Mapping> {
        let after = self.mappings.partition_point(|mapping| mapping.start <= address);
        self.mappings[..after].last().filter(|mapping| address < mapping.end)
    }

    /// Where the file of a mapping begins in memory, if all of it were mapped.
    #[must_use]
    pub fn base(&self, mapping: &Mapping) -> u64 {
        let same = self.mappings.iter().rev().filter(|each| each.path == mapping.path && each.start <= mapping.start);
        let first = same.into_iter().find(|each| each.offset == 0);
        first.map_or_else(|| mapping.start.saturating_sub(mapping.offset), |first| first.start)
    }

    /// The program: the file that was mapped first.
    #[must_use]
    pub fn program(&self) -> Option<&Path> {
        self.mappings.iter().find_map(|mapping| mapping.file())
    }
}

impl Tally {
    /// The sum of two.
    #[must_use]
    pub fn plus(self, other: Tally) -> Tally {
        Tally {
            samples: self.samples.saturating_add(other.samples),
            blocks: self.blocks.saturating_add(other.blocks),
            bytes: self.bytes.saturating_add(other.bytes),
        }
    }
}

/// The file; of one that is no heap profile no more than shows that, however long it is.
fn bytes_of(path: &Path) -> IoResult<Vec<u8>> {
    let mut file = File::open(path)?;
    let mut bytes = Vec::new();
    file.by_ref().take(HEADER.len() as u64).read_to_end(&mut bytes)?;
    if BEGINNINGS.iter().any(|beginning| bytes.starts_with(beginning.as_bytes())) {
        file.read_to_end(&mut bytes)?;
    }
    Ok(bytes)
}

/// Which blocks count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum By {
    /// Those that live.
    #[default]
    Live,
    /// Those that lived when most did.
    Peak,
    /// All that ever were.
    Total,
    /// Those that live and keep free memory from going back. Their bytes are those that they keep.
    Pinned,
}

impl By {
    /// The tally of a site.
    #[must_use]
    pub fn of(self, site: &Site) -> Tally {
        match self {
            By::Live => site.live,
            By::Peak => site.peak,
            By::Total => site.total,
            By::Pinned => site.pinned,
        }
    }

    /// The word for it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            By::Live => "live",
            By::Peak => "peak",
            By::Total => "total",
            By::Pinned => "pinned",
        }
    }
}

/// The parts of a dump.
struct Sections<'text> {
    samples: Vec<&'text str>,
    mappings: Vec<&'text str>,
    details: Option<Vec<&'text str>>,
}

impl<'text> Sections<'text> {
    fn of(text: &'text str) -> Result<Sections<'text>, String> {
        let mut lines = text.lines().skip(1).map(str::trim).filter(|line| !line.is_empty());
        let samples: Vec<&str> = lines.by_ref().take_while(|line| *line != MAPPINGS).collect();
        let is_marked = samples.contains(&MARK);
        let mut mappings = Vec::new();
        let mut has_details = false;
        for line in lines.by_ref() {
            if line == DETAILS {
                has_details = true;
                break;
            }
            mappings.push(line);
        }
        match (mappings.is_empty(), has_details) {
            (true, true) => return Err(String::from("has no mappings, which tell what its addresses are: was there no /proc?")),
            (true, false) => return Err(format!("is cut off: there is nothing behind \"{MAPPINGS}\"")),
            (false, false) if is_marked => return Err(format!("is cut off: there is no \"{DETAILS}\"")),
            _ => {}
        }
        let samples = samples.into_iter().filter(|line| !line.starts_with(COMMENT)).collect();
        Ok(Sections { samples, mappings, details: has_details.then(|| lines.collect()) })
    }

    fn read(&self, header: &Header) -> Result<Profile, String> {
        let samples = self.samples(header)?;
        header.compare(&samples)?;
        let mut mappings = self.mappings.iter().map(|line| mapping(line)).collect::<Result<Vec<_>, _>>()?;
        mappings.sort_by_key(|mapping| mapping.start);
        let profile = Profile { interval: header.interval, mappings, ..Profile::default() };
        match &self.details {
            Some(details) => with_details(profile, details),
            None => Ok(estimated(profile, &samples)),
        }
    }

    fn samples(&self, header: &Header) -> Result<Vec<Sample>, String> {
        let no_sample = |line: &str| format!("has a line that is no sample: {}", quoted(line));
        if !header.is_jemalloc {
            return self.samples.iter().map(|line| Sample::parse(line).ok_or_else(|| no_sample(line))).collect();
        }
        let (mut samples, mut callers) = (Vec::new(), None);
        for line in &self.samples {
            if let Some(found) = line.strip_prefix('@') {
                callers = Some(addresses(found).ok_or_else(|| no_sample(line))?);
            } else if line.starts_with(ALL_THREADS) {
                let Counts { live, total } = Counts::of_jemalloc(line).ok_or_else(|| no_sample(line))?;
                // Without callers it is the sum, which the header has.
                samples.extend(callers.take().map(|callers| Sample { live, total, callers }));
            } else if !is_of_a_thread(line) {
                return Err(no_sample(line));
            }
        }
        if callers.is_none() { Ok(samples) } else { Err(String::from("is cut off: its last site has no samples")) }
    }
}

fn mapping(line: &str) -> Result<Mapping, String> {
    Mapping::parse(line).ok_or_else(|| format!("has a line that is no mapping: {}", quoted(line)))
}

fn with_details(mut profile: Profile, lines: &[&str]) -> Result<Profile, String> {
    let mut has_summary = false;
    let mut builds = HashMap::new();
    for line in lines {
        let detail: Detail = from_str(line).map_err(|error| format!("has a line of JSON that cannot be read: {error}"))?;
        if let Some(summary) = detail.profile {
            has_summary = true;
            profile.take(&summary)?;
        }
        profile.sites.extend(detail.site);
        profile.blocks.extend(detail.block);
        profile.heaps.extend(detail.heap);
        profile.resident = detail.resident.or(profile.resident);
        let module = detail.module.filter(|module| module.build_id.bytes().all(|digit| digit.is_ascii_hexdigit()));
        builds.extend(module.map(|module| (module.start, module.build_id)));
        profile.stats = detail.tinyalloc.unwrap_or(profile.stats);
    }
    // What counts them by site must not fail.
    let sites = profile.sites.len();
    profile.blocks.retain(|block| block.site < sites);
    profile.name_builds(&builds);
    profile.has_details = true;
    add_pinned(&mut profile);
    if has_summary && !profile.stats.is_null() {
        Ok(profile)
    } else {
        Err(String::from("is cut off: its statistics are not there"))
    }
}

/// The profile of an allocator that counts samples alone: of the rest an estimate is made.
fn estimated(mut profile: Profile, samples: &[Sample]) -> Profile {
    profile.sites = samples.iter().map(|sample| sample.site(profile.interval)).collect();
    profile.live_bytes = profile.sum(By::Live).bytes;
    profile.peak_bytes = profile.live_bytes;
    profile
}

/// Samples, and their bytes.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
struct Counted {
    samples: u64,
    bytes: u64,
}

impl Counted {
    /// What the samples stand for, as pprof estimates it: a block of average size is sampled with
    /// the probability 1 - exp(-size / interval).
    fn estimate(self, interval: u64) -> Tally {
        let Counted { samples, bytes } = self;
        if samples == 0 || interval <= 1 {
            return Tally { samples, blocks: samples, bytes };
        }
        let average = bytes as f64 / samples as f64;
        let scale = 1.0 / (1.0 - (-average / interval as f64).exp());
        let scale = if scale.is_finite() { scale } else { 1.0 };
        Tally { samples, blocks: rounded(samples as f64 * scale), bytes: rounded(bytes as f64 * scale) }
    }

    fn plus(self, other: Counted) -> Counted {
        Counted { samples: self.samples.saturating_add(other.samples), bytes: self.bytes.saturating_add(other.bytes) }
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the cast saturates")]
pub(crate) fn rounded(number: f64) -> u64 {
    number.round() as u64
}

/// `live: bytes [total: bytes]`.
struct Counts {
    live: Counted,
    total: Counted,
}

impl Counts {
    fn parse(text: &str) -> Option<Counts> {
        let (live, total) = text.split_once('[')?;
        let total = total.trim_end().strip_suffix(']')?;
        Some(Counts { live: counted(live)?, total: counted(total)? })
    }

    fn of_jemalloc(line: &str) -> Option<Counts> {
        Counts::parse(line.trim().strip_prefix(ALL_THREADS)?)
    }
}

/// jemalloc counts by thread as well: `t3: live: bytes [total: bytes]`.
fn is_of_a_thread(line: &str) -> bool {
    line.strip_prefix('t').and_then(|rest| rest.split_once(':')).is_some_and(|(number, _)| number.parse::<u64>().is_ok())
}

/// `live: bytes [total: bytes] @ rest`.
struct Line<'text> {
    counts: Counts,
    rest: &'text str,
}

impl<'text> Line<'text> {
    fn parse(line: &'text str) -> Option<Line<'text>> {
        let (numbers, rest) = line.split_once('@')?;
        Some(Line { counts: Counts::parse(numbers)?, rest: rest.trim() })
    }
}

fn counted(text: &str) -> Option<Counted> {
    let (samples, bytes) = text.split_once(':')?;
    Some(Counted { samples: samples.trim().parse().ok()?, bytes: bytes.trim().parse().ok()? })
}

/// The first line.
struct Header {
    live: Counted,
    total: Counted,
    interval: u64,
    is_jemalloc: bool,
}

impl Header {
    fn parse(line: &str) -> Option<Header> {
        let Line { counts: Counts { live, total }, rest } = Line::parse(line.strip_prefix(HEADER)?)?;
        let interval = match rest.split_once('/') {
            Some(("heap_v2", interval)) => interval.parse().ok()?,
            // Every block was recorded.
            None if rest == "heapprofile" || rest == "heap_v2" => 0,
            _ => return None,
        };
        Some(Header { live, total, interval, is_jemalloc: false })
    }

    /// The first line has the interval, the second one the sum.
    fn of_jemalloc(interval: &str, sum: &str) -> Option<Header> {
        let Counts { live, total } = Counts::of_jemalloc(sum)?;
        Some(Header { live, total, interval: interval.parse().ok()?, is_jemalloc: true })
    }

    /// The sums are those of the lines, unless some of these are missing.
    fn compare(&self, samples: &[Sample]) -> Result<(), String> {
        let live = samples.iter().fold(Counted::default(), |sum, sample| sum.plus(sample.live));
        let total = samples.iter().fold(Counted::default(), |sum, sample| sum.plus(sample.total));
        // The program goes on while it is counted: the sums may differ a little.
        let is_short = |sum: Counted, all: Counted| sum.samples < all.samples.saturating_sub(1 + all.samples / 10);
        if is_short(live, self.live) || is_short(total, self.total) {
            return Err(String::from("is cut off: its sites have fewer samples than its first line says"));
        }
        Ok(())
    }
}

/// A line of a call site.
struct Sample {
    live: Counted,
    total: Counted,
    callers: Vec<u64>,
}

impl Sample {
    fn parse(line: &str) -> Option<Sample> {
        let Line { counts: Counts { live, total }, rest } = Line::parse(line)?;
        Some(Sample { live, total, callers: addresses(rest)? })
    }

    fn site(&self, interval: u64) -> Site {
        let live = self.live.estimate(interval);
        let total = self.total.estimate(interval);
        Site { callers: self.callers.clone(), live, peak: live, total, ..Site::default() }
    }
}

fn addresses(text: &str) -> Option<Vec<u64>> {
    text.split_whitespace().map(address).collect()
}

fn address(text: &str) -> Option<u64> {
    u64::from_str_radix(text.strip_prefix("0x").unwrap_or(text), 16).ok()
}
