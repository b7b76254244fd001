//! The JSON of valgrind's DHAT, version 2, which its dh_view.html opens.
//!
//! DHAT follows every block, and a heap profile follows some: lifetimes are estimates, and where
//! DHAT has the most that a site held at any time, this has the most of what is known of it.

use std::collections::HashMap;

use serde::Serialize;
use serde_json::to_string;

use crate::profile::{Profile, Site};
use crate::symbols::{Frame, Symbols};

const VERSION: u32 = 2;
/// The viewer's first frame.
const ROOT: &str = "[root]";
/// Blocks that live less are short-lived, for the viewer.
const SHORT_MICROSECONDS: u64 = 500;

/// The names are DHAT's.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct File {
    dhat_file_version: u32,
    mode: &'static str,
    verb: &'static str,
    bklt: bool,
    bkacc: bool,
    tu: &'static str,
    #[serde(rename = "Mtu")]
    mtu: &'static str,
    tuth: u64,
    cmd: String,
    pid: u64,
    tg: u64,
    te: u64,
    pps: Vec<Point>,
    ftbl: Vec<String>,
}

/// A program point: a chain of calls. Bytes and blocks in total, lifetimes, bytes and blocks at the
/// most, at the peak of the heap, and at the end.
#[derive(Default, Serialize)]
struct Point {
    tb: u64,
    tbk: u64,
    tl: u64,
    mb: u64,
    mbk: u64,
    gb: u64,
    gbk: u64,
    eb: u64,
    ebk: u64,
    fs: Vec<usize>,
}

/// The frames so far, and their numbers.
struct Frames {
    numbers: HashMap<String, usize>,
    table: Vec<String>,
}

/// The file.
pub fn file(profile: &Profile, symbols: &mut Symbols) -> String {
    let mut frames = Frames { numbers: HashMap::new(), table: vec![String::from(ROOT)] };
    let mut points: Vec<Point> = Vec::new();
    // The viewer wants each chain once.
    let mut places: HashMap<Vec<usize>, usize> = HashMap::new();
    for site in &profile.sites {
        let chain = chain(profile, symbols, site, &mut frames);
        let place = *places.entry(chain.clone()).or_insert(points.len());
        if place == points.len() {
            points.push(Point { fs: chain, ..Point::default() });
        }
        points[place].add(site);
    }
    let microseconds = profile.milliseconds.max(1).saturating_mul(1000);
    let file = File {
        dhat_file_version: VERSION,
        mode: "heap",
        verb: "Allocated",
        bklt: true,
        bkacc: false,
        tu: "µs",
        mtu: "s",
        tuth: SHORT_MICROSECONDS,
        cmd: profile.program().map_or_else(|| String::from("?"), |path| path.display().to_string()),
        pid: process(profile),
        // When the peak was is not known: at the end, as far as this file says.
        tg: microseconds,
        te: microseconds,
        pps: points,
        ftbl: frames.table,
    };
    // Strings and numbers always have a form in JSON.
    to_string(&file).unwrap_or_default() + "\n"
}

fn chain(profile: &Profile, symbols: &mut Symbols, site: &Site, frames: &mut Frames) -> Vec<usize> {
    let mut chain = Vec::new();
    for address in &site.callers {
        for frame in symbols.frames(profile, *address) {
            chain.push(frames.number(text(*address, &frame)));
        }
    }
    if chain.is_empty() {
        chain.push(frames.number(String::from("[no callers]")));
    }
    chain
}

/// As valgrind writes it: `0x4B2A2: parse (parse.c:12)`.
fn text(address: u64, frame: &Frame) -> String {
    let place = match (&frame.file, frame.line) {
        (Some(file), Some(line)) => format!("{}:{line}", file.rsplit('/').next().unwrap_or(file)),
        _ => format!("in {}", frame.module),
    };
    format!("0x{address:X}: {} ({place})", frame.function)
}

/// The number of the process, if the file has its usual name: `NAME.PID.N.heap`, or `PID.N.heap`.
fn process(profile: &Profile) -> u64 {
    let name = profile.path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    name.split('.').find_map(|part| part.parse().ok()).unwrap_or(0)
}

impl Frames {
    fn number(&mut self, text: String) -> usize {
        let next = self.table.len();
        let number = *self.numbers.entry(text.clone()).or_insert(next);
        if number == next {
            self.table.push(text);
        }
        number
    }
}

impl Point {
    fn add(&mut self, site: &Site) {
        let Site { live, peak, total, .. } = site;
        for (sum, part) in [
            (&mut self.tb, total.bytes),
            (&mut self.tbk, total.blocks),
            (&mut self.tl, lifetimes(site)),
            (&mut self.mb, peak.bytes.max(live.bytes)),
            (&mut self.mbk, peak.blocks.max(live.blocks)),
            (&mut self.gb, peak.bytes),
            (&mut self.gbk, peak.blocks),
            (&mut self.eb, live.bytes),
            (&mut self.ebk, live.blocks),
        ] {
            *sum = sum.saturating_add(part);
        }
    }
}

/// The microseconds that all blocks of the site lived, together: the mean of the freed samples,
/// which are taken to be in the middle of their powers of two, for each block.
fn lifetimes(site: &Site) -> u64 {
    let freed = site.freed();
    if freed == 0 {
        return 0;
    }
    let middle = |power: usize| if power == 0 { 500.0 } else { 750.0 * 2_f64.powi(i32::try_from(power).unwrap_or(i32::MAX)) };
    let sum: f64 = site.lifetimes.iter().enumerate().map(|(power, count)| middle(power) * *count as f64).sum();
    let lifetime = sum / freed as f64 * site.total.blocks as f64;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the cast saturates")]
    let lifetime = lifetime as u64;
    lifetime
}
