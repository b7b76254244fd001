//! Dumps of a server that there is not: hundreds of call sites, deep stacks, and twelve dumps in
//! time. The same every time.

use std::collections::BTreeSet;
use std::path::PathBuf;

use serde_json::{Value, json};
use tinyalloc_command::mapping::Mapping;
use tinyalloc_command::profile::{Block, By, Heap, Profile, Resident, Site, Tally};
use tinyalloc_command::symbols::Frame;

const INTERVAL: u64 = 64 << 10;
const PERIOD_MILLISECONDS: u64 = 11_300;
const STARTED_MILLISECONDS: u64 = 86_400_000;
/// An address is the number of a function and a line.
const CODE: u64 = 0x5555_0000_0000;
const CODE_BYTES: u64 = 0x1000;
const MEBIBYTE: u64 = 1 << 20;
/// The numbers of the isolated heaps.
const HEAPS: [u64; 2] = [3, 5];

/// Functions by layers: a call goes down by one or stays.
const LAYERS: [&[(&str, &str, &str)]; 8] = [
    &[("_start", "", "orderd")],
    &[("__libc_start_main", "", "libc.so.6")],
    &[("main", "src/main.rs", "orderd")],
    &[
        ("orderd::server::accept_loop", "src/server.rs", "orderd"),
        ("orderd::jobs::run_nightly", "src/jobs.rs", "orderd"),
        ("orderd::config::Config::load", "src/config.rs", "orderd"),
    ],
    &[
        ("orderd::http::Connection<TcpStream>::serve", "src/http/connection.rs", "orderd"),
        ("<orderd::http::Router as tower::Service<Request<Body>>>::call", "src/http/router.rs", "orderd"),
        ("orderd::http::middleware::Traced<S>::call::{{closure}}", "src/http/middleware.rs", "orderd"),
        ("orderd::auth::Session::verify", "src/auth.rs", "orderd"),
    ],
    &[
        ("orderd::orders::list", "src/orders.rs", "orderd"),
        ("orderd::orders::create", "src/orders.rs", "orderd"),
        ("orderd::cache::Cache<K,V>::insert", "src/cache.rs", "orderd"),
        ("orderd::search::Index::update", "src/search/index.rs", "orderd"),
        ("orderd::search::query::parse", "src/search/query.rs", "orderd"),
        ("orderd::render::Template::render", "src/render.rs", "orderd"),
        (
            "std::map<std::string, Price const&, std::less<void> >::operator[]",
            "/usr/include/c++/12/bits/stl_map.h",
            "libpricing.so.2",
        ),
        ("pricing::Table::operator<<(pricing::Row&&)", "pricing/table.cc", "libpricing.so.2"),
    ],
    &[
        ("serde_json::de::from_slice<orderd::orders::Order>", "serde_json/src/de.rs", "orderd"),
        ("orderd::search::Tokens::push", "src/search/tokens.rs", "orderd"),
        ("orderd::cache::Shard::grow", "src/cache.rs", "orderd"),
        ("sqlite3_step", "sqlite3.c", "libsqlite3.so.0"),
        ("sqlite3VdbeExec", "sqlite3.c", "libsqlite3.so.0"),
        ("pcache1Alloc", "sqlite3.c", "libsqlite3.so.0"),
        ("EVP_DigestInit_ex", "", "libcrypto.so.3"),
        ("inflateInit2_", "", "libz.so.1"),
        ("getaddrinfo", "", "libc.so.6"),
    ],
    &[
        ("alloc::vec::Vec<T,A>::push", "library/alloc/src/vec/mod.rs", "orderd"),
        ("alloc::raw_vec::RawVecInner<A>::grow_amortized", "library/alloc/src/raw_vec.rs", "orderd"),
        ("operator new", "", "libstdc++.so.6"),
        ("sqlite3_malloc", "sqlite3.c", "libsqlite3.so.0"),
        ("CRYPTO_malloc", "", "libcrypto.so.3"),
    ],
];

/// Numbers that look random: xorshift.
pub(crate) struct Numbers(u64);

impl Numbers {
    pub(crate) fn new(seed: u64) -> Numbers {
        Numbers(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// Below a bound.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % bound.max(1)
    }
}

/// What a call site does as time goes on.
#[derive(Clone, Copy)]
enum Habit {
    /// It allocates at the start, and keeps that.
    Start,
    /// It keeps all it ever allocates.
    Leak,
    /// It comes and goes with the load.
    Load,
    /// It frees at once.
    Brief,
}

/// A call site, and how much it allocates.
struct Plan {
    callers: Vec<u64>,
    habit: Habit,
    size: u64,
    rate: u64,
    elsewhere_percent: u64,
    lifetime: u64,
}

/// The frames of an address, as the symbols of the server would have them.
pub(crate) fn frames(_profile: &Profile, address: u64) -> Vec<Frame> {
    let number = usize::try_from((address - CODE) / CODE_BYTES).unwrap();
    let (function, file, module) = LAYERS.iter().flat_map(|layer| layer.iter()).nth(number).unwrap();
    let line = u32::try_from(address % CODE_BYTES).unwrap();
    let file = (!file.is_empty()).then(|| String::from(*file));
    vec![Frame { function: String::from(*function), line: file.is_some().then_some(line), file, module: String::from(*module) }]
}

/// Twelve dumps with up to so many sites, whose stacks are up to so deep.
pub(crate) fn dumps(sites: usize, depth: u64) -> Vec<Profile> {
    let plans = plans(sites, depth);
    let mut peak: Option<(u64, Vec<Tally>)> = None;
    (0..12)
        .map(|time| {
            let mut sites: Vec<Site> = plans.iter().map(|plan| plan.site(time)).collect();
            let live_bytes = sites.iter().map(|site| site.live.bytes).sum();
            if peak.as_ref().is_none_or(|(bytes, _)| live_bytes > *bytes) {
                peak = Some((live_bytes, sites.iter().map(|site| site.live).collect()));
            }
            let (peak_bytes, tallies) = peak.as_ref().unwrap();
            sites.iter_mut().zip(tallies).for_each(|(site, tally)| site.peak = *tally);
            sites.retain(|site| site.total.samples > 0);
            profile(time, sites, live_bytes, *peak_bytes)
        })
        .collect()
}

fn profile(time: u64, sites: Vec<Site>, live_bytes: u64, peak_bytes: u64) -> Profile {
    let milliseconds = STARTED_MILLISECONDS + time * PERIOD_MILLISECONDS + time * time * 97;
    let blocks = sites.iter().enumerate().flat_map(|(site, tallies)| blocks(site, tallies, milliseconds)).collect();
    let program = Mapping {
        start: CODE,
        end: CODE + (1 << 20),
        is_executable: true,
        path: String::from("/usr/sbin/orderd"),
        ..Mapping::default()
    };
    let stats = stats(live_bytes, time);
    // The profile is what the statistics do not count.
    let own = stats["stats"]["resident"].as_u64().unwrap() + MEBIBYTE;
    Profile {
        path: PathBuf::from(format!("orderd.4711.{time}.heap")),
        interval: INTERVAL,
        milliseconds,
        live_bytes,
        peak_bytes,
        lost_samples: if time == 11 { 3 } else { 0 },
        stats,
        resident: Some(Resident { own, files: 9 * MEBIBYTE, other: 4 * MEBIBYTE }),
        heaps: heaps(),
        sites,
        blocks,
        mappings: vec![program],
        has_details: true,
        ..Profile::default()
    }
}

/// The live blocks of a site: some are as old as the process, some are new.
fn blocks(site: usize, tallies: &Site, now: u64) -> Vec<Block> {
    let mut numbers = Numbers::new(site as u64);
    let age = |numbers: &mut Numbers| numbers.below(now - STARTED_MILLISECONDS + 2) >> numbers.below(5);
    let requested = INTERVAL * tallies.live.samples / tallies.live.blocks.max(1);
    let bytes = sizes().find(|size| *size >= requested).unwrap_or(requested);
    let heap = HEAPS.get(site % 9).copied().unwrap_or(0);
    let block = |_| Block {
        site,
        bytes,
        requested,
        heap,
        milliseconds: now - age(&mut numbers),
        thread: 7000 + numbers.below(4),
        represents: INTERVAL,
        ..Block::default()
    };
    (0..tallies.live.samples).map(block).collect()
}

fn heaps() -> Vec<Heap> {
    let [cache, other] = HEAPS;
    let cache = Heap { number: cache, name: String::from("<b>cache</b>"), limit: 64 * MEBIBYTE, charged: 40 * MEBIBYTE };
    vec![Heap { number: other, limit: u64::MAX, charged: 9 * MEBIBYTE, ..Heap::default() }, cache]
}

/// The size classes.
fn sizes() -> impl Iterator<Item = u64> {
    let sizes = (1..=8).map(|size| size * 16).chain((3..11).flat_map(|power| (0..4).map(move |part| (4 + part) << (power + 2))));
    sizes.filter(|size| *size > 128 || size % 16 == 0).collect::<BTreeSet<u64>>().into_iter()
}

/// Sums that fit together as those of the library do.
fn stats(live_bytes: u64, time: u64) -> Value {
    let bins: Vec<(u64, u64, u64)> = sizes()
        .map(|size| {
            let mut numbers = Numbers::new(size * 31 + 7);
            let live = live_bytes / 34 * (20 + numbers.below(170)) / 100 / size;
            (size, live, live / (2 + numbers.below(12)) + numbers.below(40))
        })
        .collect();
    let sum = |part: fn(&(u64, u64, u64)) -> u64| bins.iter().map(part).sum::<u64>();
    let large = 3 << 20;
    let (live, free) = (sum(|(size, live, _)| size * live), sum(|(size, _, free)| size * free));
    let allocated = live + large;
    let active = allocated + free + (600 << 10) + time * 8192;
    let (metadata, resident_free) = (1_310_720, (2 << 20) + time * 65536);
    let rows: Vec<Value> = bins
        .iter()
        .map(|(size, live, free)| json!({"size": size, "spans": (live + free) * size / 65536 + 1, "live": live, "free": free}))
        .collect();
    json!({
        "version": "0.1.0",
        "name": "process",
        "stats": {
            "allocated": allocated, "active": active, "metadata": metadata, "resident_free": resident_free,
            "resident": active + metadata + resident_free + (512 << 10), "mapped": active + (4 << 20),
            "live_slots": sum(|(_, live, _)| *live), "free_slots": sum(|(_, _, free)| *free),
        },
        "bins": rows,
    })
}

fn plans(sites: usize, depth: u64) -> Vec<Plan> {
    let mut numbers = Numbers::new(42);
    let mut stacks = BTreeSet::new();
    let mut plans: Vec<Plan> = Vec::new();
    // A walk may end where one before did: then there is one site less.
    for _ in 0..sites {
        let callers = walk(&mut numbers, depth);
        if stacks.insert(callers.clone()) {
            plans.push(plan(callers, &mut numbers));
        }
    }
    plans
}

/// Down through the layers, the innermost call first.
fn walk(numbers: &mut Numbers, depth: u64) -> Vec<u64> {
    let mut callers = Vec::new();
    let mut first = 0;
    for (layer, functions) in LAYERS.iter().enumerate() {
        let repeats = if (4..7).contains(&layer) { 1 + numbers.below(1 + depth / 6) } else { 1 };
        for _ in 0..repeats {
            // Some functions are called more often than others.
            let count = functions.len() as u64;
            let function = numbers.below(count).min(numbers.below(count));
            callers.push(CODE + (first + function) * CODE_BYTES + 20 + 37 * numbers.below(3));
        }
        first += functions.len() as u64;
    }
    callers.reverse();
    callers
}

fn plan(callers: Vec<u64>, numbers: &mut Numbers) -> Plan {
    // What a line of code does is the same in all stacks.
    let mut line = Numbers::new(callers.get(1).copied().unwrap_or_default());
    let habit = match line.below(20) {
        0..4 => Habit::Start,
        4..6 => Habit::Leak,
        6..14 => Habit::Load,
        _ => Habit::Brief,
    };
    // Few sites have most of the bytes.
    let rate = 1 + numbers.below(100) * numbers.below(100) * numbers.below(100) / 20_000;
    let size = 16 << line.below(9);
    let elsewhere_percent = if line.below(4) == 0 { line.below(100) } else { line.below(3) };
    Plan { callers, habit, size: size + line.below(size), rate, elsewhere_percent, lifetime: line.below(14) }
}

impl Plan {
    fn site(&self, time: u64) -> Site {
        let (live, total) = self.samples(time);
        let freed = total - live;
        let lifetimes = lifetimes(freed, self.lifetime);
        let tally = |samples: u64| Tally { samples, blocks: samples * INTERVAL / self.size, bytes: samples * INTERVAL };
        Site {
            callers: self.callers.clone(),
            live: tally(live),
            peak: Tally::default(),
            total: tally(total),
            pinned: self.pinned(tally(live)),
            freed_elsewhere: freed * self.elsewhere_percent / 100,
            lifetimes,
        }
    }

    /// What was allocated at the start keeps half as much, and what comes and goes keeps less.
    fn pinned(&self, live: Tally) -> Tally {
        match self.habit {
            Habit::Start => Tally { bytes: live.bytes / 2, ..live },
            Habit::Load => Tally { bytes: live.bytes / 8, ..live },
            Habit::Leak | Habit::Brief => Tally::default(),
        }
    }

    /// Live ones, and all.
    fn samples(&self, time: u64) -> (u64, u64) {
        const LOAD: [u64; 12] = [10, 35, 55, 70, 95, 140, 180, 150, 90, 70, 75, 80];
        let so_far: u64 = LOAD.iter().take(usize::try_from(time + 1).unwrap()).sum();
        match self.habit {
            Habit::Start => (self.rate * 2, self.rate * 2),
            Habit::Leak => (self.rate * so_far / 220, self.rate * so_far / 220),
            Habit::Load => {
                let live = self.rate * LOAD[usize::try_from(time).unwrap()] / 60;
                (live, live + self.rate * so_far / 80)
            }
            Habit::Brief => (self.rate / 9, self.rate / 9 + self.rate * so_far / 25),
        }
    }
}

/// Most in the middle, fewer around it; together as many as were freed.
fn lifetimes(freed: u64, middle: u64) -> Vec<u64> {
    const PARTS: [u64; 5] = [4, 14, 50, 22, 10];
    let mut lifetimes: Vec<u64> = vec![0; usize::try_from(middle).unwrap()];
    lifetimes.extend(PARTS.map(|part| freed * part / 100));
    let rest = freed - lifetimes.iter().sum::<u64>();
    if let Some(most) = lifetimes.get_mut(usize::try_from(middle + 2).unwrap()) {
        *most += rest;
    }
    lifetimes
}

/// All tallies of a dump, as the report has to have them.
pub(crate) fn sums(profile: &Profile) -> [Tally; 4] {
    [By::Live, By::Peak, By::Total, By::Pinned].map(|by| profile.sum(by))
}
