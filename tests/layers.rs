//! The layers of docs/DESIGN.md, read off the sources: which crate may use which, which module may
//! use which, and what the core never names.
#![allow(clippy::disallowed_types, clippy::unwrap_used, clippy::absolute_paths, reason = "tests may allocate and give up")]

use std::collections::HashMap;
use std::fs::{read_dir, read_to_string};
use std::path::{Path, PathBuf};

/// Each crate of ours, and those of ours that it may use.
const CRATES: [(&str, &[&str]); 9] = [
    ("crates/tinyalloc-sys", &[]),
    ("crates/tinyalloc-array", &[]),
    ("crates/tinyalloc-list", &[]),
    ("crates/tinyalloc-bitmap", &[]),
    ("crates/tinyalloc-alloc", &["tinyalloc_sys", "tinyalloc_array", "tinyalloc_list", "tinyalloc_bitmap"]),
    ("crates/tinyalloc-embedded", &[]),
    ("crates/tinyalloc-allocator-api", &[]),
    ("crates/tinyalloc-stack", &["tinyalloc_allocator_api"]),
    (
        ".",
        &[
            "tinyalloc_alloc",
            "tinyalloc_allocator_api",
            "tinyalloc_embedded",
            "tinyalloc_file",
            "tinyalloc_stack",
            "tinyalloc_sys",
            "tinyalloc_testing",
        ],
    ),
];
/// Names that allocate, or need a standard library.
const FORBIDDEN: [&str; 6] = ["Vec", "Box", "String", "std", "alloc", "format"];
/// What its feature `alloc` brings: there the caller has a heap, and asks for it.
const WITH_A_HEAP: &str = "crates/tinyalloc-embedded/src/vec.rs";
/// The C library's allocator: ours, once it is loaded.
const ALLOCATION_CALLS: [&str; 8] =
    ["malloc", "calloc", "realloc", "free", "posix_memalign", "aligned_alloc", "memalign", "malloc_usable_size"];
/// The APIs that define those symbols may go from one to the other.
const C_APIS: [&str; 2] = ["src/c", "src/jemalloc"];

struct Source {
    path: PathBuf,
    /// Without comments, strings and tests; lines stay where they are.
    code: String,
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn sources(krate: &str) -> Vec<Source> {
    let mut sources = Vec::new();
    collect(&root().join(krate).join("src"), &mut sources);
    assert!(!sources.is_empty(), "{krate} has sources");
    sources
}

fn collect(directory: &Path, sources: &mut Vec<Source>) {
    for entry in read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, sources);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let code = bare_code(&read_to_string(&path).unwrap());
            sources.push(Source { path, code });
        }
    }
}

/// Code alone: comments, the contents of strings, and what follows `#[cfg(test)]` are gone.
fn bare_code(text: &str) -> String {
    let text = text.split("#[cfg(test)]").next().unwrap();
    text.lines().map(|line| without_strings(line) + "\n").collect()
}

fn without_strings(line: &str) -> String {
    let mut code = String::new();
    let mut in_string = false;
    let mut before = ' ';
    for character in line.chars() {
        if character == '"' && before != '\\' && before != '\'' {
            in_string = !in_string;
        }
        if !in_string {
            code.push(character);
        }
        before = character;
    }
    code.split("//").next().unwrap().to_owned()
}

/// The words of a line of code, with the letters right before and right after each.
fn words(line: &str) -> impl Iterator<Item = (&str, &str, &str)> {
    let is_part = |character: char| character.is_alphanumeric() || character == '_';
    let starts = line
        .char_indices()
        .filter(move |(at, character)| is_part(*character) && !line[..*at].chars().next_back().is_some_and(is_part));
    starts.map(move |(start, _)| {
        let end = line[start..].find(|character| !is_part(character)).map_or(line.len(), |length| start + length);
        (&line[..start], &line[start..end], &line[end..])
    })
}

/// The modules that a file declares, each with the number of its block: blocks are parted by blank
/// lines.
fn modules(code: &str) -> Vec<(String, usize)> {
    let mut block = 0;
    let mut modules = Vec::new();
    for line in code.lines() {
        let declared = line.trim_start_matches("pub(crate) ").trim_start_matches("pub ").strip_prefix("mod ");
        match declared.and_then(|rest| rest.strip_suffix(';')) {
            Some(name) => modules.push((name.to_owned(), block)),
            None if line.trim().is_empty() => block += 1,
            None => {}
        }
    }
    modules
}

/// What follows `prefix` in the code: `crate::a::b` and `crate::{a::b, c}` name `a`, and `a` and
/// `c`.
fn named_after(code: &str, prefix: &str) -> Vec<String> {
    let first_word = |text: &str| words(text).next().map(|(_, word, _)| word.to_owned());
    let mut names = Vec::new();
    for rest in code.split(prefix).skip(1) {
        let Some(group) = rest.strip_prefix('{') else {
            names.extend(first_word(rest));
            continue;
        };
        let mut depth = 0;
        let mut begins = true;
        for (at, character) in group.char_indices() {
            match character {
                '{' => depth += 1,
                '}' if depth == 0 => break,
                '}' => depth -= 1,
                ',' if depth == 0 => begins = true,
                _ if begins && !character.is_whitespace() => {
                    names.extend(first_word(&group[at..]));
                    begins = false;
                }
                _ => {}
            }
        }
    }
    names
}

/// Every use of a module by a sibling that is declared before it.
fn upward_uses(parent: &Source, prefix: &str, siblings: &[Source]) -> Vec<String> {
    let modules = modules(&parent.code);
    let block_of = |name: &str| modules.iter().find(|(module, _)| module == name).map(|(_, block)| *block);
    let mut found = Vec::new();
    for sibling in siblings {
        let name = module_name(&parent.path, &sibling.path);
        let Some(own) = block_of(&name) else {
            continue;
        };
        for used in named_after(&sibling.code, prefix) {
            if block_of(&used).is_some_and(|block| block > own) {
                found.push(format!("{}: {name} uses {used}, which is declared after it", sibling.path.display()));
            }
        }
    }
    found
}

/// The module of the parent's that a file is, or is a part of.
fn module_name(parent: &Path, file: &Path) -> String {
    let is_of_a_folder = parent.ends_with("lib.rs") || parent.ends_with("mod.rs");
    let directory = if is_of_a_folder { parent.parent().unwrap().to_owned() } else { parent.with_extension("") };
    let inside = file.strip_prefix(directory).unwrap_or(Path::new(""));
    inside.iter().next().map(|first| Path::new(first).with_extension("").display().to_string()).unwrap_or_default()
}

/// An inherent method.
struct Method {
    of: String,
    name: String,
    body: String,
}

fn methods(code: &str) -> Vec<Method> {
    let mut found: Vec<Method> = Vec::new();
    let mut implemented: Option<String> = None;
    for line in code.lines() {
        if line.starts_with("impl") && !line.contains(" for ") {
            implemented = words(type_of(line)).next().map(|(_, word, _)| word.to_owned());
        } else if line.starts_with('}') {
            implemented = None;
        }
        let Some(of) = &implemented else {
            continue;
        };
        let declared =
            words(line).find(|(before, _, _)| before.ends_with("fn ") && line.starts_with("    ") && !line.starts_with("     "));
        if let Some((_, name, _)) = declared {
            found.push(Method { of: of.clone(), name: name.to_owned(), body: String::new() });
        }
        if let Some(method) = found.last_mut() {
            method.body.push_str(line);
            method.body.push('\n');
        }
    }
    found
}

/// `Allocator<M> {` of `impl<M: Mapper> Allocator<M> {`.
fn type_of(line: &str) -> &str {
    let rest = line.strip_prefix("impl").unwrap();
    let mut depth = 0;
    for (at, character) in rest.char_indices() {
        match character {
            '<' => depth += 1,
            '>' => depth -= 1,
            ' ' if depth == 0 => return &rest[at..],
            _ => {}
        }
    }
    rest
}

/// The methods of its own type that a body calls: after `self.` and `Self::`, and after the name
/// that closures have for it.
fn called(body: &str) -> impl Iterator<Item = &str> {
    words(body).filter_map(|(before, word, after)| {
        let before = before.trim_end();
        let before = before.strip_suffix('.').or_else(|| before.strip_suffix("::"))?.trim_end();
        let of_its_own = ["self", "this", "Self"].iter().any(|name| before.ends_with(name));
        (of_its_own && after.starts_with(['(', ':'])).then_some(word)
    })
}

/// Every call of a method by one of the same type whose module is declared before the other's:
/// inherent methods need no `use`.
fn upward_calls(parent: &Source, siblings: &[Source]) -> Vec<String> {
    let modules = modules(&parent.code);
    let block_of = |name: &str| modules.iter().find(|(module, _)| module == name).map(|(_, block)| *block);
    let methods_of =
        |source: &Source| block_of(&module_name(&parent.path, &source.path)).map(|block| (block, methods(&source.code)));
    let all: Vec<(usize, Vec<Method>)> = siblings.iter().filter_map(methods_of).collect();
    let homes = all.iter().flat_map(|(block, methods)| methods.iter().map(|method| ((&*method.of, &*method.name), *block)));
    let home: HashMap<(&str, &str), usize> = homes.collect();
    let mut found = Vec::new();
    for (own, methods) in &all {
        for Method { of, name, body } in methods {
            for call in called(body).filter(|call| home.get(&(of, call)).is_some_and(|block| block > own)) {
                found.push(format!("{}: {of}::{name} calls {call}, whose module is declared after it", parent.path.display()));
            }
        }
    }
    found
}

/// How the crate names the modules of a parent: `crate::a::`.
fn crate_path(lib: &Path, parent: &Path) -> String {
    let inside = parent.strip_prefix(lib.parent().unwrap()).unwrap().with_extension("");
    let names = inside.iter().map(|name| name.to_str().unwrap()).filter(|name| *name != "mod");
    names.fold("crate::".into(), |path, name| path + name + "::")
}

#[test]
fn every_crate_uses_only_the_crates_below_it() {
    for (krate, allowed) in CRATES {
        for source in sources(krate) {
            for (_, word, _) in source.code.lines().flat_map(words) {
                let is_ours = CRATES.iter().any(|(_, below)| below.contains(&word));
                assert!(!is_ours || allowed.contains(&word), "{} uses {word}", source.path.display());
            }
        }
        let manifest = read_to_string(root().join(krate).join("Cargo.toml")).unwrap();
        let dependencies = manifest.split("[dependencies]").nth(1).unwrap().split("\n[").next().unwrap();
        for name in dependencies.lines().filter(|line| line.starts_with("tinyalloc")) {
            let name = name.split(['.', ' ', '=']).next().unwrap().replace('-', "_");
            assert!(allowed.contains(&name.as_str()), "{krate} depends on {name}");
        }
    }
}

#[test]
fn every_module_uses_only_those_declared_before_it_and_its_peers() {
    let mut found = Vec::new();
    for (krate, _) in CRATES {
        let sources = sources(krate);
        let lib = sources.iter().find(|source| source.path.ends_with("lib.rs")).unwrap();
        found.extend(upward_uses(lib, "crate::", &sources));
        // A module that has modules of its own keeps them in order, too.
        for parent in sources.iter().filter(|source| !modules(&source.code).is_empty() && !source.path.ends_with("lib.rs")) {
            found.extend(upward_uses(parent, "super::", &sources));
            found.extend(upward_uses(parent, &crate_path(&lib.path, &parent.path), &sources));
        }
    }
    assert!(found.is_empty(), "calls go down, and only down:\n{}", found.join("\n"));
}

#[test]
fn every_method_calls_only_those_of_modules_declared_before_its_own() {
    let mut found = Vec::new();
    let mut seen = 0;
    for (krate, _) in CRATES {
        let sources = sources(krate);
        for parent in sources.iter().filter(|source| !modules(&source.code).is_empty()) {
            found.extend(upward_calls(parent, &sources));
            seen += sources.iter().map(|source| methods(&source.code).len()).sum::<usize>();
        }
    }
    assert!(found.is_empty(), "calls go down, and only down:\n{}", found.join("\n"));
    assert!(seen > 200, "the methods of the engine are seen");
}

/// The engine's layers as the table of docs/DESIGN.md has them, from the lowest up: the second
/// column of its rows, without those of other crates.
fn layers_of_the_table(text: &str) -> Vec<String> {
    let table = text.split("| layer | where |").nth(1).unwrap().split("\n\n").next().unwrap();
    let places = table.lines().filter_map(|row| row.split('|').nth(2)).map(|place| place.trim().trim_matches('`'));
    let ours = places.filter(|place| !place.contains("crates/") && *place != "src/" && !place.starts_with('-'));
    let mut layers: Vec<String> = ours
        .map(|place| place.trim_end_matches('/').trim_end_matches(".rs").to_owned())
        .filter(|name| !name.is_empty())
        .collect();
    layers.reverse();
    layers
}

#[test]
fn the_table_of_the_design_has_the_layers_of_the_engine() {
    let code = bare_code(&read_to_string(root().join("crates/tinyalloc-alloc/src/lib.rs")).unwrap());
    let declared: Vec<String> = modules(&code).into_iter().map(|(name, _)| name).collect();
    assert_eq!(layers_of_the_table(&read_to_string(root().join("docs/DESIGN.md")).unwrap()), declared);
}

#[test]
fn the_core_never_names_what_allocates() {
    for (krate, _) in CRATES {
        for source in sources(krate).iter().filter(|source| !source.path.ends_with(WITH_A_HEAP)) {
            for line in source.code.lines() {
                for (before, word, after) in words(line) {
                    let is_path = after.starts_with("::") && !before.ends_with("::");
                    let is_module = ["std", "alloc"].contains(&word);
                    let is_named = FORBIDDEN.contains(&word) && (!is_module || is_path || before.ends_with("extern crate "));
                    let is_macro =
                        ["vec", "println", "print", "eprintln", "eprint", "dbg"].contains(&word) && after.starts_with('!');
                    let is_named = is_named && (word != "format" || after.starts_with('!'));
                    assert!(!is_named && !is_macro, "{} names {word}: {line}", source.path.display());
                }
            }
        }
        let lib = read_to_string(root().join(krate).join("src/lib.rs")).unwrap();
        assert!(lib.contains("no_std"), "{krate} is no_std");
    }
}

#[test]
fn internal_code_never_calls_the_c_librarys_allocator() {
    for (krate, _) in CRATES {
        let sources = sources(krate);
        for source in
            sources.iter().filter(|source| !C_APIS.iter().any(|api| source.path.starts_with(root().join("./").join(api))))
        {
            for line in source.code.lines() {
                for (before, word, after) in words(line) {
                    let is_own = before.ends_with('.') || before.ends_with("fn ") || before.ends_with("Self::");
                    let is_called = ALLOCATION_CALLS.contains(&word) && after.starts_with('(') && !is_own;
                    assert!(!is_called, "{} calls {word}: {line}", source.path.display());
                }
            }
            let imported = named_after(&source.code, "libc::");
            let allocates = imported.iter().find(|name| ALLOCATION_CALLS.contains(&name.as_str()));
            assert_eq!(allocates, None, "{} imports it", source.path.display());
        }
    }
}

#[test]
fn the_reader_of_these_rules_can_read() {
    let code =
        bare_code("use crate::{a::b, c::{d, e}, f};\nuse crate::g::h; // crate::i\nlet s = \"crate::j\";\n#[cfg(test)] crate::k");
    assert_eq!(named_after(&code, "crate::"), ["a", "c", "f", "g"]);
    let blocks = modules("mod a;\nmod b;\n\n#[cfg(x)]\nmod c;\n");
    assert_eq!(blocks, [("a".into(), 0), ("b".into(), 0), ("c".into(), 1)]);
    let parent = Source { path: "src/lib.rs".into(), code: "mod a;\n\nmod b;\n".into() };
    let upward = Source { path: "src/a.rs".into(), code: "use crate::b::c;".into() };
    let downward = Source { path: "src/b.rs".into(), code: "use crate::a::c;".into() };
    assert_eq!(upward_uses(&parent, "crate::", &[upward, downward]).len(), 1);
    let parent = Source { path: "src/a/mod.rs".into(), code: "pub(crate) mod b;\n\npub(crate) mod c;\n".into() };
    let upward = Source { path: "src/a/b.rs".into(), code: "use super::c::d;".into() };
    assert_eq!(upward_uses(&parent, "super::", &[upward]).len(), 1);
    let low = Source {
        path: "src/a/b.rs".into(),
        code: "impl<M: A<B>> T<M> {\n    fn low(&self) {\n        self\n            .high::<u8>();\n    }\n}\n".into(),
    };
    let high = Source {
        path: "src/a/c.rs".into(),
        code: "impl<M> T<M> {\n    pub fn high(&self) {\n        self.low(|this| this.low());\n    }\n}\n".into(),
    };
    let calls = upward_calls(&parent, &[low, high]);
    assert_eq!(calls.len(), 1, "{calls:?}");
    assert!(calls[0].contains("T::low calls high"));
    let upward = Source { path: "src/a/b.rs".into(), code: "use crate::a::c::d;".into() };
    assert_eq!(crate_path(Path::new("src/lib.rs"), &parent.path), "crate::a::");
    assert_eq!(upward_uses(&parent, "crate::a::", &[upward]).len(), 1);
}
