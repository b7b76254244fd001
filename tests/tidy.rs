//! The documents: links lead somewhere, paths exist, lines are short, and no commit is named. All
//! prose: lines of comments are short, and words that only this project understood are not used.
#![allow(clippy::disallowed_types, clippy::unwrap_used, reason = "tests may allocate and give up")]

use std::collections::HashMap;
use std::fs::{read_dir, read_to_string};
use std::path::{Path, PathBuf};

const COLUMNS_MAX: usize = 100;
/// Built, or not ours.
const SKIPPED_FOLDERS: [&str; 3] = ["target", ".git", "corpus"];
/// Programs write what is in there: it names builds and has long lines.
const RESULTS: &str = "bench/results";
/// Documents whose prose is held to [`COLUMNS_MAX`] and that name no commit: these folders, and the
/// files beside the sources.
const PROSE_FOLDERS: [&str; 2] = ["docs", ".github"];
const HASH_DIGITS: [usize; 2] = [7, 40];
/// What a path in a code span begins with.
const TOP_FOLDERS: [&str; 15] = [
    "bench/",
    "c-tests/",
    "command/",
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
/// One term an entry, with the type or the file that it is about.
const GLOSSARY: &str = "docs/GLOSSARY.md";
const GLOSSARY_LINES_MAX: usize = 2;
/// Where the paths of the glossary are, if they name no folder at the top.
const ENGINE: &str = "crates/tinyalloc-alloc/src";
/// It tells of files that were.
const HISTORY: &str = "CHANGELOG.md";

/// Where comments and strings are prose, and nothing else.
const CODE: [&str; 5] = ["rs", "c", "h", "cpp", "hpp"];
/// Written by programs.
const GENERATED: [&str; 2] = ["bench/results", "docs/figures"];
/// Words of a private dialect, and what to write instead. Alternatives have a bar between them;
/// `..` is up to six words.
const BANNED: [(&str, &str); 22] = [
    ("settle|settles|settled|settling", "say \"fixed\", \"read-only state\", or what happens"),
    ("block|blocks of no bytes", "say \"zero-size allocation\""),
    ("nobody|somebody|whoever", "name the actor: the caller, the owner thread, another thread"),
    ("for|by|to|of|with|from|than who", "name the actor: \"for the thread that\""),
    (". who", "begin with a named actor: \"The thread that\""),
    ("is|are|be|was|were told", "say who knows or receives what"),
    ("face|faces", "say \"API\""),
    ("thread|threads words", "say \"tls\""),
    ("thread|threads s words|word", "say \"tls\""),
    ("thread|threads s first|second|third word", "say \"tls\""),
    ("words of tls|thread|threads|users|heap|heaps", "say \"tls\" or \"user data\""),
    ("give|gives|given|giving|gave .. back", "say release, decommit, uncharge, free or return"),
    ("a|the|its|every|each|other|of member|members", "say \"thread heap\""),
    ("attachment|attachments", "say \"thread heap\" or \"entry of the heap table\""),
    ("slot|slots s seal|seals", "say \"slot signature\": to seal is mseal"),
    ("seal|seals of .. slot|slots", "say \"slot signature\": to seal is mseal"),
    ("link|list|slot is sealed", "say \"signed\": to seal is mseal"),
    ("the|its|every|a seal|seals holds|hold|of", "say \"slot signature\": to seal is mseal"),
    ("unsealed|unseal", "say what holds: a signature, or protection"),
    ("announce|announces|announced|withdraw|withdraws|withdrawn", "say what memcheck does: malloclike, freelike"),
    ("credit|purse", "say \"countdown\" or \"token bucket\""),
    ("stands|standing", "say \"is\", or \"state\""),
];
/// Most words that `..` of a pattern covers.
const GAP_MAX: usize = 6;

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

    fn is_code(&self) -> bool {
        self.path.extension().is_some_and(|extension| CODE.iter().any(|each| extension == *each))
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

/// Everything that people read: documents, manual pages, code, scripts.
fn readable() -> Vec<Document> {
    let mut found = Vec::new();
    collect_if(root(), &is_readable, &mut found);
    found.retain(|document| !GENERATED.iter().any(|place| document.is(place)) && !document.is("tests/tidy.rs"));
    found
}

fn is_readable(path: &Path) -> bool {
    match path.extension().and_then(|extension| extension.to_str()) {
        Some(extension) => ["md", "rs", "c", "h", "cpp", "hpp", "py", "1", "3", "7"].contains(&extension),
        None => path.parent().is_some_and(|folder| ["scripts", "proof", "c-tests"].iter().any(|name| folder.ends_with(name))),
    }
}

fn collect(folder: &Path, documents: &mut Vec<Document>) {
    collect_if(folder, &|path| path.extension().is_some_and(|extension| extension == "md"), documents);
}

fn collect_if(folder: &Path, wanted: &dyn Fn(&Path) -> bool, documents: &mut Vec<Document>) {
    for entry in read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        if path.is_dir() && !SKIPPED_FOLDERS.contains(&name) {
            collect_if(&path, wanted, documents);
        } else if path.is_file() && wanted(&path) {
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

/// What of a line of code people read: its comment, and its strings.
fn prose_of_code(line: &str) -> String {
    let start = line.trim_start();
    let is_comment = ["//", "/*", "* ", "*/"].iter().any(|mark| start.starts_with(mark));
    if is_comment {
        return String::from(start.trim_start_matches(['/', '*', '!']));
    }
    let (code, comment) = line.split_once(" // ").unwrap_or((line, ""));
    let strings = code.split('"').skip(1).step_by(2).collect::<Vec<_>>();
    if strings.is_empty() && comment.is_empty() { String::from("|") } else { format!("| {} | {comment}", strings.join(" | ")) }
}

fn is_of_a_word(letter: char) -> bool {
    letter.is_alphanumeric() || letter == '_'
}

/// A path or a call, as scripts quote them.
fn is_expression(chunk: &str) -> bool {
    chunk.contains("::") || (chunk.contains('.') && chunk.contains('('))
}

/// The words of the text, in lower case, and the marks between them, each with its line.
fn tokens(document: &Document) -> Vec<(usize, String)> {
    let mut tokens = Vec::new();
    for (line, number) in document.text.lines().zip(1..) {
        let prose = if document.is_code() { prose_of_code(line) } else { String::from(line) };
        let plain = without_code(&prose).to_lowercase();
        for chunk in plain.split_whitespace() {
            let chunk = if is_expression(chunk) { "|" } else { chunk };
            let pieces = chunk.split_inclusive(|letter: char| !is_of_a_word(letter));
            for piece in pieces {
                let word = piece.trim_end_matches(|letter: char| !is_of_a_word(letter));
                let mark = piece[word.len()..].trim_matches(['\'', '-', '*', '/', '"']);
                tokens.extend([word, mark].into_iter().filter(|each| !each.is_empty()).map(|each| (number, String::from(each))));
            }
        }
    }
    tokens
}

/// Whether the tokens begin with what the pattern describes.
fn begins(tokens: &[(usize, String)], pattern: &[&str]) -> bool {
    let Some((first, rest)) = pattern.split_first() else {
        return true;
    };
    if *first == ".." {
        let words = tokens.iter().take(GAP_MAX).take_while(|(_, token)| token.chars().all(char::is_alphanumeric)).count();
        return (0..=words).any(|gap| begins(&tokens[gap..], rest));
    }
    tokens.split_first().is_some_and(|((_, token), after)| first.split('|').any(|each| each == token) && begins(after, rest))
}

fn banned(document: &Document) -> Vec<(usize, String)> {
    let tokens = tokens(document);
    let patterns: Vec<(Vec<&str>, &str)> =
        BANNED.iter().map(|(pattern, instead)| (pattern.split(' ').collect(), *instead)).collect();
    let mut findings = Vec::new();
    for at in 0..tokens.len() {
        let matching = patterns.iter().filter(|(pattern, _)| begins(&tokens[at..], pattern));
        findings.extend(matching.map(|(pattern, instead)| (tokens[at].0, format!("\"{}\": {instead}", pattern.join(" ")))));
    }
    findings
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

/// The entries of a glossary: the term, and its lines.
fn entries(text: &str) -> Vec<(&str, Vec<&str>)> {
    let mut entries: Vec<(&str, Vec<&str>)> = Vec::new();
    for line in text.lines() {
        if let Some(term) = line.strip_prefix("- **").and_then(|rest| rest.split("**").next()) {
            entries.push((term, vec![line]));
        } else if let Some((_, lines)) = entries.last_mut() {
            lines.push(line);
        }
    }
    entries
}

/// Whether a code span of the glossary names a type, something of a type, or a file that exists.
fn is_known(sources: &[String], span: &str) -> bool {
    if span.ends_with(".rs") || span.ends_with('/') {
        return [root().to_owned(), root().join(ENGINE), root().join(ENGINE).join("allocator")]
            .iter()
            .any(|folder| folder.join(span).exists());
    }
    item(span).map_or_else(|| sources.iter().any(|code| has_word(code, span)), |item| is_in(sources, item))
}

fn all_sources() -> Vec<String> {
    let mut code = Vec::new();
    for folder in ["src", "crates"] {
        sources(&root().join(folder), &mut code);
    }
    code
}

/// Fails with every finding, each with its document and line.
fn check(wanted: impl Fn(&Document) -> bool, found: impl Fn(&Document) -> Vec<(usize, String)>) {
    check_all(&documents(), wanted, found);
}

fn check_all(documents: &[Document], wanted: impl Fn(&Document) -> bool, found: impl Fn(&Document) -> Vec<(usize, String)>) {
    let mut findings = Vec::new();
    for document in documents.iter().filter(|document| wanted(document)) {
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

/// The comment lines of code that are longer, but for examples, drawings and tables.
fn long_comments(document: &Document) -> Vec<(usize, String)> {
    let mut is_example = false;
    let mut found = Vec::new();
    for (line, number) in document.text.lines().zip(1..) {
        let Some(comment) = ["//", "/*", "* "].iter().find_map(|mark| line.trim_start().strip_prefix(mark)) else {
            is_example = false;
            continue;
        };
        let text = comment.trim_start_matches(['/', '!']).trim_start();
        is_example ^= text.starts_with("```");
        if !is_example && !text.starts_with('|') && line.chars().count() > COLUMNS_MAX {
            found.push((number, format!("{} columns", line.chars().count())));
        }
    }
    found
}

#[test]
fn comments_have_a_hundred_columns_at_most() {
    check_all(&readable(), Document::is_code, long_comments);
}

#[test]
fn prose_uses_the_words_of_the_field() {
    check_all(&readable(), |_| true, banned);
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
    let code = all_sources();
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
fn the_glossary_is_in_order_short_and_true() {
    let code = all_sources();
    let text = read_to_string(root().join(GLOSSARY)).unwrap();
    let entries = entries(&text);
    assert!(entries.is_sorted_by_key(|(term, _)| term.to_lowercase()), "the terms are in alphabetical order");
    for (term, lines) in &entries {
        assert!(lines.len() <= GLOSSARY_LINES_MAX, "{term} takes {} lines", lines.len());
        let place = lines[0].split(['(', ')']).nth(1).unwrap_or_default();
        let unknown: Vec<&str> = code_spans(place).filter(|span| !is_path(span) && !is_known(&code, span)).collect();
        assert!(place.contains('`') && unknown.is_empty(), "{term}: no source has {unknown:?}");
    }
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
    let prose = |text: &str| Document { path: root().join("README.md"), text: String::from(text) };
    for bad in [
        "Nobody frees it.",
        "memory is given\nback",
        "gives what is free in it back",
        "It waits. Who waits",
        "the thread's first word",
    ] {
        assert_eq!(banned(&prose(bad)).len(), 1, "{bad}");
    }
    for good in
        ["`Nobody`, nobody_waits", "gives up. Back to", "the thread who", "the words of a slot", "a sealed page", "Owner::Nobody"]
    {
        assert_eq!(banned(&prose(good)), [], "{good}");
    }
    assert_eq!(prose_of_code("    /// A word."), " A word.");
    assert_eq!(prose_of_code("    call(nobody, \"text\"); // why"), "| text | why");
    let comment = |text: &str| long_comments(&prose(&format!("    /// {text}{}", "word ".repeat(20)))).len();
    assert_eq!((comment(""), comment("| ")), (1, 0));
    let code = [String::from("impl Kind { fn named() {} }")];
    assert_eq!(item("Kind::named"), Some(("Kind", "named")));
    assert!(is_in(&code, ("Kind", "named")) && !is_in(&code, ("Kind", "unnamed")) && !is_in(&code, ("Other", "named")));
    assert_eq!(
        entries("intro\n- **a** (`B`): c\n  d\n- **e**: f"),
        [("a", vec!["- **a** (`B`): c", "  d"]), ("e", vec!["- **e**: f"])]
    );
    assert!(is_known(&code, "Kind") && is_known(&code, "span/mod.rs") && !is_known(&code, "Other") && !is_known(&code, "no.rs"));
    assert!(is_path("src/lib.rs") && !is_path("src/*.rs") && !is_path("bench/workloads/NAME.c"));
}
