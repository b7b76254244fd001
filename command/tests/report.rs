//! The report in HTML: its data are those of the dumps, and it shows them. The tests of what it
//! shows need Chromium (the Debian package chromium).
#![allow(clippy::unwrap_used, reason = "tests may give up")]

#[path = "report/browser.rs"]
mod browser;
#[path = "report/server.rs"]
mod server;

use std::cmp::Reverse;
use std::collections::HashMap;
use std::fs::{create_dir_all, read_to_string, write};
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, from_str, json};
use tempfile::TempDir;
use tinyalloc_command::heaps::heaps;
use tinyalloc_command::profile::{Block, By, Profile, Site, Tally};
use tinyalloc_command::report::page;
use tinyalloc_command::residence::Residence;
use tinyalloc_command::symbols::Frame;
use tinyalloc_command::wrappers::is_wrapper;

use browser::Browser;
use server::{dumps, frames, sums};

const SITES: usize = 600;
const DEPTH: u64 = 30;
const ROW_PIXELS: f64 = 20.0;
const HOSTILE: &str = "</script><script>document.title = 'broken'</script><!-- \"quoted\" 'name' & operator<<";

fn page_of(dumps: &[Profile]) -> String {
    page(dumps, &mut frames, None).unwrap()
}

/// The data of a page, as the page reads them.
fn data(page: &str) -> Value {
    let (_, rest) = page.split_once("<script type=\"application/json\" id=\"report-data\">").unwrap();
    from_str(rest.split_once("</script>").unwrap().0).unwrap()
}

fn file(name: &str, page: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    create_dir_all(folder).unwrap();
    let path = folder.join(name);
    write(&path, page).unwrap();
    path
}

fn tally(row: &Value) -> Tally {
    let number = |place: usize| row[place].as_u64().unwrap();
    Tally { samples: number(0), blocks: number(1), bytes: number(2) }
}

fn rows(data: &Value, dump: usize) -> &Vec<Value> {
    data["dumps"][dump]["sites"].as_array().unwrap()
}

#[test]
fn the_sums_of_the_sites_are_those_of_the_dumps() {
    let dumps = dumps(SITES, DEPTH);
    let data = data(&page_of(&dumps));
    for (place, dump) in dumps.iter().enumerate() {
        for (column, sum) in [1, 2, 3, 8].into_iter().zip(sums(dump)) {
            let found = rows(&data, place).iter().fold(Tally::default(), |all, row| all.plus(tally(&row[column])));
            assert_eq!(found, sum, "dump {place}, column {column}");
        }
        let freed: u64 =
            rows(&data, place).iter().map(|row| row[5].as_array().unwrap().iter().filter_map(Value::as_u64).sum::<u64>()).sum();
        assert_eq!(freed, dump.sites.iter().map(Site::freed).sum::<u64>());
        let aged: u64 =
            rows(&data, place).iter().map(|row| row[6].as_array().unwrap().iter().filter_map(Value::as_u64).sum::<u64>()).sum();
        assert_eq!(aged, sums(dump)[0].samples);
    }
}

#[test]
fn the_tree_has_every_stack_once_and_callers_first() {
    let dumps = dumps(SITES, DEPTH);
    let data = data(&page_of(&dumps));
    let nodes = data["nodes"].as_array().unwrap();
    let mut seen = HashMap::new();
    for (place, node) in nodes.iter().enumerate() {
        let caller = node[0].as_i64().unwrap();
        assert!(caller < i64::try_from(place).unwrap());
        assert_eq!(seen.insert((caller, node[1].as_u64().unwrap()), place), None);
    }
    let site = &dumps[0].sites[0];
    let expected: Vec<String> = site.callers.iter().map(|address| frames(&dumps[0], *address)[0].function.clone()).collect();
    assert_eq!(stack(&data, &rows(&data, 0)[0]), expected);
}

/// The functions of a site, the innermost first.
fn stack(data: &Value, row: &Value) -> Vec<String> {
    let mut functions = Vec::new();
    let mut node = row[0].as_i64().unwrap();
    while node >= 0 {
        let entry = &data["nodes"][usize::try_from(node).unwrap()];
        let frame = &data["frames"][usize::try_from(entry[1].as_u64().unwrap()).unwrap()];
        functions.push(String::from(data["strings"][usize::try_from(frame[0].as_u64().unwrap()).unwrap()].as_str().unwrap()));
        node = entry[0].as_i64().unwrap();
    }
    functions
}

#[test]
fn sites_whose_stacks_read_the_same_are_one() {
    let tally = Tally { samples: 1, blocks: 2, bytes: 3 };
    let site = |address: u64, lifetimes: &[u64]| Site {
        callers: vec![address],
        live: tally,
        lifetimes: lifetimes.to_vec(),
        ..Site::default()
    };
    let profile = Profile { sites: vec![site(1, &[1]), site(2, &[0, 5]), site(3, &[])], ..Profile::default() };
    let mut frames = |_: &Profile, address: u64| vec![Frame { function: format!("f{}", address / 2), ..Frame::default() }];
    let data = data(&page(&[profile], &mut frames, None).unwrap());
    let found: Vec<(Vec<String>, u64, String)> =
        rows(&data, 0).iter().map(|row| (stack(&data, row), row[1][2].as_u64().unwrap(), row[5].to_string())).collect();
    let expected = [("f0", 3, "[1]"), ("f1", 6, "[0,5]")]
        .map(|(name, bytes, lifetimes)| (vec![String::from(name)], bytes, String::from(lifetimes)));
    assert_eq!(found, expected);
}

#[test]
fn live_blocks_have_ages_and_threads() {
    let block = |site: usize, milliseconds: u64, thread: u64| Block { site, bytes: 1, milliseconds, thread, ..Block::default() };
    let blocks = vec![block(1, 1000, 70), block(1, 999, 70), block(1, 992, 80), block(0, 500, 80)];
    let sites = [1, 2].map(|address| Site { callers: vec![address], ..Site::default() }).to_vec();
    let profile = Profile { sites, blocks, milliseconds: 1000, ..Profile::default() };
    let mut frames = |_: &Profile, address: u64| vec![Frame { function: format!("f{address}"), ..Frame::default() }];
    let data = data(&page(&[profile], &mut frames, None).unwrap());
    // Less than 2^n milliseconds.
    assert_eq!(rows(&data, 0)[1][6].to_string(), "[1,1,0,0,1]");
    assert_eq!(rows(&data, 0)[0][6].to_string(), "[0,0,0,0,0,0,0,0,0,1]");
    assert_eq!([rows(&data, 0)[0][7].to_string(), rows(&data, 0)[1][7].to_string()], ["[1]", "[0,1]"]);
}

#[test]
fn dumps_are_in_the_order_of_time() {
    let mut dumps = dumps(20, DEPTH);
    dumps.reverse();
    let data = data(&page_of(&dumps));
    let times: Vec<u64> = data["dumps"].as_array().unwrap().iter().map(|dump| dump["time"].as_u64().unwrap()).collect();
    assert!(times.is_sorted() && times[0] == 0 && times[11] > 100_000, "{times:?}");
}

/// A dump of two blocks, of which one lives.
const SMALL_DUMP: &str = "\
heap profile: 1: 64 [2: 128] @ heap_v2/1
1: 64 [2: 128] @ 0x1008

MAPPED_LIBRARIES:
00001000-00002000 r-xp 00000000 00:00 0          /nowhere/program
";

#[test]
fn the_command_writes_a_report() {
    let folder = TempDir::new().unwrap();
    let (dump, out) = (folder.path().join("a.heap"), folder.path().join("report.html"));
    write(&dump, SMALL_DUMP).unwrap();
    let run = |arguments: &[&Path]| Command::new(env!("CARGO_BIN_EXE_tinyalloc")).arg("report").args(arguments).output().unwrap();
    let output = run(&[&dump, Path::new("--output"), &out, Path::new("--title"), Path::new("a & b")]);
    assert!(output.status.success() && output.stdout.is_empty(), "{output:?}");
    let page = read_to_string(&out).unwrap();
    assert!(page.contains("<h1>a &amp; b</h1>"));
    assert_eq!((tally(&rows(&data(&page), 0)[0][1]).bytes, tally(&rows(&data(&page), 0)[0][3]).bytes), (64, 128));
    let output = run(&[&dump, Path::new("-o"), Path::new("/nowhere/report.html")]);
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(String::from_utf8(output.stderr).unwrap(), "tinyalloc: /nowhere/report.html: No such file or directory\n");
}

#[test]
fn dumps_that_do_not_belong_together_have_a_warning() {
    let warnings = |dumps: &[Profile]| data(&page_of(dumps))["warnings"].as_array().unwrap().len();
    let mut dumps = dumps(20, DEPTH);
    assert_eq!(warnings(&dumps), 0);
    dumps[11].sites.truncate(1);
    assert_eq!(warnings(&dumps), 1);
    dumps[5].mappings.clear();
    assert_eq!(warnings(&dumps), 2);
    dumps[5].has_details = false;
    assert_eq!(warnings(&dumps), 3);
}

#[test]
fn a_report_of_nothing_is_refused() {
    assert!(page(&[], &mut frames, None).is_err());
}

#[test]
fn a_dump_without_sites_and_details_makes_a_report() {
    let page = page(&[Profile::default()], &mut frames, Some("a < b")).unwrap();
    assert!(page.contains("<h1>a &lt; b</h1>"));
    let Some(mut browser) = Browser::start() else { return };
    browser.open(&file("empty.html", &page), 1200);
    assert_eq!(browser.text("#sites-table .empty"), "No call site matches.");
    assert_eq!(browser.value("document.getElementById('resident').hidden"), true);
}

/// A dump with one site, all of whose names try to break the page.
fn hostile_page() -> String {
    let tally = Tally { samples: 1, blocks: 1, bytes: 1 << 20 };
    let site = Site { callers: vec![1, 2], live: tally, peak: tally, total: tally, ..Site::default() };
    let profile = Profile {
        path: PathBuf::from(HOSTILE),
        live_bytes: 1 << 20,
        peak_bytes: 1 << 20,
        sites: vec![site],
        ..Profile::default()
    };
    let mut frames = |_: &Profile, address: u64| {
        let function = format!("{address}{HOSTILE}<img src=x onerror=\"document.title = 'broken'\">");
        vec![Frame { function, file: Some(String::from(HOSTILE)), line: Some(1), module: String::from(HOSTILE) }]
    };
    page(&[profile], &mut frames, Some(HOSTILE)).unwrap()
}

#[test]
fn names_cannot_break_the_page() {
    let page = hostile_page();
    assert_eq!(page.matches("</script>").count(), 2);
    assert!(!page.contains("<img"));
    assert_eq!(stack(&data(&page), &rows(&data(&page), 0)[0]).len(), 2);
    let Some(mut browser) = Browser::start() else { return };
    browser.open(&file("hostile.html", &page), 1200);
    browser.click("#sites-table .opener", None);
    browser.click("#flame-canvas", Some((100.0, ROW_PIXELS * 1.5)));
    assert!(browser.text("#sites-table .function").starts_with(&format!("1{HOSTILE}")));
    assert!(browser.text("#tooltip").is_empty() || browser.text("#tooltip").contains(HOSTILE));
    assert_eq!(browser.text("h1"), HOSTILE);
    assert_eq!(browser.value("document.querySelectorAll('img, body script:not(#report-data):not([type=module])').length"), 0);
    assert_ne!(browser.value("document.title"), "broken");
}

/// A browser with the report of the server, and its dumps.
fn opened(name: &str, width: u32) -> Option<(Browser, Vec<Profile>)> {
    let dumps = dumps(SITES, DEPTH);
    let file = file(name, &page_of(&dumps));
    let mut browser = Browser::start()?;
    browser.open(&file, width);
    Some((browser, dumps))
}

/// The number that a title begins with.
fn exact(title: &str) -> u64 {
    title.split_once(' ').unwrap().0.replace(',', "").parse().unwrap()
}

/// The bytes under the functions that match, as the flame graph counts them.
fn sum_of(dump: &Profile, wanted: impl Fn(&Frame) -> bool) -> u64 {
    let is_wanted = |site: &&Site| site.callers.iter().any(|address| frames(dump, *address).iter().any(&wanted));
    dump.sites.iter().filter(is_wanted).map(|site| site.live.bytes).sum()
}

#[test]
fn the_head_and_the_table_show_the_dump() {
    let Some((mut browser, dumps)) = opened("table.html", 1200) else { return };
    let last = dumps.last().unwrap();
    assert_eq!(browser.text("h1"), "orderd");
    assert_eq!(exact(&browser.attribute("#facts > div:nth-child(2)", "title")), last.peak_bytes);
    assert_eq!(exact(&browser.attribute("#facts > div:nth-child(3)", "title")), last.live_bytes);
    assert_eq!(exact(&browser.attribute("#sites-found strong", "title")), last.live_bytes);
    browser.click("#sites-grouping input[value=stack]", None);
    let mut live: Vec<u64> = last.sites.iter().map(|site| site.live.bytes).collect();
    live.sort_unstable_by_key(|bytes| Reverse(*bytes));
    assert_eq!(column(&mut browser, 2), live[..25]);
    browser.click("th button[data-column=total]", None);
    let mut total: Vec<u64> = last.sites.iter().map(|site| site.total.bytes).collect();
    total.sort_unstable_by_key(|bytes| Reverse(*bytes));
    assert_eq!(column(&mut browser, 4), total[..25]);
    browser.click("th button[data-column=total]", None);
    assert_eq!(browser.attribute("th[aria-sort]", "aria-sort"), "ascending");
    total.reverse();
    assert_eq!(column(&mut browser, 4), total[..25]);
}

/// The exact numbers of a column of the table.
fn column(browser: &mut Browser, place: usize) -> Vec<u64> {
    let titles = browser.value(&format!(
        "[...document.querySelectorAll('#sites-table tr.site td:nth-child({place})')].map((cell) => cell.title)"
    ));
    titles.as_array().unwrap().iter().map(|title| exact(title.as_str().unwrap())).collect()
}

#[test]
fn the_filter_keeps_the_sites_that_match() {
    let Some((mut browser, dumps)) = opened("filter.html", 1200) else { return };
    browser.write("#sites-filter", "sqlite3_STEP");
    let expected = sum_of(dumps.last().unwrap(), |frame| frame.function == "sqlite3_step");
    assert!(expected > 0);
    assert_eq!(exact(&browser.attribute("#sites-found strong", "title")), expected);
    browser.click("#sites-table .opener", None);
    assert!(browser.text("#sites-table .stack").contains("sqlite3_step"));
    assert_eq!(browser.attribute("#sites-table .opener", "aria-expanded"), "true");
}

#[test]
fn the_flame_graph_zooms_and_finds() {
    let Some((mut browser, dumps)) = opened("flame.html", 1200) else { return };
    let last = dumps.last().unwrap();
    browser.write("#flame-search", "orderd::cache");
    let expected = sum_of(last, |frame| frame.function.starts_with("orderd::cache"));
    assert_eq!(exact(&browser.attribute("#flame-found strong", "title")), expected);
    browser.write("#flame-search", "no such function");
    assert_eq!(browser.text("#flame-found"), "Nothing matches");
    // The widest function in the row below main.
    browser.click("#flame-canvas", Some((20.0, ROW_PIXELS * 4.5)));
    let layer = ["orderd::server::accept_loop", "orderd::jobs::run_nightly", "orderd::config::Config::load"];
    let (widest, bytes) = layer
        .map(|name| (name, sum_of(last, |frame| frame.function == name)))
        .into_iter()
        .max_by_key(|(_, bytes)| *bytes)
        .unwrap();
    assert_eq!(browser.attribute("#flame-breadcrumbs [aria-current]", "title"), widest);
    assert!(browser.attribute("#flame-canvas", "aria-label").contains(&share(bytes, last.live_bytes)));
    browser.value("document.getElementById('flame-canvas').focus()");
    browser.press("Escape");
    assert_eq!(browser.text("#flame-breadcrumbs [aria-current]"), "All");
    assert_eq!(browser.value("document.getElementById('flame-reset').disabled"), true);
}

#[test]
fn the_flame_graph_has_the_same_sum_from_either_end_and_for_all_figures() {
    let Some((mut browser, dumps)) = opened("sums.html", 1200) else { return };
    for (metric, sum) in ["live", "peak", "total", "pinned"].into_iter().zip(sums(dumps.last().unwrap())) {
        browser.click(&format!("#metric-picker input[value={metric}]"), None);
        for direction in ["top", "bottom"] {
            browser.click(&format!("#flame-direction input[value={direction}]"), None);
            // All stacks of the server begin with this, and end with it from the bottom up.
            browser.write("#flame-search", "_start");
            assert_eq!(exact(&browser.attribute("#flame-found strong", "title")), sum.bytes, "{metric}, {direction}");
        }
        browser.click("#unit-picker input[value=blocks]", None);
        assert_eq!(exact(&browser.attribute("#flame-found strong", "title")), sum.blocks, "{metric}");
        browser.click("#unit-picker input[value=bytes]", None);
    }
}

#[test]
fn keys_walk_the_flame_graph() {
    let Some((mut browser, _)) = opened("keys.html", 1200) else { return };
    browser.value("document.getElementById('flame-canvas').focus()");
    for key in ["ArrowDown", "ArrowDown", "ArrowDown", "ArrowDown", "ArrowDown", "ArrowRight", "Enter"] {
        browser.press(key);
    }
    let shown = browser.attribute("#flame-breadcrumbs [aria-current]", "title");
    assert!(shown.starts_with("orderd::"), "{shown}");
    assert!(browser.text("#flame-spoken").starts_with(&shown));
    assert_eq!(browser.value("document.getElementById('flame-breadcrumbs').querySelectorAll('button').length"), 4);
    browser.click("#flame-breadcrumbs button", None);
    assert_eq!(browser.text("#flame-breadcrumbs [aria-current]"), "All");
}

#[test]
fn a_stack_can_be_copied_and_shown_in_the_flame_graph() {
    let Some((mut browser, dumps)) = opened("stack.html", 1200) else { return };
    browser.click("#sites-grouping input[value=stack]", None);
    browser.value("document.execCommand = () => { window.copied = document.querySelector('textarea').value; return true; }; Object.defineProperty(navigator, 'clipboard', {value: undefined})");
    browser.click("#sites-table .opener", None);
    browser.click("#sites-table .copy", None);
    let copied = browser.value("window.copied");
    let last = dumps.last().unwrap();
    let most = last.sites.iter().map(|site| site.live.bytes).max();
    let is_copied = |site: &&Site| {
        let frames = site.callers.iter().flat_map(|address| frames(last, *address));
        let lines = copied.as_str().unwrap().lines();
        site.callers.len() == lines.clone().count()
            && frames.zip(lines).all(|(frame, line)| line.starts_with(&format!("{} (", frame.function)))
    };
    let found: Vec<&Site> = last.sites.iter().filter(is_copied).collect();
    assert!(found.iter().any(|site| Some(site.live.bytes) == most), "{copied}");
    browser.click("#sites-table .reveal", None);
    let own = browser.text("#sites-table .function");
    assert_eq!(browser.attribute("#flame-breadcrumbs [aria-current]", "title"), own);
}

fn share(part: u64, whole: u64) -> String {
    format!("{:.1}%", part as f64 * 100.0 / whole as f64)
}

#[test]
fn a_dump_chosen_in_the_plot_is_shown_by_the_rest() {
    let Some((mut browser, dumps)) = opened("time.html", 1200) else { return };
    browser.click("#timeline-plot svg", Some((71.0, 100.0)));
    assert_eq!(browser.attribute("#timeline-plot svg", "aria-valuenow"), "1");
    assert_eq!(exact(&browser.attribute("#sites-found strong", "title")), dumps[0].live_bytes);
    let resident = Residence::of(&dumps[0]).unwrap().bytes;
    assert_eq!(browser.attribute("#resident-body tfoot td[data-bytes]", "data-bytes"), resident.to_string());
    browser.value("document.querySelector('#timeline-plot svg').focus()");
    browser.press("ArrowRight");
    assert_eq!(exact(&browser.attribute("#sites-found strong", "title")), dumps[1].live_bytes);
}

/// The exact numbers of the elements that a selector finds: what their titles begin with.
fn numbers(browser: &mut Browser, selector: &str) -> Vec<u64> {
    let titles = browser.value(&format!("[...document.querySelectorAll('{selector}')].map((cell) => cell.title)"));
    titles.as_array().unwrap().iter().map(|title| exact(title.as_str().unwrap())).collect()
}

#[test]
fn parts_of_resident_memory_add_up() {
    let Some((mut browser, dumps)) = opened("resident.html", 1200) else { return };
    let last = dumps.last().unwrap();
    let residence = Residence::of(last).unwrap();
    let parts = numbers(&mut browser, "#resident-body tbody td[data-bytes]");
    assert_eq!(parts, residence.parts.iter().map(|part| part.bytes).collect::<Vec<_>>());
    let resident = last.resident.unwrap();
    assert_eq!(parts.iter().sum::<u64>(), resident.own + resident.files + resident.other);
    assert_eq!(exact(&browser.attribute("#facts > div:nth-child(4)", "title")), residence.bytes);
    assert_eq!(parts.len(), 10);
}

#[test]
fn who_keeps_memory_is_ranked() {
    let Some((mut browser, dumps)) = opened("keepers.html", 1200) else { return };
    let last = dumps.last().unwrap();
    let mut kept: HashMap<(String, Option<u32>), (u64, u64)> = HashMap::new();
    for site in last.sites.iter().filter(|site| site.pinned.bytes > 0) {
        let stack = site.callers.iter().flat_map(|address| frames(last, *address));
        let own = stack.into_iter().find(|frame| !is_wrapper(frame)).unwrap();
        let sum = kept.entry((own.function, own.line)).or_default();
        *sum = (sum.0 + site.pinned.bytes, sum.1 + site.live.bytes);
    }
    let mut expected: Vec<u64> = kept.values().map(|(bytes, _)| *bytes).collect();
    expected.sort_unstable_by_key(|bytes| Reverse(*bytes));
    assert_eq!(numbers(&mut browser, "#keepers-table td.number"), expected[..8]);
    let name = browser.text("#keepers-table .function");
    assert!(kept.iter().any(|((function, _), (bytes, _))| *function == name && *bytes == expected[0]), "{name}");
    browser.click("#keepers-table .function", None);
    assert_eq!(browser.value("document.getElementById('sites-filter').value"), name.as_str());
    browser.click("#metric-picker input[value=pinned]", None);
    browser.write("#sites-filter", "");
    assert_eq!(exact(&browser.attribute("#sites-found strong", "title")), last.sum(By::Pinned).bytes);
    assert_eq!(column(&mut browser, 5)[..8], expected[..8]);
}

#[test]
fn dumps_of_older_libraries_have_no_pinned_memory_and_no_heaps() {
    let mut dumps = dumps(20, DEPTH);
    for dump in &mut dumps {
        (dump.resident, dump.heaps) = (None, Vec::new());
    }
    let file = file("older.html", &page_of(&dumps));
    let Some(mut browser) = Browser::start() else { return };
    browser.open(&file, 1200);
    assert_eq!(browser.value("document.querySelectorAll('#metric-picker input').length"), 3);
    assert_eq!(browser.value("['heaps', 'keepers'].map((id) => document.getElementById(id).hidden)"), json!([true, true]));
    let resident = &dumps.last().unwrap().stats["stats"]["resident"];
    assert_eq!(browser.attribute("#resident-body tfoot td[data-bytes]", "data-bytes"), resident.to_string());
}

#[test]
fn heaps_are_side_by_side() {
    let Some((mut browser, dumps)) = opened("heaps.html", 1200) else { return };
    let heaps = heaps(dumps.last().unwrap());
    assert_eq!((heaps.len(), heaps[0].number), (3, 0));
    let live: Vec<u64> = heaps.iter().map(|heap| heap.live_bytes).collect();
    assert_eq!(numbers(&mut browser, "#heaps-table td.number"), live);
    let text = browser.text("#heaps-table");
    assert!(text.contains("<b>cache</b>number 3") && text.contains("64.0 MiB62.5%"), "{text}");
}

#[test]
fn size_classes_show_what_rounding_takes() {
    let Some((mut browser, dumps)) = opened("classes.html", 1200) else { return };
    let last = dumps.last().unwrap();
    let bins = data(&page_of(&dumps))["dumps"][11]["bins"].clone();
    let bins = bins.as_array().unwrap();
    let number = |bin: &Value, name: &str| bin[name].as_u64().unwrap();
    for bin in bins {
        let blocks = last.blocks.iter().filter(|block| block.bytes == number(bin, "size"));
        let rounding: f64 =
            blocks.map(|block| block.represents as f64 * (block.bytes - block.requested) as f64 / block.bytes as f64).sum();
        let expected = rounding.min(number(bin, "live") as f64 * number(bin, "size") as f64);
        assert!((number(bin, "rounding") as f64 - expected).abs() < 1.0, "{bin}");
    }
    let shown = browser.text("#classes-legend .item:nth-child(2) .value");
    let rounding = bins.iter().map(|bin| number(bin, "rounding")).sum::<u64>() as f64 / f64::from(1 << 20);
    assert!(rounding > 1.0 && shown == format!("{rounding:.1} MiB"), "{shown}, {rounding}");
    browser.click("#classes-unit input[value=slots]", None);
    assert_eq!(browser.value("document.querySelectorAll('#classes-legend .item').length"), 2);
}

#[test]
fn growth_compares_two_dumps() {
    let Some((mut browser, dumps)) = opened("growth.html", 1200) else { return };
    let (first, last) = (&dumps[0], dumps.last().unwrap());
    let change = last.live_bytes - first.live_bytes;
    assert_eq!(exact(&browser.attribute("#growth-found strong", "title")), change);
    let name = browser.text("#growth-table .function");
    browser.click("#growth-table .function", None);
    assert_eq!(browser.value("document.getElementById('sites-filter').value"), name.as_str());
    assert!(browser.text("#sites-table .stack").contains(&name));
    browser.click("#sites-grouping input[value=stack]", None);
    browser.click("#growth-controls input[value=only]", None);
    let only = exact(&browser.attribute("#growth-found strong", "title"));
    assert!(only > 0 && only < change);
}

#[test]
fn nothing_is_wider_than_a_narrow_page() {
    let Some((mut browser, _)) = opened("narrow.html", 700) else { return };
    assert_eq!(browser.value("document.documentElement.scrollWidth - document.documentElement.clientWidth"), 0);
}

#[test]
fn twenty_thousand_frames_are_fast() {
    let page = page_of(&dumps(2500, 60));
    assert!(data(&page)["nodes"].as_array().unwrap().len() > 20_000);
    let file = file("many.html", &page);
    let Some(mut browser) = Browser::start() else { return };
    browser.open(&file, 1200);
    let paint = "(() => { const start = performance.now(); document.getElementById('flame-canvas').dispatchEvent(new KeyboardEvent('keydown', {key: 'ArrowDown'})); return performance.now() - start; })()";
    let loaded = browser.value("performance.timing.loadEventEnd - performance.timing.navigationStart").as_f64().unwrap();
    println!("loaded in {loaded} ms");
    let milliseconds = browser.value(paint).as_f64().unwrap();
    println!("painted in {milliseconds} ms");
    assert!(milliseconds < 200.0, "{milliseconds} ms to paint");
}
