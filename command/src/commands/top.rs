//! `tinyalloc top`.

use std::collections::HashMap;
use std::io::Error as IoError;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM};
use signal_hook::flag::{register, register_conditional_default};

use super::process::Process;
use super::request::{Answer, Requests, STEP};
use crate::failure::{Failure, system_text};
use crate::options::Top;
use crate::profile::{By, Profile};
use crate::screen::Screen;
use crate::sites::{SiteSum, sites};
use crate::size::{signed_size, size};
use crate::symbols::{Frame, Symbols};
use crate::text::{Table, notes, plain, say};

pub(super) fn top(options: &Top) -> Result<u8, Failure> {
    let requests = Requests::of(options.process)?;
    let is_interrupted = interruptions().map_err(|error| Failure::new(system_text(&error)))?;
    let mut watch = Watch::of(&requests, options)?;
    let mut screen = Screen::new(options.json);
    for refresh in 1.. {
        let next = Instant::now() + options.interval;
        let dump = match requests.ask(options.wait, &is_interrupted)? {
            Answer::Dump(dump) => dump,
            Answer::Ended if refresh == 1 => return Err(requests.process().failure("ended before it wrote a heap profile")),
            Answer::Ended => return Ok(ended(requests.process())),
            Answer::Interrupted => break,
        };
        let is_wanted = screen.show(&watch.refresh(dump.profile()));
        requests.remove(&dump)?;
        if !is_wanted? || options.refreshes() == Some(refresh) {
            break;
        }
        if !waited_until(next, requests.process(), &is_interrupted) {
            return Ok(ended(requests.process()));
        }
        if is_interrupted.load(Ordering::Relaxed) {
            break;
        }
    }
    Ok(0)
}

fn ended(process: &Process) -> u8 {
    say(&format!("tinyalloc: process {} has ended\n", process.number()));
    0
}

/// The first signal lets the command remove what it asked for; the second one ends it at once.
fn interruptions() -> Result<Arc<AtomicBool>, IoError> {
    let is_interrupted = Arc::new(AtomicBool::new(false));
    for signal in [SIGHUP, SIGINT, SIGQUIT, SIGTERM] {
        register_conditional_default(signal, Arc::clone(&is_interrupted))?;
        register(signal, Arc::clone(&is_interrupted))?;
    }
    Ok(is_interrupted)
}

/// False if the process ended meanwhile. An interruption ends the wait, too.
fn waited_until(moment: Instant, process: &Process, is_interrupted: &AtomicBool) -> bool {
    while !is_interrupted.load(Ordering::Relaxed) {
        if process.has_ended() {
            return false;
        }
        match moment.checked_duration_since(Instant::now()) {
            Some(left) if left > Duration::ZERO => sleep(left.min(STEP)),
            _ => break,
        }
    }
    true
}

/// What is kept from one refresh to the next.
struct Watch<'options> {
    options: &'options Top,
    process: &'options Process,
    symbols: Symbols,
    live_bytes: Option<u64>,
    /// By call site; nothing before the first refresh.
    bytes: Option<HashMap<Vec<Frame>, u64>>,
}

/// A call site, and how many bytes it has more than at the last refresh.
struct Row {
    sum: SiteSum,
    growth: Option<i64>,
}

impl<'options> Watch<'options> {
    fn of(requests: &'options Requests, options: &'options Top) -> Result<Watch<'options>, Failure> {
        let (process, symbols) = (requests.process(), options.debugging.symbols()?);
        let symbols = match process.root() {
            Some(root) if !options.debugging.has_root() => symbols.below(&root),
            _ => symbols,
        };
        Ok(Watch { options, process, symbols, live_bytes: None, bytes: None })
    }

    /// What there is to show of a new profile.
    fn refresh(&mut self, profile: &Profile) -> String {
        let by = By::from(self.options.by);
        let sums = sites(profile, &mut self.symbols, by, self.options.depth);
        let bytes = sums.iter().map(|sum| (sum.stack.clone(), sum.tally.bytes)).collect();
        self.symbols.clear_progress();
        let before = self.bytes.replace(bytes);
        let row = |sum: SiteSum| {
            let growth = before.as_ref().map(|before| difference(sum.tally.bytes, before.get(&sum.stack).copied().unwrap_or(0)));
            Row { sum, growth }
        };
        let rows: Vec<Row> = sums.into_iter().map(row).collect();
        let live_growth = self.live_bytes.replace(profile.live_bytes).map(|before| difference(profile.live_bytes, before));
        match self.options.json {
            true => format!("{}\n", self.as_json(profile, live_growth, &rows)),
            false => format!("{}{}{}", self.heading(profile, live_growth), self.table(&rows), notes(&self.symbols).concat()),
        }
    }

    fn heading(&self, profile: &Profile, live_growth: Option<i64>) -> String {
        let (number, name) = (self.process.number(), self.process.name());
        let resident = self.process.resident_bytes().map_or_else(String::new, |bytes| format!("{} resident, ", size(bytes)));
        let since = live_growth.map_or_else(String::new, |growth| format!(" ({} since the last refresh)", signed_size(growth)));
        let (live, peak) = (size(profile.live_bytes), size(profile.peak_bytes));
        let mut text = format!("process {number} ({}): {resident}{live} live{since}, {peak} at the peak\n", plain(&name));
        let samples = |by: By| profile.sum(by).samples;
        text += &format!("{} samples, {} of them live", samples(By::Total), samples(By::Live));
        text += &if profile.interval > 0 { format!(", one for {}\n", size(profile.interval)) } else { String::from("\n") };
        if profile.lost_samples > 0 {
            text += &format!("{} samples were lost: there is more than is listed\n", profile.lost_samples);
        }
        text
    }

    fn table(&self, rows: &[Row]) -> String {
        if rows.is_empty() {
            return String::from("no sampled blocks\n");
        }
        let mut table = Table::new(&[By::from(self.options.by).name(), "change", "blocks", "call site"]);
        for Row { sum, growth } in rows.iter().take(self.options.top) {
            table.add_site(vec![size(sum.tally.bytes), change(*growth), sum.tally.blocks.to_string()], &sum.stack);
        }
        let rest = rows.get(self.options.top..).unwrap_or_default();
        let bytes = rest.iter().fold(0_u64, |bytes, row| bytes.saturating_add(row.sum.tally.bytes));
        let rest = if rest.is_empty() { String::new() } else { format!("{} more with {}\n", rest.len(), size(bytes)) };
        format!("{}{rest}", table.text())
    }

    fn as_json(&self, profile: &Profile, live_growth: Option<i64>, rows: &[Row]) -> Value {
        let site = |Row { sum, growth }: &Row| {
            let first = sum.stack.first().cloned().unwrap_or_default();
            json!({
                "bytes": sum.tally.bytes,
                "growth": growth,
                "blocks": sum.tally.blocks,
                "samples": sum.tally.samples,
                "function": first.function,
                "file": first.file,
                "line": first.line,
                "module": first.module,
                "stack": sum.stack,
            })
        };
        json!({
            "process": self.process.number(),
            "name": self.process.name(),
            "by": By::from(self.options.by).name(),
            "interval": profile.interval,
            "milliseconds": profile.milliseconds,
            "resident_bytes": self.process.resident_bytes(),
            "live_bytes": profile.live_bytes,
            "live_growth": live_growth,
            "peak_bytes": profile.peak_bytes,
            "samples": profile.sum(By::Total).samples,
            "live_samples": profile.sum(By::Live).samples,
            "lost_samples": profile.lost_samples,
            "lost_frees": profile.lost_frees,
            "site_count": rows.len(),
            "sites": rows.iter().take(self.options.top).map(site).collect::<Vec<_>>(),
        })
    }
}

/// What did not change has nothing that draws the eye.
fn change(growth: Option<i64>) -> String {
    match growth {
        None => String::from("-"),
        Some(0) => String::new(),
        Some(growth) => signed_size(growth),
    }
}

fn difference(now: u64, before: u64) -> i64 {
    let bytes = |bytes: u64| i64::try_from(bytes).unwrap_or(i64::MAX);
    bytes(now).saturating_sub(bytes(before))
}
