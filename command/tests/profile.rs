//! Dumps are read, and what is none is refused.
#![allow(clippy::unwrap_used, reason = "tests may give up")]

mod common;

use common::{Dump, Site};
use tinyalloc_command::convert::{collapsed, dhat, pprof};
use tinyalloc_command::heaps::heaps;
use tinyalloc_command::profile::{Block, By, Profile, Resident, Tally};
use tinyalloc_command::residence::Residence;
use tinyalloc_command::sites::{leaks, sites};
use tinyalloc_command::symbols::Symbols;

const MAPPINGS: &str = "00400000-00452000 r-xp 00000000 08:02 173521      /usr/bin/my program (deleted)
7f0000000000-7f0000001000 r--p 00000000 08:02 12 /lib/libfoo.so
7f0000001000-7f0000002000 r-xp 00001000 08:02 12 /lib/libfoo.so
7f0000002000-7f0000003000 rw-p 00000000 00:00 0 
ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0                  [vsyscall]
";

fn dump() -> Dump {
    let site = Site {
        callers: vec![0x40_1235, 0x7f00_0000_1010],
        live: (3, 3072, 40, 1_572_864),
        peak: (5, 5120, 60, 2_000_000),
        total: (10, 10240, 100, 5_000_000),
        freed_elsewhere: 2,
        lifetimes: vec![0, 3, 4],
    };
    let other = Site { callers: vec![0x40_2000], live: (1, 100, 7, 700), total: (1, 100, 7, 700), ..Site::default() };
    Dump {
        interval: 524_288,
        milliseconds: 123_456,
        peak: 2_000_000,
        sites: vec![site, other],
        mappings: String::from(MAPPINGS),
        ..Dump::default()
    }
}

#[test]
fn a_dump_of_the_library_is_read_whole() {
    let profile = Profile::parse(dump().text().as_bytes()).unwrap();
    assert_eq!((profile.interval, profile.milliseconds, profile.has_details), (524_288, 123_456, true));
    assert_eq!((profile.live_bytes, profile.peak_bytes), (1_573_564, 2_000_000));
    assert_eq!(profile.stats["version"], "0.1.0");
    let site = &profile.sites[0];
    assert_eq!(site.callers, [0x40_1235, 0x7f00_0000_1010]);
    assert_eq!(site.live, Tally { samples: 3, blocks: 40, bytes: 1_572_864 });
    assert_eq!((site.freed(), site.freed_elsewhere), (7, 2));
    assert_eq!(profile.sum(By::Total), Tally { samples: 11, blocks: 107, bytes: 5_000_700 });
}

#[test]
fn mappings_hold_addresses_and_have_bases() {
    let profile = Profile::parse(dump().text().as_bytes()).unwrap();
    let program = profile.mapping(0x40_1234).unwrap();
    assert_eq!((program.module(), program.is_deleted, program.is_executable), ("my program", true, true));
    let code = profile.mapping(0x7f00_0000_1010).unwrap();
    assert_eq!((code.offset, profile.base(code)), (0x1000, 0x7f00_0000_0000));
    assert_eq!(profile.mapping(0x7f00_0000_2000).unwrap().module(), "[anonymous]");
    assert!(profile.mapping(0x7f00_0000_3000).is_none() && profile.mapping(0).is_none());
}

#[test]
fn samples_alone_are_scaled_as_pprof_does() {
    let profile = Profile::parse(dump().heap_v2().as_bytes()).unwrap();
    assert!(!profile.has_details && profile.stats.is_null());
    // 1 / (1 - exp(-1024 / 524288)) is 512.500163.
    assert_eq!(profile.sites[0].live, Tally { samples: 3, blocks: 1538, bytes: 1_574_401 });
    assert_eq!(profile.sites[1].live, Tally { samples: 1, blocks: 5243, bytes: 524_338 });
    assert_eq!(profile.live_bytes, 1_574_401 + 524_338);
}

#[test]
fn jemallocs_own_form_says_the_same() {
    let (ours, theirs) = (dump().heap_v2(), dump().jemalloc());
    let (ours, theirs) = (Profile::parse(ours.as_bytes()).unwrap(), Profile::parse(theirs.as_bytes()).unwrap());
    assert_eq!(ours.sites.len(), 2);
    assert_eq!(format!("{:?}", ours.sites), format!("{:?}", theirs.sites));
    assert_eq!((ours.interval, ours.live_bytes), (theirs.interval, theirs.live_bytes));
}

/// Ours are, with details; those of others but for the end of a mapping, where nothing shows that
/// more was to come.
#[test]
fn dumps_in_jemallocs_own_form_are_refused_if_they_are_cut_off() {
    let (theirs, text) = (dump().jemalloc(), dump().text());
    let ours = theirs.replacen("\n@", "\n# tinyalloc\n@", 1) + &text[text.find("\nTINYALLOC:").unwrap()..];
    assert!(Profile::parse(ours.as_bytes()).unwrap().has_details);
    for end in 0..ours.len() {
        assert!(Profile::parse(&ours.as_bytes()[..end]).is_err(), "{end}: {}", &ours[..end]);
    }
    let is_whole = |end: usize| end > theirs.find("00400000").unwrap() && theirs[..end].ends_with('\n');
    for end in 0..=theirs.len() {
        assert_eq!(Profile::parse(&theirs.as_bytes()[..end]).is_ok(), is_whole(end), "{end}: {}", &theirs[..end]);
    }
}

#[test]
fn a_heap_without_sampling_is_not_scaled() {
    let text = dump().heap_v2().replace("heap_v2/524288", "heapprofile");
    assert_eq!(Profile::parse(text.as_bytes()).unwrap().sites[0].live, Tally { samples: 3, blocks: 3, bytes: 3072 });
    let text = dump().heap_v2().replace("heap_v2/524288", "heap_v2/1");
    assert_eq!(Profile::parse(text.as_bytes()).unwrap().live_bytes, 3172);
}

#[test]
fn numbers_may_be_padded_as_tcmalloc_does() {
    let text = "heap profile:      1:     4096 [     2:     8192] @ heap_v2/4096\n     1:     4096 [     2:     8192] @ 0x0000000000401235\n\n\
                MAPPED_LIBRARIES:\n00400000-00452000 r-xp 00000000 08:02 173521 /usr/bin/a\n";
    let profile = Profile::parse(text.as_bytes()).unwrap();
    assert_eq!((profile.sites.len(), profile.sites[0].callers[0]), (1, 0x40_1235));
}

#[test]
fn every_dump_that_is_cut_off_is_refused() {
    let text = dump().text();
    for end in 0..text.len() {
        assert!(Profile::parse(&text.as_bytes()[..end]).is_err(), "{end}: {}", &text[..end]);
    }
    assert!(Profile::parse(text.as_bytes()).is_ok());
}

/// At the end of a mapping, nothing shows that more was to come.
#[test]
fn dumps_of_others_are_refused_if_they_are_cut_off_before_a_mapping_ends() {
    let text = dump().heap_v2();
    let is_whole = |end: usize| end > text.find("00400000").unwrap() && text[..end].ends_with('\n');
    for end in 0..=text.len() {
        assert_eq!(Profile::parse(&text.as_bytes()[..end]).is_ok(), is_whole(end), "{end}: {}", &text[..end]);
    }
}

#[test]
fn a_dump_without_mappings_is_refused() {
    let text = Dump { mappings: String::new(), ..dump() }.text();
    assert!(Profile::parse(text.as_bytes()).unwrap_err().contains("has no mappings"));
}

#[test]
fn foreign_files_and_versions_are_refused() {
    for (bytes, part) in [
        (&b""[..], "is empty"),
        (b"\x7fELF\x02\x01\x01\x00", "is not a heap profile"),
        (b"heap_v2/524288\n  t*: 1: 2 [0: 0]\n", "is cut off"),
        (b"heap_v2/524288\n@ 0x1\n", "none of heap_v2"),
        (b"heap_v2/1\n  t*: 0: 0 [0: 0]\n@ zzz\n\nMAPPED_LIBRARIES:\n00400000-00452000 r-xp 00000000 08:02 1 /a\n", "no sample"),
        (b"heap_v2/1\n  t*: 0: 0 [0: 0]\nwhat\n\nMAPPED_LIBRARIES:\n00400000-00452000 r-xp 00000000 08:02 1 /a\n", "no sample"),
        (b"heap profile: 1: 2 [3: 4] @ growthz\n", "none of heap_v2"),
        (b"heap profile: what\n", "none of heap_v2"),
    ] {
        assert!(Profile::parse(bytes).unwrap_err().contains(part), "{part}");
    }
    let long = [b"heap profile: 1: 2 [3: 4] @ ".to_vec(), vec![b'x'; 1 << 20], vec![b'\n']].concat();
    assert!(Profile::parse(&long).unwrap_err().len() < 200);
    let newer = dump().text().replace("\"version\":1,", "\"version\":2,");
    assert!(Profile::parse(newer.as_bytes()).unwrap_err().contains("version 2"));
    let broken = dump().text().replace("\"samples\":3", "\"samples\":x");
    assert!(Profile::parse(broken.as_bytes()).unwrap_err().contains("JSON"));
    let huge = dump().text().replace("\"bytes\":1572864", "\"bytes\":18446744073709551615");
    assert_eq!(Profile::parse(huge.as_bytes()).unwrap().sum(By::Live).bytes, u64::MAX);
}

#[test]
fn live_blocks_are_read_and_unknown_lines_passed_over() {
    let lines = "{\"block\":{\"site\":1,\"bytes\":100,\"milliseconds\":123,\"thread\":77}}\n{\"block\":{\"site\":9,\"bytes\":1,\
                 \"milliseconds\":1,\"thread\":7}}\n{\"later\":{\"words\":[1]}}\n{\"tinyalloc\"";
    let profile = Profile::parse(dump().text().replace("{\"tinyalloc\"", lines).as_bytes()).unwrap();
    let block = Block { site: 1, bytes: 100, milliseconds: 123, thread: 77, ..Block::default() };
    assert_eq!(profile.blocks, [block], "there is no tenth site");
    assert!(!profile.has_pins() && profile.check(By::Pinned).is_err() && profile.sum(By::Pinned) == Tally::default());
}

/// Lines of a newer library: 16-byte slots have 1,000 bytes free, and 64-byte slots enough.
const LINES: &str = r#"{"block":{"site":0,"bytes":64,"requested":50,"alignment":1,"pins":400,"heap":0,"thread":7,"represents":640,"milliseconds":1}}
{"block":{"site":1,"bytes":64,"requested":64,"alignment":8,"pins":0,"heap":3,"thread":7,"represents":640,"milliseconds":1}}
{"block":{"site":0,"bytes":16,"requested":1,"alignment":1,"pins":90,"heap":3,"thread":7,"represents":160,"milliseconds":1}}
{"block":{"site":1,"bytes":16,"requested":16,"alignment":1,"pins":110,"heap":9,"thread":7,"represents":160,"milliseconds":1}}
{"block":{"site":1,"bytes":96,"requested":96,"alignment":1,"pins":110,"heap":0,"thread":7,"represents":960,"milliseconds":1}}
{"heap":{"number":3,"name":"the \"cache\"","limit":67108864,"charged":1000}}
{"heap":{"number":4,"name":"","limit":18446744073709551615,"charged":2000}}
{"resident":{"own":5000,"files":600,"other":70}}
"#;

fn newer_dump() -> String {
    dump().text_with(LINES, r#"[{"size":16,"live":9,"free":125},{"size":64,"live":9,"free":100}]"#)
}

#[test]
fn what_blocks_pin_is_added_up_and_no_more_than_their_class_has_free() {
    let profile = Profile::parse(newer_dump().as_bytes()).unwrap();
    assert!(profile.has_pins() && profile.check(By::Pinned).is_ok());
    assert_eq!(profile.resident, Some(Resident { own: 5000, files: 600, other: 70 }));
    let block = profile.blocks[0];
    assert_eq!((block.represents, block.requested, block.alignment, block.heap, block.pins), (640, 50, 1, 0, 400));
    // Ten blocks each: 4,000 bytes of 6,400 that are free, and all 2,000 of the other class.
    assert_eq!(profile.sites[0].pinned, Tally { samples: 2, blocks: 20, bytes: 4000 + 900 });
    assert_eq!(profile.sites[1].pinned, Tally { samples: 2, blocks: 20, bytes: 1100 });
    let half = newer_dump().replace("\"free\":125", "\"free\":62");
    let half = Profile::parse(half.as_bytes()).unwrap();
    assert_eq!([half.sites[0].pinned.bytes, half.sites[1].pinned.bytes], [4000 + 446, 546]);
}

#[test]
fn heaps_have_what_their_blocks_represent() {
    let sums = heaps(&Profile::parse(newer_dump().as_bytes()).unwrap());
    let rows: Vec<(u64, u64, u64)> = sums.iter().map(|heap| (heap.number, heap.samples, heap.live_bytes)).collect();
    assert_eq!(rows, [(0, 2, 1600), (3, 2, 800), (9, 1, 160), (4, 0, 0)]);
    assert_eq!(
        (sums[1].name.as_str(), sums[1].charged_bytes, sums[1].limit_bytes),
        ("the \"cache\"", Some(1000), Some(64 << 20))
    );
    assert_eq!((sums[3].charged_bytes, sums[3].limit_bytes), (Some(2000), None));
    assert_eq!((sums[0].charged_bytes, sums[2].charged_bytes), (None, None));
}

/// Digits, letters and lines are changed at random: whatever is still a profile can be listed and
/// converted.
#[test]
fn no_dump_makes_the_command_panic() {
    let text = newer_dump();
    let mut state = 1_u64;
    let mut random = |below: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(state >> 33).unwrap() % below
    };
    let mut read = 0;
    for _ in 0..20_000 {
        let mut bytes = text.clone().into_bytes();
        for _ in 0..=random(3) {
            let at = random(bytes.len());
            let end = (at + random(40)).min(bytes.len());
            match random(4) {
                0 => bytes[at] = b"0123456789abcdef:[]@,{}- \n"[random(26)],
                1 => _ = bytes.splice(at..at, *b"18446744073709551615"),
                2 => _ = bytes.splice(at..at, *b"ffffffff"),
                _ => _ = bytes.splice(at..end, []),
            }
        }
        if let Ok(profile) = Profile::parse(&bytes) {
            read += 1;
            let mut symbols = Symbols::new();
            let _ = (Residence::of(&profile), heaps(&profile));
            for by in [By::Live, By::Peak, By::Total, By::Pinned] {
                sites(&profile, &mut symbols, by, 2);
                collapsed::file(&profile, &mut symbols, by);
                pprof::message(&profile, &mut symbols, by);
            }
            dhat::file(&profile, &mut symbols);
            leaks(&[profile.clone(), profile], &mut symbols, 1);
        }
    }
    assert!(read > 1000, "{read}");
}
