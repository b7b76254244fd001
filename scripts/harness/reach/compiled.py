"""That the crates compile: for systems that nothing here runs, it is all that is known; for processors that are emulated, it is known sooner."""

import subprocess
from functools import partial
from pathlib import Path

from harness.launcher import CHECKOUT
from harness.reach.target import Target, register

TRIPLES = ("aarch64-apple-darwin", "x86_64-unknown-freebsd")
EMULATED = ("aarch64-unknown-linux-gnu", "riscv64gc-unknown-linux-gnu")
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


def engine(cargo):
    return {
        "the engine and its crates": [*cargo, *packages(ENGINE)],
        "tests of the engine": [*cargo, "--tests", *packages(TESTED)],
        "the crate without the engine": [*cargo, "-p", "tinyalloc", "--no-default-features", "--features", FEATURES],
    }


def libraries(cargo):
    return {"the C libraries": [*cargo, "--lib", "-p", "tinyalloc", "--no-default-features", "--features", "c-abi"]}


def compile_for(triple, commands, checks):
    if not has_target(triple):
        checks.skip(triple, f"needs Rust's target {triple} (scripts/install-test-tools --reach installs what it can)")
        return "not compiled"
    cargo = ["cargo", "check", "--quiet", "--locked", "--target", triple, "--target-dir", "target/elsewhere"]
    for name, command in commands(cargo).items():
        checks.command(f"{triple}: {name}: compiles", command, timeout=SECONDS)
    return "compiled"


def packages(names):
    return [word for name in names for word in ("-p", name)]


PARTS = {triple: partial(compile_for, triple, commands) for triples, commands in ((TRIPLES, engine), (EMULATED, libraries)) for triple in triples}
register(Target("compiled", "macOS and FreeBSD; other processors", "compiled, not run", "", parts=PARTS, is_run=False))
