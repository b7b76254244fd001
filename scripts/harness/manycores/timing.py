"""How long locks are held, in nanoseconds: by a copy of the sources whose locks note it down. Nothing that anybody uses is built like this."""

import os
import platform
import shutil
import subprocess
from dataclasses import dataclass

from harness.failure import Failure, tail
from harness.launcher import CHECKOUT
from harness.manycores.counting import FOLDER, PROGRAM, build_program
from harness.preloading import preloading

SOURCES = FOLDER / "timed"
LOCK = "crates/tinyalloc-alloc/src/support/lock.rs"
LOCKS = ("space", "pool", "another")
COPIED = ("Cargo.toml", "Cargo.lock", "build.rs", "layout.ld", "layout-gnu.ld", "rust-toolchain.toml", "Makefile", "src", "crates", "tools",
          "docs", "README.md", "tests", "examples", "include")
# What the copy has instead.
EDITS = (
    ("self.come_in(thread, patience).map(|way| Guard { lock: self, way })",
     "let asked = timed::ticks();\n        self.come_in(thread, patience).map(|way| {\n            if way == Way::Taken {\n"
     "                timed::taken::<T>(asked);\n            }\n            Guard { lock: self, way }\n        })"),
    ("self.come_to_look(thread).map(|way| View(Guard { lock: self, way }))",
     "let asked = timed::ticks();\n        self.come_to_look(thread).map(|way| {\n            if way == Way::Taken {\n"
     "                timed::taken::<T>(asked);\n            }\n            View(Guard { lock: self, way })\n        })"),
    ("        self.lock.go_out(self.way);",
     "        if self.way == Way::Taken {\n            timed::released::<T>();\n        }\n        self.lock.go_out(self.way);"),
)
MODULE = CHECKOUT / "bench" / "many-cores" / "timed.rs"
OPERATIONS = {"independent": 400_000, "passed-on": 200_000, "exchanged": 200_000, "churn": 12_800, "buffers": 100_000, "large": 20_000}
# A generation of threads that come and go has 64.
OPERATIONS_MIN = 256
THREADS = (2, 64)
SECONDS_MAX = 600


@dataclass(frozen=True)
class Timed:
    """In nanoseconds; half of the holds, 99 of 100, and 99 of 100 waits were shorter than these powers of two in ticks."""

    workload: str
    threads: int
    lock: str
    takes_per_million: float
    mean: int
    half: int
    most: int
    waits: int


def build():
    """The library whose locks are timed."""
    shutil.rmtree(SOURCES, ignore_errors=True)
    SOURCES.mkdir(parents=True)
    for name in COPIED:
        place = CHECKOUT / name
        (shutil.copytree if place.is_dir() else shutil.copy)(place, SOURCES / name)
    lock = SOURCES / LOCK
    text = lock.read_text()
    for old, new in EDITS:
        if text.count(old) != 1:
            raise Failure(f"{LOCK} has changed: it does not have once what is to be timed")
        text = text.replace(old, new)
    lock.write_text(f"{text}\nmod timed {{\n{MODULE.read_text()}}}\n")
    command = ["cargo", "rustc", "--release", "--lib", "--locked", "--no-default-features", "--features", "c-abi", "--target-dir",
               CHECKOUT / "target" / "timed", "--crate-type", "cdylib"]
    done = subprocess.run([str(word) for word in command], cwd=SOURCES, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise Failure(f"the library with timed locks: {tail(done.stderr, 10)}")
    return CHECKOUT / "target" / "timed" / "release" / "libtinyalloc.so"


def is_there():
    return platform.machine() == "x86_64"


def time_all():
    build_program()
    library = build()
    return [timed for workload in OPERATIONS for threads in THREADS for timed in time_one(library, workload, threads)]


def time_one(library, workload, threads):
    operations = max(OPERATIONS[workload] // threads, OPERATIONS_MIN)
    done = subprocess.run([str(word) for word in (PROGRAM, workload, threads, operations)], env=os.environ | preloading(library),
                          capture_output=True, text=True, timeout=SECONDS_MAX, check=False)
    if done.returncode != 0 or not done.stdout.startswith("operations"):
        raise Failure(f"{workload} with {threads} threads ended with {done.returncode}: {tail(done.stderr, 3)}")
    for line in done.stdout.splitlines()[1:]:
        number, takes, *nanoseconds = (int(word) for word in line.split())
        yield Timed(workload, threads, LOCKS[number], takes * 1e6 / (operations * threads), *nanoseconds)

