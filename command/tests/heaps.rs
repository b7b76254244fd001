//! Heaps of a program that runs under the library, side by side.
#![allow(clippy::unwrap_used, reason = "tests may give up")]

mod common;
#[path = "common/profiled.rs"]
mod profiled;

use std::path::Path;
use std::process::Command;

use common::{compile, library, text, tinyalloc};
use profiled::Profiled;
use serde_json::{Value, from_str};
use tempfile::tempdir;

const MEBIBYTE: f64 = 1_048_576.0;
/// 8 MiB in the global heap, 4 in one with a limit, 2 in another one, and a heap that ended.
const SOURCE: &str = "#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include \"tinyalloc.h\"
static void *find(const char *name) { return dlsym(RTLD_DEFAULT, name); }
int main(void) {
    ta_heap_t *(*create)(const ta_heap_options_t *) = find(\"ta_heap_create\");
    void *(*allocate)(ta_heap_t *, size_t) = find(\"ta_heap_malloc\");
    int (*destroy)(ta_heap_t *) = find(\"ta_heap_destroy\");
    ta_heap_options_t options = {.size = sizeof options, .name = \"tenant\", .limit = 16 << 20};
    ta_heap_t *tenant = create(&options), *other = create(NULL), *ended = create(NULL);
    for (int i = 0; i < 4096; i++) {
        void *volatile block = malloc(2048);
        if (block == NULL || allocate(tenant, 1024) == NULL || allocate(other, 512) == NULL) return 1;
        if (allocate(ended, 512) == NULL) return 1;
    }
    destroy(ended);
    puts(\"ready\");
    fflush(stdout);
    for (;;) pause();
}
";

fn is_near(estimate: &Value, truth: f64) -> bool {
    (estimate.as_f64().unwrap() - truth).abs() <= truth * 0.2
}

#[test]
fn isolated_heaps_are_beside_the_global_one() {
    let Some(library) = library() else { return };
    let folder = tempdir().unwrap();
    let include = Path::new(env!("CARGO_MANIFEST_DIR")).join("../include");
    let words = ["-g", "-O1", "-I", text(&include)];
    let program = compile(folder.path(), ("heaps.c", SOURCE), &words, "heaps");
    let program = Profiled::start(&mut Command::new(program), &library, folder.path(), "4K");
    let run = tinyalloc(&["heaps", "--json", text(program.dump())]).succeeded();
    let value: Value = from_str(&run.out).unwrap();
    let [global, tenant, other] = &value["heaps"].as_array().unwrap()[..] else { panic!("{value}") };
    assert!(global["number"] == 0 && is_near(&global["live_bytes"], 8.0 * MEBIBYTE), "{value}");
    assert!(tenant["name"] == "tenant" && is_near(&tenant["live_bytes"], 4.0 * MEBIBYTE), "{value}");
    assert!(tenant["limit_bytes"] == 16 << 20 && is_near(&tenant["charged_bytes"], 4.3 * MEBIBYTE), "{value}");
    assert!(other["name"] == "" && is_near(&other["live_bytes"], 2.0 * MEBIBYTE) && other["limit_bytes"].is_null(), "{value}");
}
