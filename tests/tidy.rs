//! The documents: links lead somewhere, paths exist, lines are short, and no commit is named.
#![allow(clippy::disallowed_types, clippy::unwrap_used, reason = "tests may allocate and give up")]

use std::collections::HashMap;
use std::fs::{read_dir, read_to_string};
use std::path::{Path, PathBuf};

const COLUMNS_MAX: usize = 100;
/// Built, or not ours.
const SKIPPED_FOLDERS: [&str; 3] = ["target", ".git", "corpus"];
/// Programs write what is in there: it names builds and has long lines.
const RESULTS: &str = "bench/results";
/// Documents whose prose is held to [`COLUMNS_MAX`] and that name no commit: these folders, and the files beside the sources.
const PROSE_FOLDERS: [&str; 2] = ["docs", ".github"];
const HASH_DIGITS: [usize; 2] = [7, 40];
/// What a path in a code span begins with.
const TOP_FOLDERS: [&str; 14] = [
    "bench/",
    "c-tests/",
    "crates/",
    "docs/",
    "embedded/",
    "examples/",
    "fuzz/",
    "include/",
    "packaging/",
    "proof/",
    "scripts/",
    "src/",
    "tests/",
    "tools/",
];
/// Where a malloc and a free are followed through the code.
const DESIGN: &str = "docs/DESIGN.md";
/// It tells of files that were.
const HISTORY: &str = "CHANGELOG.md";

struct Document {
    path: PathBuf,
    text: String,
}

impl Document {
    fn is_prose(&self) -> bool {
        let within = self.path.strip_prefix(root()).unwrap();
        within.parent().is_some_and(|folder| folder.as_os_str().is_empty())
            || PROSE_FOLDERS.iter().any(|folder| within.starts_with(folder))
    }

    fn is(&self, place: &str) -> bool {
        self.path.starts_with(root().join(place))
    }
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn documents() -> Vec<Document> {
    let mut documents = Vec::new();
    collect(root(), &mut documents);
    assert!(documents.len() > 10, "the documents are found");
    documents
}

fn collect(folder: &Path, documents: &mut Vec<Document>) {
    for entry in read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        if path.is_dir() && !SKIPPED_FOLDERS.contains(&name) {
            collect(&path, documents);
        } else if path.extension().is_some_and(|extension| extension == "md") {
            documents.push(Document { text: read_to_string(&path).unwrap(), path });
        }
    }
}

/// The lines outside code blocks, with their numbers.
fn lines_of_prose(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut is_code = false;
    text.lines().zip(1..).filter_map(move |(line, number)| {
        let is_fence = line.trim_start().starts_with("```");
        is_code ^= is_fence;
        (!is_code && !is_fence).then_some((number, line))
    })
}

/// The line without what stands in backquotes.
fn without_code(line: &str) -> String {
    line.split('`').step_by(2).collect()
}

fn code_spans(line: &str) -> impl Iterator<Item = &str> {
    line.split('`').skip(1).step_by(2)
}

/// Where the links of a line lead.
fn targets(line: &str) -> Vec<String> {
    let plain = without_code(line);
    plain.split("](").skip(1).filter_map(|rest| rest.split([')', ' ']).next()).map(String::from).collect()
}

fn is_elsewhere(target: &str) -> bool {
    target.contains("://") || target.starts_with("mailto:")
}

/// As GitHub names the headings of a document.
fn anchors(text: &str) -> Vec<String> {
    let mut seen: HashMap<String, usize> = HashMap::new();
    let headings = lines_of_prose(text).filter(|(_, line)| line.starts_with('#'));
    headings
        .map(|(_, line)| {
            let anchor = anchor(line.trim_start_matches('#').trim());
            let times = seen.entry(anchor.clone()).or_default();
            *times += 1;
            if *times == 1 { anchor } else { format!("{anchor}-{}", *times - 1) }
        })
        .collect()
}

fn anchor(heading: &str) -> String {
    let kept = heading.chars().filter(|letter| letter.is_alphanumeric() || matches!(letter, ' ' | '-' | '_'));
    kept.map(|letter| if letter == ' ' { '-' } else { letter }).collect::<String>().to_lowercase()
}

/// Why a link of the document leads nowhere; None when it leads somewhere.
fn broken(document: &Document, target: &str) -> Option<String> {
    let (file, anchor) = target.split_once('#').unwrap_or((target, ""));
    let path = if file.is_empty() { document.path.clone() } else { document.path.parent().unwrap().join(file) };
    if !path.exists() {
        return Some(format!("{target}: there is no such file"));
    }
    let is_document = path.extension().is_some_and(|extension| extension == "md");
    let is_found =
        anchor.is_empty() || !is_document || anchors(&read_to_string(&path).unwrap()).iter().any(|each| each == anchor);
    (!is_found).then(|| format!("{target}: there is no such heading"))
}

fn is_too_long(line: &str) -> bool {
    let line = line.trim_start();
    let is_link_alone = (line.starts_with("![") || line.starts_with('[')) && line.ends_with(')') && targets(line).len() == 1;
    line.chars().count() > COLUMNS_MAX && !line.starts_with('|') && !is_link_alone
}

fn commits(line: &str) -> Vec<&str> {
    line.split(|letter: char| !letter.is_ascii_alphanumeric()).filter(|word| is_commit(word)).collect()
}

fn is_commit(word: &str) -> bool {
    let is_hexadecimal = word.chars().all(|letter| matches!(letter, '0'..='9' | 'a'..='f'));
    let is_mixed =
        word.contains(|letter: char| letter.is_ascii_digit()) && word.contains(|letter: char| letter.is_ascii_lowercase());
    (HASH_DIGITS[0]..=HASH_DIGITS[1]).contains(&word.len()) && is_hexadecimal && is_mixed
}

fn is_path(span: &str) -> bool {
    let is_plain = span.chars().all(|letter| letter.is_ascii_alphanumeric() || matches!(letter, '/' | '.' | '-' | '_'));
    is_plain && TOP_FOLDERS.iter().any(|folder| span.starts_with(folder)) && !span.contains("NAME")
}

/// A type and something of it, of a code span.
fn item(span: &str) -> Option<(&str, &str)> {
    let (kind, name) = span.split_once("::")?;
    let is_name = |word: &str| !word.is_empty() && word.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '_');
    (is_name(kind) && is_name(name) && kind.starts_with(|letter: char| letter.is_ascii_uppercase())).then_some((kind, name))
}

fn has_word(code: &str, word: &str) -> bool {
    code.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_').any(|each| each == word)
}

fn is_in(sources: &[String], (kind, name): (&str, &str)) -> bool {
    let is_variant = name.starts_with(|letter: char| letter.is_ascii_uppercase());
    let defines = |code: &String| if is_variant { has_word(code, name) } else { code.contains(&format!("fn {name}")) };
    sources.iter().any(|code| defines(code) && has_word(code, kind))
}

fn sources(folder: &Path, found: &mut Vec<String>) {
    for entry in read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(read_to_string(&path).unwrap());
        }
    }
}

/// Fails with every finding, each with its document and line.
fn check(wanted: impl Fn(&Document) -> bool, found: impl Fn(&Document) -> Vec<(usize, String)>) {
    let mut findings = Vec::new();
    for document in documents().iter().filter(|document| wanted(document)) {
        let path = document.path.strip_prefix(root()).unwrap().display();
        findings.extend(found(document).into_iter().map(|(number, text)| format!("{path}:{number}: {text}")));
    }
    assert!(findings.is_empty(), "\n{}", findings.join("\n"));
}

#[test]
fn links_lead_to_files_and_headings() {
    check(
        |_| true,
        |document| {
            let lines = lines_of_prose(&document.text);
            let links = lines.flat_map(|(number, line)| targets(line).into_iter().map(move |target| (number, target)));
            links
                .filter(|(_, target)| !is_elsewhere(target))
                .filter_map(|(number, target)| Some((number, broken(document, &target)?)))
                .collect()
        },
    );
}

#[test]
fn lines_of_prose_have_a_hundred_columns_at_most() {
    check(Document::is_prose, |document| {
        let long = lines_of_prose(&document.text).filter(|(_, line)| is_too_long(line));
        long.map(|(number, line)| (number, format!("{} columns", line.chars().count()))).collect()
    });
}

#[test]
fn no_document_names_a_commit() {
    check(
        |document| document.is_prose() && !document.is(RESULTS),
        |document| {
            let lines = document.text.lines().zip(1..);
            lines.flat_map(|(line, number)| commits(line).into_iter().map(move |word| (number, String::from(word)))).collect()
        },
    );
}

#[test]
fn paths_in_code_spans_exist() {
    check(
        |document| document.is_prose() && !document.is(HISTORY),
        |document| {
            let lines = lines_of_prose(&document.text);
            let spans = lines.flat_map(|(number, line)| code_spans(line).map(move |span| (number, span)));
            let paths = spans.filter(|(_, span)| is_path(span) && !root().join(span).exists());
            paths.map(|(number, span)| (number, format!("{span}: there is no such file"))).collect()
        },
    );
}

#[test]
fn functions_that_the_design_names_exist() {
    let mut code = Vec::new();
    for folder in ["src", "crates"] {
        sources(&root().join(folder), &mut code);
    }
    check(
        |document| document.is(DESIGN),
        |document| {
            let lines = lines_of_prose(&document.text);
            let spans = lines.flat_map(|(number, line)| code_spans(line).map(move |span| (number, span)));
            let unknown = spans.filter(|(_, span)| item(span).is_some_and(|item| !is_in(&code, item)));
            unknown.map(|(number, span)| (number, format!("{span}: no source has it"))).collect()
        },
    );
}

#[test]
fn each_check_can_fail() {
    let document =
        Document { path: root().join("README.md"), text: String::from("# A `b` c\n```\n# no\n```\n## d, e\n## d, e\n") };
    assert_eq!(anchors(&document.text), ["a-b-c", "d-e", "d-e-1"]);
    assert_eq!(targets("[a](b.md#c), `[no](no)`, ![d](e.svg \"f\")"), ["b.md#c", "e.svg"]);
    assert!(broken(&document, "docs/DESIGN.md#signals").is_none());
    assert!(broken(&document, "docs/DESIGN.md#no-such-heading").is_some());
    assert!(broken(&document, "docs/NO_SUCH_FILE.md").is_some());
    assert!(is_too_long(&"word ".repeat(21)) && !is_too_long("word ".repeat(20).trim_end()));
    assert!(!is_too_long(&format!("| {} |", "cell ".repeat(30))));
    assert_eq!(commits("since 4b518ae, of 1048576 bytes at 0x7f3a5c410040, defaced"), ["4b518ae"]);
    let code = [String::from("impl Kind { fn named() {} }")];
    assert_eq!(item("Kind::named"), Some(("Kind", "named")));
    assert!(is_in(&code, ("Kind", "named")) && !is_in(&code, ("Kind", "unnamed")) && !is_in(&code, ("Other", "named")));
    assert!(is_path("src/lib.rs") && !is_path("src/*.rs") && !is_path("bench/workloads/NAME.c"));
}
