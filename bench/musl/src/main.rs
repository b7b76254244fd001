//! Work as programs do it that are shipped as one static file: text in maps, parsed and put
//! together again, in one thread or several, and messages that another thread frees.
//! `tinyalloc-musl WORKLOAD`.

use std::collections::{BTreeMap, HashMap};
use std::env::args;
use std::sync::mpsc::sync_channel;
use std::thread::scope;

#[cfg(feature = "mimalloc")]
#[global_allocator]
static GLOBAL: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[cfg(feature = "tinyalloc")]
#[global_allocator]
static GLOBAL: tinyalloc::TinyAlloc = tinyalloc::TinyAlloc;

const THREADS: usize = 4;
const ROUNDS: usize = 8;
const ENTRIES: usize = 40_000;
const MESSAGES: usize = 400_000;

/// Marsaglia, "Xorshift RNGs", 2003.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % limit as u64) as usize
    }

    fn word(&mut self) -> String {
        (0..4 + self.below(28)).map(|_| char::from(b'a' + self.below(26) as u8)).collect()
    }
}

/// Builds maps of text, changes half of each, and puts them together; the bytes that came out.
fn text(seed: u64) -> usize {
    let mut random = Random(seed);
    (0..ROUNDS)
        .map(|_| {
            let mut count: HashMap<String, Vec<u32>> = HashMap::new();
            for entry in 0..ENTRIES {
                count.entry(random.word()).or_default().extend([entry as u32; 3]);
            }
            count.retain(|word, _| word.len() % 2 == 0);
            (0..ENTRIES / 4).for_each(|_| _ = count.insert(random.word(), vec![1]));
            let sorted: BTreeMap<&str, String> = count.iter().map(|(word, at)| (word.as_str(), format!("{at:?}"))).collect();
            sorted.iter().map(|(word, at)| format!("{word}: {at}")).collect::<Vec<_>>().join("\n").len()
        })
        .sum()
}

/// Four threads do it at once, each with maps of its own.
fn threads() -> usize {
    scope(|scope| {
        let running: Vec<_> = (0..THREADS).map(|thread| scope.spawn(move || text(thread as u64 + 1))).collect();
        running.into_iter().map(|thread| thread.join().expect("no panic")).sum()
    })
}

/// Messages of mixed sizes are made by one thread and dropped by another.
fn messages() -> usize {
    let (sender, receiver) = sync_channel::<Vec<u8>>(1000);
    scope(|scope| {
        scope.spawn(move || {
            let mut random = Random(7);
            (0..MESSAGES).for_each(|_| sender.send(vec![1; 16 + random.below(2000)]).expect("a thread listens"));
        });
        receiver.iter().map(|message| message.len()).sum()
    })
}

fn main() {
    let done = match args().nth(1).as_deref() {
        Some("start") => 0,
        Some("text") => text(1),
        Some("threads") => threads(),
        Some("messages") => messages(),
        _ => panic!("which workload?"),
    };
    println!("{done}");
}
