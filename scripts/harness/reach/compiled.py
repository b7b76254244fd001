"""Systems that nothing here runs: that the crates compile for them is all that is known."""

import subprocess
from functools import partial
from pathlib import Path

from harness.launcher import CHECKOUT
from harness.reach.target import Target, register

TRIPLES = {"aarch64-apple-darwin": "macOS", "x86_64-unknown-freebsd": "FreeBSD"}
ENGINE = ("tinyalloc-sys", "tinyalloc-alloc", "tinyalloc-file", "tinyalloc-stack", "tinyalloc-embedded", "tinyalloc-allocator-api",
          "tinyalloc-testing", "tinyalloc-array", "tinyalloc-list", "tinyalloc-bitmap")
# Their tests as well.
TESTED = ("tinyalloc-sys", "tinyalloc-alloc")
# The crate tinyalloc without the heap of the process.
FEATURES = "global-alloc,stack,testing,file,allocator-api2-04"
SECONDS = 1800


def has_target(triple):
    done = subprocess.run(["rustc", "--print", "target-libdir", "--target", triple], cwd=CHECKOUT, capture_output=True, text=True, check=False)
    return done.returncode == 0 and Path(done.stdout.strip()).is_dir()


def missing():
    return [f"Rust's target {triple}" for triple in TRIPLES if not has_target(triple)]


def compile_for(triple, checks):
    cargo = ["cargo", "check", "--quiet", "--locked", "--target", triple, "--target-dir", "target/elsewhere"]
    commands = {
        "the engine and its crates": [*cargo, *packages(ENGINE)],
        "tests of the engine": [*cargo, "--tests", *packages(TESTED)],
        "the crate without the engine": [*cargo, "-p", "tinyalloc", "--no-default-features", "--features", FEATURES],
    }
    for name, command in commands.items():
        checks.command(f"{triple}: {name}: compiles", command, timeout=SECONDS)
    return "compiled"


def packages(names):
    return [word for name in names for word in ("-p", name)]


register(Target("compiled", "macOS and FreeBSD", "compiled, not run", "", parts={triple: partial(compile_for, triple) for triple in TRIPLES},
                missing=missing, is_run=False))
