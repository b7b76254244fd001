//! Converted profiles have what the dump has, in the form of the tools that read them.
#![allow(clippy::unwrap_used, reason = "tests may give up")]

mod common;

use std::fs::{read, read_to_string, remove_file, write};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::Command;

use common::fixture::{BASE, Fixture, converted, fixture};
use common::{address, has, run, text};
use flate2::read::GzDecoder;
use prost::Message;
use serde_json::{Value, from_str};
use tinyalloc_command::convert::pprof::message::PprofProfile;

fn decoded(path: &PathBuf) -> PprofProfile {
    let mut bytes = Vec::new();
    GzDecoder::new(&*read(path).unwrap()).read_to_end(&mut bytes).unwrap();
    PprofProfile::decode(&*bytes).unwrap()
}

fn string(profile: &PprofProfile, number: i64) -> &str {
    &profile.string_table[usize::try_from(number).unwrap()]
}

#[test]
fn pprof_has_types_values_and_chains() {
    let fixture = fixture();
    let profile = decoded(&converted(&fixture, "pprof", "live"));
    let types: Vec<&str> = profile.sample_type.iter().map(|kind| string(&profile, kind.kind)).collect();
    assert_eq!(types, ["alloc_objects", "alloc_space", "inuse_objects", "inuse_space"]);
    assert_eq!(string(&profile, profile.default_sample_type), "inuse_space");
    assert_eq!((profile.string_table[0].as_str(), profile.period), ("", 524_288));
    let values: Vec<&[i64]> = profile.sample.iter().map(|sample| &*sample.value).collect();
    assert_eq!(values, [[90, 9_100_000, 30, 3_100_000], [1, 2_000_000, 0, 0], [1, 2_000_000, 0, 0]]);
    let chain = |sample: usize| -> Vec<(&str, i64)> {
        let locations = profile.sample[sample].location_id.iter();
        let lines = locations.flat_map(|id| &profile.location.iter().find(|location| location.id == *id).unwrap().line);
        let function = |id: u64| profile.function.iter().find(|function| function.id == id).unwrap();
        lines.map(|line| (string(&profile, function(line.function_id).name), line.line)).collect()
    };
    assert_eq!(chain(0), [("make_buffer", 2), ("main", 4)]);
    assert_eq!(chain(1), [("make_table", 3), ("main", 4), ("0x1000", 0)]);
}

#[test]
fn pprof_has_the_mappings_and_what_is_known_of_them() {
    let fixture = fixture();
    let profile = decoded(&converted(&fixture, "pprof", "live"));
    let mapping = &profile.mapping[0];
    assert_eq!(string(&profile, mapping.filename), text(&fixture.program));
    assert!(mapping.has_functions && mapping.has_filenames && mapping.has_line_numbers && !mapping.has_inline_frames);
    let build_id = run(Command::new("readelf").arg("-n").arg(&fixture.program));
    assert!(build_id.contains(string(&profile, mapping.build_id)), "{build_id}");
    for location in profile.location.iter().filter(|location| location.mapping_id > 0) {
        assert_eq!(location.mapping_id, mapping.id);
        assert!((mapping.memory_start..mapping.memory_limit).contains(&location.address));
    }
    let call = BASE + address(&fixture.program, "main");
    assert!(profile.location.iter().any(|location| location.address == call), "locations are calls, not returns");
}

#[test]
fn pprof_has_the_build_ids_of_the_dump() {
    let fixture = fixture();
    let dump = read_to_string(&fixture.dump).unwrap();
    let module = format!("\n{{\"module\":{{\"start\":{BASE},\"build_id\":\"0123456789abcdef\"}}}}\n{{\"site\"");
    write(&fixture.dump, dump.replacen("\n{\"site\"", &module, 1)).unwrap();
    remove_file(&fixture.program).unwrap();
    let profile = decoded(&converted(&fixture, "pprof", "live"));
    assert_eq!(profile.mapping.len(), 1);
    assert_eq!(string(&profile, profile.mapping[0].build_id), "0123456789abcdef");
}

#[test]
fn pprof_has_the_peak_on_demand() {
    let fixture = fixture();
    let profile = decoded(&converted(&fixture, "pprof", "peak"));
    assert_eq!(string(&profile, profile.default_sample_type), "peak_space");
    assert_eq!(profile.sample[0].value[4..], [40, 4_100_000]);
    let profile = decoded(&converted(&fixture, "pprof", "total"));
    assert_eq!((string(&profile, profile.default_sample_type), profile.sample_type.len()), ("alloc_space", 4));
}

#[test]
fn pprof_has_pinned_memory_on_demand() {
    let fixture = fixture();
    let lines = "{\"block\":{\"site\":0,\"bytes\":64,\"pins\":128,\"represents\":640,\"milliseconds\":1,\"thread\":1}}\n\
                 {\"resident\":{\"own\":1,\"files\":1,\"other\":1}}\n";
    let text = read_to_string(&fixture.dump).unwrap().replace("{\"tinyalloc\"", &format!("{lines}{{\"tinyalloc\""));
    write(&fixture.dump, text.replace("\"bins\":[]", "\"bins\":[{\"size\":64,\"free\":100}]")).unwrap();
    let profile = decoded(&converted(&fixture, "pprof", "pinned"));
    assert_eq!(string(&profile, profile.default_sample_type), "pinned_space");
    let types: Vec<&str> = profile.sample_type.iter().map(|kind| string(&profile, kind.kind)).collect();
    assert_eq!(types[4..], ["pinned_objects", "pinned_space"]);
    assert_eq!(profile.sample[0].value[2..], [30, 3_100_000, 10, 1280]);
}

#[test]
fn dhat_has_the_fields_that_the_viewer_asks_for() {
    let fixture = fixture();
    let value: Value = from_str(&read_to_string(converted(&fixture, "dhat", "live")).unwrap()).unwrap();
    for field in
        ["dhatFileVersion", "mode", "verb", "bklt", "bkacc", "tu", "Mtu", "tuth", "cmd", "pid", "tg", "te", "pps", "ftbl"]
    {
        assert!(value.get(field).is_some(), "{field}");
    }
    assert_eq!((&value["dhatFileVersion"], &value["pid"], &value["te"]), (&2.into(), &4321.into(), &5_000_000.into()));
    assert_eq!((&value["cmd"], &value["ftbl"][0]), (&text(&fixture.program).into(), &"[root]".into()));
    let points = value["pps"].as_array().unwrap();
    assert_eq!(points.len(), 2, "the viewer wants each chain once");
    let point = |name: &str| points[0][name].as_u64().unwrap();
    assert_eq!([point("tb"), point("tbk"), point("eb"), point("ebk")], [11_100_000, 91, 3_100_000, 30]);
    assert_eq!([point("gb"), point("gbk"), point("mb"), point("mbk")], [6_100_000, 41, 6_100_000, 41]);
    // Two of half a millisecond, and four of three, for ninety blocks.
    assert_eq!(point("tl"), 13_000 / 6 * 90 + 60);
    let number = |index: usize| usize::try_from(points[0]["fs"][index].as_u64().unwrap()).unwrap();
    let frame = |index: usize| value["ftbl"][number(index)].as_str().unwrap();
    assert!(frame(0).contains(": make_buffer (app.c:2)") && frame(1).contains(": main (app.c:4)"), "{} {}", frame(0), frame(1));
}

/// The fields that valgrind's own files have, ours have too, of the same kind.
#[test]
fn dhat_has_what_files_of_valgrind_have() {
    if !has("valgrind") {
        eprintln!("skipped: valgrind is not installed");
        return;
    }
    let fixture = fixture();
    let theirs = fixture.folder.path().join("valgrind.json");
    run_dhat(&fixture, &theirs);
    let theirs: Value = from_str(&read_to_string(theirs).unwrap()).unwrap();
    let ours: Value = from_str(&read_to_string(converted(&fixture, "dhat", "live")).unwrap()).unwrap();
    let same_kinds = |theirs: &Value, ours: &Value, but: &[&str]| {
        for (name, value) in theirs.as_object().unwrap().iter().filter(|(name, _)| !but.contains(&name.as_str())) {
            let kind = |value: &Value| (value.is_number(), value.is_string(), value.is_array(), value.is_boolean());
            assert_eq!(kind(value), kind(&ours[name]), "{name}");
        }
    };
    same_kinds(&theirs, &ours, &[]);
    assert_eq!(theirs["dhatFileVersion"], ours["dhatFileVersion"]);
    // Accesses are what only valgrind counts: bkacc is false.
    same_kinds(&theirs["pps"][0], &ours["pps"][0], &["rb", "wb", "acc"]);
}

fn run_dhat(fixture: &Fixture, out: &Path) {
    let file = format!("--dhat-out-file={}", out.display());
    let status = Command::new("valgrind").args(["--tool=dhat", "-q", &file]).arg(&fixture.program).output().unwrap();
    assert!(out.exists(), "{status:?}");
}

#[test]
fn collapsed_stacks_add_up() {
    let fixture = fixture();
    for (by, sum) in [("live", 3_100_000), ("peak", 8_100_000), ("total", 13_100_000)] {
        let text = read_to_string(converted(&fixture, "collapsed", by)).unwrap();
        let bytes = text.lines().map(|line| line.rsplit_once(' ').unwrap().1.parse::<u64>().unwrap());
        assert_eq!(bytes.sum::<u64>(), sum, "{by}");
    }
    let text = read_to_string(converted(&fixture, "collapsed", "peak")).unwrap();
    assert_eq!(text, "0x1000;main;make_table 2000000\nmain;make_buffer 6100000\n");
}
