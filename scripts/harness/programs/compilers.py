"""gcc, g++, make, rustc, cargo."""

import hashlib
import os
import random
import subprocess
from functools import cache
from pathlib import Path

from harness.catalogue import program


def c_source(functions):
    """A C program with this many functions that call each other; the same text every time."""
    numbers = random.Random(7)
    rows = ["#include <stdio.h>", "#include <stdlib.h>", "#include <string.h>", "struct item { int key; double weight; char name[16]; };"]
    for number in range(functions):
        a, b, c = (numbers.randint(2, 9999) for _ in range(3))
        callee = f"step{numbers.randrange(number)}(item, depth - 1)" if number else "depth"
        rows.append(f"""
static long step{number}(struct item *item, int depth) {{
    long sum = {a};
    if (depth <= 0) return sum;
    for (int i = 0; i < {b % 13 + 2}; i++) {{
        item->key ^= (int)(sum * {b} + i);
        item->weight += item->key % {c} / 3.0;
        switch (item->key & 3) {{ case 0: sum += i; break; case 1: sum -= {c}; break; default: sum ^= item->key; }}
    }}
    snprintf(item->name, sizeof item->name, "%ld", sum);
    return sum + (long)strlen(item->name) + {callee};
}}""")
    calls = "".join(f"    total += step{number}(&item, 5);\n" for number in range(0, functions, 3))
    rows.append(f"int main(void) {{\n    struct item item = {{0}};\n    long total = 0;\n{calls}")
    rows.append('    printf("%ld %d\\n", total, item.key);\n}')
    return "\n".join(rows) + "\n"


CPP_SOURCE = """
#include <algorithm>
#include <future>
#include <iostream>
#include <map>
#include <memory>
#include <new>
#include <numeric>
#include <regex>
#include <sstream>
#include <string>
#include <unordered_map>
#include <vector>
struct alignas(64) Wide { double values[8]{}; };
struct Shape { virtual ~Shape() = default; virtual double area() const = 0; };
struct Square : Shape { double side; explicit Square(double s) : side(s) {} double area() const override { return side * side; } };
int main() {
    std::map<std::string, std::vector<int>> words;
    for (int i = 0; i < 20000; i++) words["w" + std::to_string(i * 7919 % 997)].push_back(i);
    std::unordered_map<std::string, std::shared_ptr<Shape>> shapes;
    for (auto &[word, list] : words) shapes[word] = std::make_shared<Square>(list.size());
    double area = 0;
    for (auto &[word, list] : words) area += shapes[word]->area();
    std::vector<std::unique_ptr<Wide>> wides;
    bool aligned = true;
    for (int i = 0; i < 1000; i++) { wides.push_back(std::make_unique<Wide>()); aligned &= (size_t)wides.back().get() % 64 == 0; }
    std::vector<std::future<long>> parts;
    for (int part = 0; part < 8; part++) parts.push_back(std::async(std::launch::async, [part] {
        std::vector<std::string> list;
        for (int i = 0; i < 5000; i++) list.push_back(std::string(i % 100, char('a' + part)));
        std::sort(list.begin(), list.end());
        return std::accumulate(list.begin(), list.end(), 0L, [](long sum, const std::string &s) { return sum + (long)s.size(); });
    }));
    long length = 0;
    for (auto &part : parts) length += part.get();
    bool thrown = false;
    // Called by name, for the compiler may leave out a new-expression with its delete.
    try { ::operator delete(::operator new((size_t)1 << 62)); } catch (const std::bad_alloc &) { thrown = true; }
    thrown &= ::operator new((size_t)1 << 62, std::nothrow) == nullptr;
    std::string text = std::regex_replace(std::string(3000, 'a') + "b", std::regex("a{3}"), "c");
    std::cout << words.size() << ' ' << area << ' ' << aligned << ' ' << length << ' ' << thrown << ' ' << text.size() << '\\n';
}
"""


def digest(path):
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()


@program("gcc")
def gcc(session):
    """compiles a large C file, the object the same to the byte, and runs it"""
    session.write("large.c", c_source(session.size(200, 800)))
    session.run("gcc", "-O2", "-c", "large.c", "-o", "large.o")
    session.keep("object", digest(session.folder / "large.o"))
    session.run("gcc", "large.o", "-o", "large")
    session.run("./large")
    session.write("wrong.c", "int main(void) { return missing(1, ; }\n")
    session.run("gcc", "-c", "wrong.c", expect=1)


@program("g++")
def gpp(session):
    """compiles templates and runs them: containers, threads, exceptions, over-aligned new"""
    session.write("large.cpp", CPP_SOURCE)
    session.run("g++", "-std=c++17", session.size("-O0", "-O2"), "-pthread", "large.cpp", "-o", "large")
    session.run("./large")


@program("make", needs=("make", "gcc"))
def make(session):
    """a parallel build of many files, with a nothing-to-do run after it"""
    count = session.size(12, 60)
    for number in range(count):
        session.write(f"part{number}.c", f"int part{number}(void) {{ return {number}; }}\n")
    calls = " + ".join(f"part{number}()" for number in range(count))
    declarations = "".join(f"int part{number}(void);\n" for number in range(count))
    session.write("main.c", f"#include <stdio.h>\n{declarations}int main(void) {{ printf(\"%d\\n\", {calls}); }}\n")
    session.write("Makefile", "OBJECTS := $(patsubst %.c,%.o,$(wildcard *.c))\nall: program\nprogram: $(OBJECTS)\n"
                              "\t@$(CC) -o $@ $^\n%.o: %.c\n\t@$(CC) -c -o $@ $<\n")
    session.run("make", "-j4")
    session.run("./program")
    session.run("make", "-q")
    session.run("make", "-p", "-n", keep=False)


RUST_LIBRARY = """
use std::collections::{BTreeMap, HashMap};
use std::fmt::Display;
pub fn count<'text>(words: impl Iterator<Item = &'text str>) -> BTreeMap<String, usize> {
    let mut counts: HashMap<String, usize> = HashMap::new();
    for word in words { *counts.entry(word.to_string()).or_default() += 1; }
    counts.into_iter().collect()
}
pub fn join<T: Display>(items: &[T]) -> String { items.iter().map(|item| item.to_string()).collect::<Vec<_>>().join(",") }
#[cfg(test)]
mod tests {
    #[test] fn counts_words() { assert_eq!(super::count("a b a".split(' '))["a"], 2); }
    #[test] fn joins() { assert_eq!(super::join(&[1, 2]), "1,2"); }
}
"""

RUST_PROGRAM = """
use std::sync::mpsc::channel;
use std::thread::spawn;
fn main() {
    let text: String = (0..20_000).map(|n| format!("w{} ", n * 7919 % 503)).collect();
    let counts = tiny_words::count(text.split_whitespace());
    let (sender, receiver) = channel();
    for part in 0..8u64 {
        let sender = sender.clone();
        spawn(move || for n in 0..500 { sender.send(vec![part * n; 100].into_boxed_slice()).unwrap(); });
    }
    drop(sender);
    let sum: u64 = receiver.iter().map(|list| list.iter().sum::<u64>()).sum();
    println!("{} {} {}", counts.len(), sum, tiny_words::join(&counts.values().take(5).collect::<Vec<_>>()));
}
"""


@cache
def rust_folder():
    """Where the compiler itself is: on the PATH there is often only rustup's stand-in."""
    sysroot = subprocess.run(["rustc", "--print", "sysroot"], capture_output=True, text=True, check=True).stdout.strip()
    return Path(sysroot) / "bin"


@program("rustc")
def rustc(session):
    """compiles a program of one file and runs it"""
    session.write("words.rs", f"mod tiny_words {{ {RUST_LIBRARY} }}\n{RUST_PROGRAM}")
    session.run(rust_folder() / "rustc", "--edition=2021", "-A", "warnings", "-C", f"opt-level={session.size(0, 3)}", "words.rs",
                clean=lambda _: "")
    session.run("./words")


@program("cargo")
def cargo(session):
    """builds, tests and runs a small crate offline"""
    session.write("Cargo.toml", '[package]\nname = "tiny-words"\nversion = "0.1.0"\nedition = "2021"\n')
    session.write("src/lib.rs", RUST_LIBRARY)
    session.write("src/main.rs", RUST_PROGRAM)
    folder = rust_folder()
    env = {"PATH": f"{folder}:{os.environ['PATH']}", "CARGO_HOME": str(session.folder / "home" / "cargo")}
    session.run(folder / "cargo", "build", "--offline", "-q", env=env, clean=lambda _: "")
    session.run(folder / "cargo", "run", "--offline", "-q", env=env, clean=lambda text: text)
    if session.thorough:
        session.run(folder / "cargo", "test", "--offline", "-q", env=env, keep=False)
