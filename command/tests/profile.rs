//! Dumps are read, and what is none is refused.
#![allow(clippy::unwrap_used, reason = "tests may give up")]

mod common;

use common::{Dump, Site};
use tinyalloc_command::convert::{collapsed, dhat, pprof};
use tinyalloc_command::profile::{Block, By, Profile, Tally};
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
    let details = text.find("TINYALLOC:").unwrap();
    // At the end of a mapping, nothing shows that more was to come: other allocators end there.
    let is_whole = |end: usize| end > text.find("00400000").unwrap() && end <= details && text[..end].ends_with('\n');
    for end in (0..text.len()).filter(|end| !is_whole(*end)) {
        assert!(Profile::parse(&text.as_bytes()[..end]).is_err(), "{end}: {}", &text[..end]);
    }
    assert!(Profile::parse(text.as_bytes()).is_ok());
}

#[test]
fn foreign_files_and_versions_are_refused() {
    for (bytes, part) in [
        (&b""[..], "is empty"),
        (b"\x7fELF\x02\x01\x01\x00", "is not a heap profile"),
        (b"heap_v2/524288\n  t*: 1: 2 [0: 0]\n", "jemalloc"),
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
    assert_eq!(profile.blocks, [Block { site: 1, bytes: 100, milliseconds: 123, thread: 77 }], "there is no tenth site");
}

/// Digits, letters and lines are changed at random: whatever is still a profile can be listed and
/// converted.
#[test]
fn no_dump_makes_the_command_panic() {
    let text = dump().text() + "{\"block\":{\"site\":1,\"bytes\":100,\"milliseconds\":123,\"thread\":77}}\n";
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
            for by in [By::Live, By::Peak, By::Total] {
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
