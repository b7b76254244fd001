//! The invariants that unsafe code rests on: each identifier is defined once in its crate, and what
//! a comment cites is defined there.
//!
//! A documentation comment defines: `Invariant S1: ...`, `Invariants. S1: ... S2: ...`, or a list
//! whose items begin `- S1: ...`. Everything else cites.
#![allow(clippy::disallowed_types, clippy::unwrap_used, clippy::absolute_paths, reason = "tests may allocate and give up")]

use std::collections::BTreeMap;
use std::fs::{read_dir, read_to_string};
use std::path::{Path, PathBuf};
use std::slice::from_ref;

/// An identifier in a comment.
#[derive(Debug, PartialEq, Eq)]
struct Mention {
    identifier: String,
    defines: bool,
    line: usize,
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The folders of sources, one for every crate.
fn crates() -> Vec<PathBuf> {
    let members = read_dir(root().join("crates")).unwrap().map(|entry| entry.unwrap().path());
    let mut crates: Vec<PathBuf> = members.chain([root().to_owned()]).map(|krate| krate.join("src")).collect();
    crates.sort();
    crates
}

fn files(directory: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// A line's comment, and whether it documents.
fn comment(line: &str) -> Option<(&str, bool)> {
    let text = line.trim_start().strip_prefix("//")?;
    match text.strip_prefix(['/', '!']) {
        Some(documentation) => Some((documentation.trim(), true)),
        None => Some((text.trim(), false)),
    }
}

/// Where identifiers begin: a capital letter and a digit that no letter, digit, or hyphen is next
/// to.
fn identifiers(comment: &str) -> impl Iterator<Item = usize> {
    let bytes = comment.as_bytes();
    let is_part = |at: usize| bytes.get(at).is_some_and(|byte| byte.is_ascii_alphanumeric() || b"_-`".contains(byte));
    (0..bytes.len().saturating_sub(1)).filter(move |at| {
        let is_first = *at == 0 || !is_part(*at - 1);
        is_first && bytes[*at].is_ascii_uppercase() && bytes[*at + 1].is_ascii_digit() && !is_part(*at + 2)
    })
}

fn mentions(text: &str) -> Vec<Mention> {
    let mut found = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let Some((comment, documents)) = comment(line) else {
            continue;
        };
        for at in identifiers(comment) {
            let defines = documents && comment[at + 2..].starts_with(':');
            found.push(Mention { identifier: comment[at..at + 2].to_owned(), defines, line: number + 1 });
        }
    }
    found
}

/// What is wrong with the invariants of one crate's files.
fn faults(files: &[(String, String)]) -> Vec<String> {
    let mut defined: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut cited = Vec::new();
    for (path, text) in files {
        for mention in mentions(text) {
            let place = format!("{path}:{}", mention.line);
            if mention.defines {
                defined.entry(mention.identifier).or_default().push(place);
            } else {
                cited.push((mention.identifier, place));
            }
        }
    }
    let twice = defined.iter().filter(|(_, places)| places.len() > 1);
    let twice = twice.map(|(identifier, places)| format!("{identifier} is defined more than once: {}", places.join(", ")));
    let nowhere = cited.iter().filter(|(identifier, _)| !defined.contains_key(identifier));
    let nowhere = nowhere.map(|(identifier, place)| format!("{place} cites {identifier}, which is defined nowhere in its crate"));
    twice.chain(nowhere).collect()
}

#[test]
fn every_invariant_is_defined_once_and_only_such_are_cited() {
    let mut found = Vec::new();
    for krate in crates() {
        let path_in_repository = |path: &Path| path.strip_prefix(root()).unwrap().display().to_string();
        let sources: Vec<_> =
            files(&krate).iter().map(|path| (path_in_repository(path), read_to_string(path).unwrap())).collect();
        assert!(!sources.is_empty(), "{} has sources", krate.display());
        found.extend(faults(&sources));
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn an_invariant_that_is_missing_or_there_twice_is_noticed() {
    let file = |path: &str, text: &str| (path.to_owned(), text.to_owned());
    let one = file(
        "one.rs",
        "/// Invariants. S1: it is one. S2: it is the other.\n/// - Q1: and a third\n// SAFETY: S1, Q1: as promised.\n",
    );
    assert_eq!(faults(from_ref(&one)), [""; 0]);
    assert_eq!(faults(&[one.clone(), file("two.rs", "// SAFETY: it stays mapped (S2, H1).")]).len(), 1, "H1 is defined nowhere");
    assert_eq!(faults(&[one.clone(), file("two.rs", "/// Invariant S2: it is something else.")]).len(), 1, "S2 is there twice");
    assert_eq!(faults(&[one, file("two.rs", "// On a Cortex-M0, of `L1` and U64 nothing is promised.")]), [""; 0]);
}
