//! What the user may write behind `tinyalloc`.

use std::ffi::OsString;
use std::fs::read_dir;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum, value_parser};
use regex::Regex;

use crate::failure::Failure;
use crate::profile::By;
use crate::size::parse_size;
use crate::symbols::{DEBUG_FOLDER, Symbols};

const EXAMPLES: &str = "\
Examples:
  tinyalloc run -- ./server --port 8080       profile a program, and sum it up when it ends
  tinyalloc sites server.1234.7.heap          where the live bytes were allocated
  tinyalloc diff before.heap after.heap       what grew
  tinyalloc convert --to pprof -o server.pb.gz server.1234.7.heap

A program without this command: TINYALLOC_OPTIONS=profile=on LD_PRELOAD=libtinyalloc.so PROGRAM";

/// Read, convert and compare heap profiles of tinyalloc, and take them.
#[derive(Debug, Parser)]
#[command(name = "tinyalloc", version, after_help = EXAMPLES, max_term_width = 100)]
pub struct Options {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The subcommands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// List the call sites with the most bytes
    Sites(Sites),
    /// Write a profile in the format of another tool
    Convert(Convert),
    /// List the call sites whose live bytes differ between two profiles, by growth
    Diff(Diff),
    /// List the call sites whose live bytes never shrink over several profiles, and grow
    Leaks(Leaks),
    /// Compare a profile with limits: exit with 1 if it exceeds them, with 2 if it cannot be read
    Check(Check),
    /// List the heaps of a profile side by side: the global one, and isolated ones
    Heaps(Heaps),
    /// Run a program with a heap profile, and sum it up
    Run(Run),
    /// Make a running program write a heap profile
    Dump(Dump),
    /// Show the memory and the call sites of a running program, refreshed every two seconds
    Top(Top),
    /// Write a page in HTML of profiles of one process: flame graph, call sites, growth
    Report(Report),
}

/// Which blocks count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Blocks {
    /// Those that live
    #[default]
    Live,
    /// Those that lived when most did
    Peak,
    /// All that ever were
    Total,
    /// Those that live and keep free memory from going back to the system; their bytes are those
    /// that they keep
    Pinned,
}

impl From<Blocks> for By {
    fn from(blocks: Blocks) -> By {
        match blocks {
            Blocks::Live => By::Live,
            Blocks::Peak => By::Peak,
            Blocks::Total => By::Total,
            Blocks::Pinned => By::Pinned,
        }
    }
}

/// A file format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For pprof: a compressed protocol buffer
    Pprof,
    /// For dh_view.html of valgrind: JSON
    Dhat,
    /// For flame graphs: a line for each chain of calls, and its bytes
    Collapsed,
}

/// Where the sources of functions are found.
#[derive(Args, Clone, Debug)]
pub struct Debugging {
    /// A folder of separate debug files, built like /usr/lib/debug, to look in first; may be
    /// repeated
    #[arg(long = "debug", value_name = "DIR")]
    folders: Vec<PathBuf>,
    /// The root folder of the program, if it had another: that of a container, or a copy of another
    /// machine's
    #[arg(long, value_name = "DIR")]
    root: Option<PathBuf>,
}

impl Debugging {
    /// Looks in the folders that the user names, and then where debug files usually are.
    ///
    /// # Errors
    /// If one that the user names is none.
    pub fn symbols(&self) -> Result<Symbols, Failure> {
        for folder in self.folders.iter().chain(&self.root) {
            read_dir(folder).map_err(|error| Failure::of_system(folder, &error))?;
        }
        let symbols = Symbols::with_debug_folders(self.folders.iter().cloned().chain([PathBuf::from(DEBUG_FOLDER)]).collect());
        Ok(match &self.root {
            Some(root) => symbols.below(root),
            None => symbols,
        })
    }

    /// Whether the user says where the files of the program are.
    #[must_use]
    pub fn has_root(&self) -> bool {
        self.root.is_some()
    }
}

/// `tinyalloc sites`.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  tinyalloc sites app.1234.0.heap
  tinyalloc sites --by peak --top 5 --depth 4 app.1234.0.heap
  tinyalloc sites --by pinned app.1234.0.heap               whose blocks keep half-empty pages
  tinyalloc sites --json app.1234.0.heap | jq '.sites[0].function'

The call site is the first call that is no allocator, and none of the standard library's.
\"elsewhere\" is the share of the freed blocks that another thread freed.
With --by pinned, bytes are free memory that only goes back to the system once blocks of the site
are freed, and \"live\" is what its blocks take themselves.")]
pub struct Sites {
    /// The heap profile
    #[arg(value_name = "DUMP")]
    pub dump: PathBuf,
    /// Which blocks count
    #[arg(long, value_enum, default_value_t)]
    pub by: Blocks,
    /// How many call sites to list
    #[arg(long, value_name = "N", default_value_t = 20)]
    pub top: usize,
    /// How many calls to show of each: the call site, and its callers. Sites that differ in them
    /// are listed apart
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub depth: usize,
    /// Write JSON
    #[arg(long)]
    pub json: bool,
    /// Where the sources are found
    #[command(flatten)]
    pub debugging: Debugging,
}

/// `tinyalloc convert`.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  tinyalloc convert --to pprof -o app.pb.gz app.1234.0.heap && go tool pprof -http : app.pb.gz
  tinyalloc convert --to dhat -o app.json app.1234.0.heap      load it in dh_view.html of valgrind
  tinyalloc convert --to collapsed -o - app.1234.0.heap | flamegraph.pl --countname bytes > app.svg")]
pub struct Convert {
    /// The heap profile
    #[arg(value_name = "DUMP")]
    pub dump: PathBuf,
    /// The format
    #[arg(long, value_enum, value_name = "FORMAT")]
    pub to: Format,
    /// Which blocks count; pprof shows them first, and dhat has all of them
    #[arg(long, value_enum, default_value_t)]
    pub by: Blocks,
    /// The file to write; - for standard output
    #[arg(short, long, value_name = "FILE")]
    pub output: PathBuf,
    /// Where the sources are found
    #[command(flatten)]
    pub debugging: Debugging,
}

/// `tinyalloc diff`.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  tinyalloc diff app.1234.0.heap app.1234.9.heap
  tinyalloc diff --depth 3 --json yesterday.heap today.heap")]
pub struct Diff {
    /// The earlier heap profile
    #[arg(value_name = "OLD")]
    pub old: PathBuf,
    /// The later one
    #[arg(value_name = "NEW")]
    pub new: PathBuf,
    /// How many call sites to list
    #[arg(long, value_name = "N", default_value_t = 20)]
    pub top: usize,
    /// How many calls to show of each
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub depth: usize,
    /// Write JSON
    #[arg(long)]
    pub json: bool,
    /// Where the sources are found
    #[command(flatten)]
    pub debugging: Debugging,
}

/// `tinyalloc leaks`.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  tinyalloc leaks app.1234.*.heap
  tinyalloc leaks --depth 5 app.1234.3.heap app.1234.6.heap app.1234.9.heap

The profiles may be in any order: they say when they were written. The more there are, the less is
listed that only looks like a leak.")]
pub struct Leaks {
    /// The heap profiles, two or more
    #[arg(value_name = "DUMP", required = true, num_args = 2..)]
    pub dumps: Vec<PathBuf>,
    /// How many call sites to list
    #[arg(long, value_name = "N", default_value_t = 20)]
    pub top: usize,
    /// How many calls to show of each
    #[arg(long, value_name = "N", default_value_t = 3)]
    pub depth: usize,
    /// Write JSON
    #[arg(long)]
    pub json: bool,
    /// Where the sources are found
    #[command(flatten)]
    pub debugging: Debugging,
}

/// A limit of call sites.
#[derive(Clone, Debug)]
pub struct SiteLimit {
    /// What `function file:line` of the call sites matches.
    pub pattern: Regex,
    /// The most live bytes of each.
    pub bytes: u64,
}

fn parse_site_limit(text: &str) -> Result<SiteLimit, String> {
    let (pattern, bytes) = text.rsplit_once('=').ok_or_else(|| String::from("it is REGEX=SIZE, like parse=10M"))?;
    let pattern = Regex::new(pattern).map_err(|error| format!("\"{pattern}\" is no regular expression: {error}"))?;
    Ok(SiteLimit { pattern, bytes: parse_size(bytes)? })
}

/// `tinyalloc check`.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  tinyalloc check --max-live 100M --max-peak 1G app.1234.0.heap
  tinyalloc check --max-site 'parse_.*=10M' --max-site '.*=50M' app.1234.0.heap

Writes a line for each excess. REGEX is looked for in \"function file:line\" of each call site, as
`tinyalloc sites` lists them.")]
pub struct Check {
    /// The heap profile
    #[arg(value_name = "DUMP")]
    pub dump: PathBuf,
    /// The most live bytes
    #[arg(long, value_name = "SIZE", value_parser = parse_size)]
    pub max_live: Option<u64>,
    /// The most bytes that lived at a time
    #[arg(long, value_name = "SIZE", value_parser = parse_size)]
    pub max_peak: Option<u64>,
    /// The most live bytes of each call site that matches; may be repeated
    #[arg(long = "max-site", value_name = "REGEX=SIZE", value_parser = parse_site_limit)]
    pub max_sites: Vec<SiteLimit>,
    /// Where the sources are found
    #[command(flatten)]
    pub debugging: Debugging,
}

/// `tinyalloc heaps`.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  tinyalloc heaps app.1234.0.heap
  tinyalloc heaps --json app.1234.0.heap | jq '.heaps[] | {name, live_bytes}'

Live bytes are estimated from samples; isolated heaps without a sample are not listed.")]
pub struct Heaps {
    /// The heap profile
    #[arg(value_name = "DUMP")]
    pub dump: PathBuf,
    /// Write JSON
    #[arg(long)]
    pub json: bool,
}

/// `tinyalloc report`.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  tinyalloc report app.1234.*.heap
  tinyalloc report --title 'The app, on Monday' -o monday.html app.1234.9.heap

The page is one file, and needs no network. With several profiles it shows memory over time, too.")]
pub struct Report {
    /// The heap profiles, in any order
    #[arg(value_name = "DUMP", required = true)]
    pub dumps: Vec<PathBuf>,
    /// The file to write; - for standard output
    #[arg(short, long, value_name = "FILE", default_value = "report.html")]
    pub output: PathBuf,
    /// The title of the page; the name of the program, if not set
    #[arg(long, value_name = "TITLE")]
    pub title: Option<String>,
    /// Where the sources are found
    #[command(flatten)]
    pub debugging: Debugging,
}

fn parse_interval(text: &str) -> Result<u64, String> {
    parse_size(text).and_then(|bytes| if bytes > 0 { Ok(bytes) } else { Err(String::from("without bytes there are no samples")) })
}

/// `tinyalloc run`.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  tinyalloc run -- ./server --port 8080
  tinyalloc run --interval 64K --output /tmp/profiles -- make test
  tinyalloc run --library target/release/libtinyalloc.so -- python3 script.py

The summary goes to standard error, and the exit status is the program's, or 128 and the number of
the signal that ended it. A profile is written when the heap has grown by a tenth, and at the end.
PID.html among them is a page of all of them that needs no network.")]
pub struct Run {
    /// A sample for about so many bytes that are allocated
    #[arg(long, value_name = "SIZE", default_value = "512K", value_parser = parse_interval)]
    pub interval: u64,
    /// Where the heap profiles go
    #[arg(long, value_name = "DIR", default_value = "tinyalloc-profiles")]
    pub output: PathBuf,
    /// Write no page in HTML, but the summary alone
    #[arg(long)]
    pub no_report: bool,
    /// libtinyalloc.so; found beside this command, or where libraries are, if not named
    #[arg(long = "library", value_name = "PATH")]
    pub preloaded: Option<PathBuf>,
    /// The program, and its arguments
    #[arg(value_name = "PROGRAM", required = true, num_args = 1.., trailing_var_arg = true)]
    pub program: Vec<OsString>,
    /// Where the sources are found
    #[command(flatten)]
    pub debugging: Debugging,
}

/// `tinyalloc dump`.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  tinyalloc dump 1234
  tinyalloc sites $(tinyalloc dump $(pidof server))

The program must have been started with, for example,
TINYALLOC_OPTIONS=profile=on,profile_signal=USR2,profile_file=/tmp/%p.%n.heap")]
pub struct Dump {
    /// The number of the process
    #[arg(value_name = "PID")]
    pub process: u32,
    /// How many seconds to wait for the file
    #[arg(long, value_name = "SECONDS", default_value_t = 10)]
    pub wait: u64,
}

fn parse_seconds(text: &str) -> Result<Duration, String> {
    let seconds: Option<f64> = text.parse().ok().filter(|seconds| *seconds > 0.0);
    let duration = seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    duration.ok_or_else(|| String::from("it is a number of seconds above 0, like 0.5"))
}

/// `tinyalloc top`.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  tinyalloc top 1234
  tinyalloc top --by total --top 5 --depth 4 $(pidof server)      who allocates now
  tinyalloc top --once --json 1234 | jq '.sites[0].function'

Each refresh asks the program for a heap profile, as `tinyalloc dump` does, and removes its file
again. The program must have been started with, for example,
TINYALLOC_OPTIONS=profile=on,profile_signal=USR2,profile_file=/tmp/%p.%n.heap")]
pub struct Top {
    /// The number of the process
    #[arg(value_name = "PID")]
    pub process: u32,
    /// From one refresh to the next
    #[arg(long, value_name = "SECONDS", default_value = "2", value_parser = parse_seconds)]
    pub interval: Duration,
    /// End after so many refreshes; without it, when the program or the user ends it
    #[arg(long, value_name = "N", value_parser = value_parser!(u64).range(1..))]
    pub count: Option<u64>,
    /// Show it once: --count 1
    #[arg(long, conflicts_with = "count")]
    pub once: bool,
    /// Which blocks count; with total, the changes are what was allocated since the last refresh
    #[arg(long, value_enum, default_value_t)]
    pub by: Blocks,
    /// How many call sites to list
    #[arg(long, value_name = "N", default_value_t = 20)]
    pub top: usize,
    /// How many calls to show of each
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub depth: usize,
    /// Write a line of JSON for each refresh
    #[arg(long)]
    pub json: bool,
    /// How many seconds to wait for a heap profile
    #[arg(long, value_name = "SECONDS", default_value_t = 10)]
    pub wait: u64,
    /// Where the sources are found
    #[command(flatten)]
    pub debugging: Debugging,
}

impl Top {
    /// How many refreshes there are, if the program goes on.
    #[must_use]
    pub fn refreshes(&self) -> Option<u64> {
        if self.once { Some(1) } else { self.count }
    }
}
