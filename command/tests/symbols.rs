//! Addresses become functions, files and lines, of programs and libraries of every kind.
#![allow(clippy::unwrap_used, reason = "tests may give up")]

mod common;

use std::fs::{copy, create_dir_all, remove_file, write};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::SystemTime;

use common::{Dump, Site, address, compile, has, mapped, run};
use tempfile::tempdir;
use tinyalloc_command::profile::Profile;
use tinyalloc_command::symbols::{Frame, OtherBuild, Symbols};

const C: &str = "#include <stdlib.h>
static void *hidden(int size) { return malloc(size); }
__attribute__((always_inline)) static inline void *inner(int size) {
    __asm__ volatile(\".globl in_the_inner\\nin_the_inner: nop\");
    return hidden(size + 1);
}
__attribute__((noinline)) void *outer(int size) {
    return inner(size + 2);
}
void *last(void);
int main(void) { return outer(1) == last(); }
void *last(void) { return 0; }
";
const CPP: &str = "namespace foo { struct Bar { int grow(const char *text, int times); }; }
int foo::Bar::grow(const char *text, int times) { return text[times]; }
int main() { return foo::Bar().grow(\"abc\", 1); }
";
const PIE_BASE: u64 = 0x5555_5555_4000;
const LIBRARY_BASE: u64 = 0x7f12_3456_7000;

fn profile(mappings: String) -> Profile {
    let site = Site { callers: vec![1], live: (1, 1, 1, 1), total: (1, 1, 1, 1), ..Site::default() };
    Profile::parse(Dump { interval: 1, sites: vec![site], mappings, ..Dump::default() }.text().as_bytes()).unwrap()
}

/// The calls at the byte of a symbol, as if the call that returns behind it were there.
fn frames_at(path: &Path, base: u64, symbol: u64, folders: Vec<PathBuf>) -> Vec<Frame> {
    Symbols::with_debug_folders(folders).frames(&profile(mapped(path, base)), base + symbol + 1)
}

fn names(frames: &[Frame]) -> Vec<&str> {
    frames.iter().map(|frame| frame.function.as_str()).collect()
}

#[test]
fn position_independent_fixed_and_shared_files_are_told_apart() {
    let folder = tempdir().unwrap();
    let pie = compile(folder.path(), ("a.c", C), &["-g", "-O1", "-fPIE", "-pie"], "pie");
    let fixed = compile(folder.path(), ("a.c", C), &["-g", "-O1", "-fno-pie", "-no-pie"], "fixed");
    let shared = compile(folder.path(), ("a.c", C), &["-g", "-O1", "-fPIC", "-shared"], "libshared.so");
    for (path, base) in [(&pie, PIE_BASE), (&fixed, 0), (&shared, LIBRARY_BASE)] {
        let frames = frames_at(path, base, address(path, "last"), Vec::new());
        assert_eq!(names(&frames), ["last"], "{}", path.display());
        let file = frames[0].file.clone().unwrap();
        assert!(file.ends_with("/a.c") && frames[0].line == Some(12), "{frames:?}");
        assert_eq!(Some(frames[0].module.as_str()), path.file_name().unwrap().to_str());
    }
    // All of them at once, where the addresses alone would not tell them apart.
    let all = profile(mapped(&fixed, 0) + &mapped(&pie, PIE_BASE) + &mapped(&shared, LIBRARY_BASE));
    let mut symbols = Symbols::new();
    for (path, base) in [(&pie, PIE_BASE), (&fixed, 0), (&shared, LIBRARY_BASE)] {
        for name in ["outer", "last", "main"] {
            let frames = symbols.frames(&all, base + address(path, name) + 1);
            assert_eq!(frames.last().unwrap().function, name);
        }
    }
}

#[test]
fn inlined_functions_are_calls_of_their_own() {
    let folder = tempdir().unwrap();
    let path = compile(folder.path(), ("a.c", C), &["-g", "-O2", "-fPIE", "-pie"], "program");
    let frames = frames_at(&path, PIE_BASE, address(&path, "in_the_inner"), Vec::new());
    assert_eq!(names(&frames), ["inner", "outer"]);
    assert_eq!((frames[0].line, frames[1].line), (Some(4), Some(8)));
}

#[test]
fn names_of_cpp_are_readable() {
    let folder = tempdir().unwrap();
    for words in [&["-g"][..], &[]] {
        let path = compile(folder.path(), ("a.cpp", CPP), words, "program");
        let frames = frames_at(&path, PIE_BASE, address(&path, "_ZN3foo3Bar4growEPKci"), Vec::new());
        assert_eq!(names(&frames), ["foo::Bar::grow"]);
        assert_eq!(frames[0].line.is_some(), !words.is_empty());
    }
}

#[test]
fn without_debug_information_there_are_symbols() {
    let folder = tempdir().unwrap();
    let path = compile(folder.path(), ("a.c", C), &["-O0", "-fPIC", "-shared"], "libplain.so");
    let (hidden, last) = (address(&path, "hidden"), address(&path, "last"));
    let at = |symbol| frames_at(&path, LIBRARY_BASE, symbol, Vec::new()).remove(0);
    assert_eq!((at(hidden).function, at(hidden).file), (String::from("hidden"), None));
    run(Command::new("strip").arg(&path));
    assert_eq!(at(last).function, "last");
    // No exported function has this address, and that of the nearest one would be wrong.
    assert_eq!(at(hidden).function, format!("libplain.so+{hidden:#x}"));
}

#[test]
fn names_may_be_long_and_functions_may_have_several() {
    let folder = tempdir().unwrap();
    let name = "long_".repeat(200);
    let code = format!(
        "void {name}(void) {{}}\nvoid other(void) {{}}\nextern __typeof(other) alias __attribute__((alias(\"other\")));\n"
    );
    let path = compile(folder.path(), ("b.c", &code), &["-O0", "-fPIC", "-shared"], "liblong.so");
    let at = |symbol| frames_at(&path, LIBRARY_BASE, address(&path, symbol), Vec::new()).remove(0).function;
    assert_eq!((at(&name), at("other")), (name.clone(), String::from("alias")));
}

/// Moves the debug information into a file of its own.
fn split(path: &Path, debug: &Path, words: &[&str]) {
    run(Command::new("objcopy").arg("--only-keep-debug").arg(path).arg(debug));
    run(Command::new("objcopy").arg("--strip-all").args(words).arg(path));
}

#[test]
fn separate_debug_files_are_found_by_build_id_and_by_link() {
    let folder = tempdir().unwrap();
    let path = compile(folder.path(), ("a.c", C), &["-g", "-O1", "-Wl,--build-id=0xab0123456789"], "program");
    let place = folder.path().join("debug/.build-id/ab");
    create_dir_all(&place).unwrap();
    let main = address(&path, "main");
    split(&path, &place.join("0123456789.debug"), &[]);
    let folders = vec![folder.path().join("debug")];
    assert_eq!(frames_at(&path, PIE_BASE, main, folders.clone()).last().unwrap().line, Some(11));
    assert_eq!(frames_at(&path, PIE_BASE, main, Vec::new())[0].function, format!("program+{main:#x}"));

    let linked = compile(folder.path(), ("a.c", C), &["-g", "-O1", "-Wl,--build-id=none"], "linked");
    let main = address(&linked, "main");
    let debug = folder.path().join("linked.debug");
    let link = format!("--add-gnu-debuglink={}", debug.display());
    split(&linked, &debug, &[&link]);
    assert_eq!(frames_at(&linked, PIE_BASE, main, folders.clone()).last().unwrap().line, Some(11));
    // One of another build is not used.
    copy(place.join("0123456789.debug"), &debug).unwrap();
    assert_eq!(frames_at(&linked, PIE_BASE, main, folders)[0].function, format!("linked+{main:#x}"));
}

#[test]
fn files_of_another_root_are_found_below_it() {
    let root = tempdir().unwrap();
    let inside = root.path().join("opt");
    create_dir_all(&inside).unwrap();
    let path = compile(&inside, ("a.c", C), &["-g", "-O1", "-Wl,--build-id=0xcd0123456789"], "program");
    let main = address(&path, "main");
    let mappings = mapped(&path, PIE_BASE).replace(root.path().to_str().unwrap(), "");
    let frames =
        || Symbols::with_debug_folders(Vec::new()).below(root.path()).frames(&profile(mappings.clone()), PIE_BASE + main + 1);
    assert_eq!((names(&frames()).last(), frames().last().unwrap().line), (Some(&"main"), Some(11)));
    let debug = root.path().join("usr/lib/debug/.build-id/cd");
    create_dir_all(&debug).unwrap();
    split(&path, &debug.join("0123456789.debug"), &[]);
    assert_eq!(frames().last().unwrap().line, Some(11));
    assert!(Symbols::new().frames(&profile(mappings.clone()), PIE_BASE + main + 1)[0].is_unknown());
}

#[test]
fn what_is_missing_is_named_by_its_place() {
    let folder = tempdir().unwrap();
    let path = compile(folder.path(), ("a.c", C), &["-g", "-fPIC", "-shared"], "libgone.so");
    let last = address(&path, "last");
    let maps = mapped(&path, LIBRARY_BASE);
    let name = format!("libgone.so+{last:#x}");
    let frames = |maps: String| Symbols::new().frames(&profile(maps), LIBRARY_BASE + last + 1);
    let deleted: String = maps.lines().map(|line| format!("{line} (deleted)\n")).collect();
    assert_eq!(names(&frames(deleted)), [name.as_str()], "what is there now is another file");
    write(&path, "no ELF file").unwrap();
    assert_eq!(names(&frames(maps.clone())), [name.as_str()]);
    remove_file(&path).unwrap();
    let frames = frames(maps.clone());
    assert_eq!(names(&frames), [name.as_str()]);
    assert!(frames[0].is_unknown() && frames[0].file.is_none());
    assert_eq!(names(&Symbols::new().frames(&profile(maps.clone()), 0x1001)), ["0x1000"]);
    let memory =
        maps + "7fff00000000-7fff00001000 r-xp 00000000 00:00 0 \n7fff00002000-7fff00003000 r-xp 00000000 00:00 0  [vdso]\n";
    assert_eq!(names(&Symbols::new().frames(&profile(memory.clone()), 0x7fff_0000_0011)), ["[anonymous]+0x10"]);
    assert_eq!(names(&Symbols::new().frames(&profile(memory), 0x7fff_0000_2011)), ["[vdso]+0x10"]);
}

#[test]
fn debug_information_may_be_compressed_split_or_of_another_version() {
    let folder = tempdir().unwrap();
    for words in [&["-g", "-gz=zlib"][..], &["-g", "-gdwarf-4"], &["-g", "-gdwarf-3"], &["-g", "-gsplit-dwarf"]] {
        let path = compile(folder.path(), ("a.c", C), &[words, &["-O1", "-fPIE", "-pie"]].concat(), "program");
        let frames = frames_at(&path, PIE_BASE, address(&path, "in_the_inner"), Vec::new());
        assert_eq!(names(&frames), ["inner", "outer"], "{words:?}");
        assert_eq!(frames[1].line, Some(8), "{words:?}");
    }
}

#[test]
fn debug_information_may_be_shared_by_several_files() {
    if !has("dwz") {
        eprintln!("skipped: dwz is not installed");
        return;
    }
    let folder = tempdir().unwrap();
    let words = ["-g", "-O1", "-fPIE", "-pie", "-Wl,--build-id=sha1", "-Wl,--compress-debug-sections=none"];
    let [one, other] = ["one", "other"].map(|name| compile(folder.path(), ("a.c", C), &words, name));
    run(Command::new("dwz").current_dir(folder.path()).args(["-m", "common.debug", "one", "other"]));
    let named = |path: &Path| names(&frames_at(path, PIE_BASE, address(path, "in_the_inner"), Vec::new())).join(" ");
    assert_eq!([named(&one), named(&other)], ["inner outer", "inner outer"]);
    // Another file under its name is none.
    copy(&other, folder.path().join("common.debug")).unwrap();
    assert_ne!(named(&one), "inner outer");
}

/// As Debian's packages of debug files have it: by build-id, with a path from there to what they
/// share.
#[test]
fn debug_files_by_build_id_may_share_what_dwz_found() {
    if !has("dwz") {
        eprintln!("skipped: dwz is not installed");
        return;
    }
    let folder = tempdir().unwrap();
    let words = ["-g", "-O1", "-fPIE", "-pie", "-Wl,--compress-debug-sections=none"];
    let debug = folder.path().join("debug");
    create_dir_all(debug.join(".dwz")).unwrap();
    let programs = ["aa", "bb"].map(|first| {
        let build_id = format!("-Wl,--build-id=0x{first}0123456789");
        let path = compile(folder.path(), ("a.c", C), &[&words[..], &[&build_id]].concat(), first);
        let place = debug.join(".build-id").join(first).join("0123456789.debug");
        create_dir_all(place.parent().unwrap()).unwrap();
        let inner = address(&path, "in_the_inner");
        split(&path, &place, &[]);
        (path, place, inner)
    });
    let mut dwz = Command::new("dwz");
    dwz.current_dir(&debug).args(["-m", ".dwz/common.debug", "-M", "../../.dwz/common.debug"]);
    run(dwz.args(programs.iter().map(|(_, debug, _)| debug)));
    for (path, debug_file, inner) in programs {
        assert!(run(Command::new("readelf").arg("-n").arg("-WS").arg(debug_file)).contains(".gnu_debugaltlink"));
        let frames = frames_at(&path, PIE_BASE, inner, vec![debug.clone()]);
        assert_eq!((names(&frames).join(" "), frames[0].line), (String::from("inner outer"), Some(4)), "{}", path.display());
    }
}

/// How a file is built, where `mapped` takes it to be, and where it begins in memory.
struct Kind {
    words: &'static [&'static str],
    base: u64,
    start: u64,
}

const KINDS: [Kind; 3] = [
    Kind { words: &["-fPIE", "-pie"], base: PIE_BASE, start: PIE_BASE },
    Kind { words: &["-fPIC", "-shared"], base: LIBRARY_BASE, start: LIBRARY_BASE },
    Kind { words: &["-fno-pie", "-no-pie"], base: 0, start: 0x40_0000 },
];
/// Of what was profiled, and of another program.
const BUILDS: [&str; 2] = ["aa0123456789", "bb0123456789"];

impl Kind {
    fn compile(&self, folder: &Path, source: &str, build: &str) -> PathBuf {
        let build_id = format!("-Wl,--build-id=0x{build}");
        compile(folder, ("a.c", source), &[self.words, &["-g", "-O1", &build_id]].concat(), "program")
    }

    /// A dump of it, in which `mark` is behind its path.
    fn profile(&self, path: &Path, mark: &str) -> Profile {
        let site = Site { callers: vec![1], live: (1, 1, 1, 1), total: (1, 1, 1, 1), ..Site::default() };
        let mappings = mapped(path, self.base).lines().map(|line| format!("{line}{mark}\n")).collect();
        let builds = vec![(self.start, String::from(BUILDS[0]))];
        let dump = Dump { interval: 1, sites: vec![site], mappings, builds, ..Dump::default() };
        Profile::parse(dump.text().as_bytes()).unwrap()
    }
}

#[test]
fn files_of_another_build_name_nothing() {
    let folder = tempdir().unwrap();
    for kind in KINDS {
        let path = kind.compile(folder.path(), C, BUILDS[0]);
        let call = kind.base + address(&path, "last") + 1;
        let [profile, deleted] = ["", " (deleted)"].map(|mark| kind.profile(&path, mark));
        let called = |profile: &Profile, symbols: &mut Symbols| symbols.frames(profile, call).last().unwrap().function.clone();
        assert_eq!([&profile, &deleted].map(|profile| called(profile, &mut Symbols::new())), ["last", "last"]);
        // Another program has a function there, too.
        let source = C.replace("last", "lost");
        kind.compile(folder.path(), &source, BUILDS[1]);
        let place = format!("program+{:#x}", call - 1 - kind.start);
        let mut symbols = Symbols::new();
        assert_eq!(called(&profile, &mut symbols), place);
        let others: Vec<(&Path, &OtherBuild)> = symbols.other_builds().collect();
        let other = OtherBuild { wanted: String::from(BUILDS[0]), found: Some(String::from(BUILDS[1])) };
        assert_eq!((others, symbols.newer_files().count()), (vec![(&*path, &other)], 0));
        let newer = Profile { modified: Some(SystemTime::UNIX_EPOCH), ..fitting(&kind, &path) };
        let mut symbols = Symbols::new();
        assert_eq!(called(&newer, &mut symbols), "lost", "a dump that does not say which build it is of");
        assert_eq!((symbols.other_builds().count(), symbols.newer_files().count()), (0, 1));
        remove_file(&path).unwrap();
        let mut symbols = Symbols::new();
        assert_eq!(called(&deleted, &mut symbols), place);
        assert_eq!(symbols.other_builds().count(), 0, "nothing is there that could be taken for it");
    }
}

/// A dump of it that does not say which build it is of.
fn fitting(kind: &Kind, path: &Path) -> Profile {
    profile(mapped(path, kind.base))
}

#[test]
fn what_was_profiled_is_found_among_debug_files() {
    let folder = tempdir().unwrap();
    let (first, rest) = BUILDS[0].split_at(2);
    let debug = folder.path().join("debug");
    let place = debug.join(".build-id").join(first);
    create_dir_all(&place).unwrap();
    let whole = place.join(rest);
    let [separate, kept] = [format!("{rest}.debug"), String::from("kept")].map(|name| place.join(name));
    for kind in KINDS {
        let path = kind.compile(folder.path(), C, BUILDS[0]);
        let call = kind.base + address(&path, "in_the_inner") + 1;
        let profile = kind.profile(&path, " (deleted)");
        copy(&path, &kept).unwrap();
        split(&path, &separate, &[]);
        kind.compile(folder.path(), &C.replace("last", "lost"), BUILDS[1]);
        let named = |folders: Vec<PathBuf>| {
            let mut symbols = Symbols::with_debug_folders(folders);
            let frames = symbols.frames(&profile, call);
            (frames.iter().map(|frame| (frame.function.clone(), frame.line)).collect::<Vec<_>>(), symbols.other_builds().count())
        };
        let calls = vec![(String::from("inner"), Some(4)), (String::from("outer"), Some(8))];
        assert_eq!(named(vec![debug.clone()]), (calls.clone(), 0), "{:?}", kind.words);
        assert_eq!(named(Vec::new()).1, 1);
        // A debug file of another build under its name is none.
        split(&path, &separate, &[]);
        assert_eq!(named(vec![debug.clone()]).1, 1);
        copy(&kept, &whole).unwrap();
        assert_eq!(named(vec![debug.clone()]), (calls, 0));
        remove_file(&whole).unwrap();
    }
}

/// As it is after an upgrade between two dumps.
#[test]
fn one_path_may_have_been_two_builds() {
    let folder = tempdir().unwrap();
    let kind = &KINDS[0];
    let path = kind.compile(folder.path(), C, BUILDS[0]);
    let (first, rest) = BUILDS[0].split_at(2);
    let place = folder.path().join("debug/.build-id").join(first);
    create_dir_all(&place).unwrap();
    let call = kind.base + address(&path, "last") + 1;
    let old = kind.profile(&path, "");
    copy(&path, place.join(rest)).unwrap();
    kind.compile(folder.path(), &C.replace("last", "lost"), BUILDS[1]);
    let mut new = old.clone();
    new.mappings.iter_mut().for_each(|mapping| mapping.build_id = Some(String::from(BUILDS[1])));
    let mut symbols = Symbols::with_debug_folders(vec![folder.path().join("debug")]);
    assert_eq!([&old, &new].map(|profile| symbols.frames(profile, call)[0].function.clone()), ["last", "lost"]);
}
