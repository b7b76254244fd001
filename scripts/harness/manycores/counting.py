"""Runs one workload with so many threads under valgrind, and reads what tools/lines makes of the trace."""

import os
import re
import shutil
import subprocess
import tempfile
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from harness.callgrind import atomic_addresses
from harness.failure import Failure, tail
from harness.launcher import CHECKOUT
from harness.manycores.library import lock_code, lock_names, symbols_of
from harness.preloading import allocator_name, preloading

SOURCE = CHECKOUT / "bench" / "many-cores" / "turns.c"
FOLDER = CHECKOUT / "target" / "many-cores"
PROGRAM = FOLDER / "turns"
READER = CHECKOUT / "target" / "release" / "tinyalloc-lines"
PEER = CHECKOUT / "target" / "bench" / "peers" / "libmimalloc-2.so"
THREADS = (1, 2, 4, 8, 16, 32, 64)
STACKS, STACK_BYTES, STACKS_MAX = "stacks", 256 << 10, 64
# Operations of each thread; large blocks take long, and threads come and go with each 64.
OPERATIONS = {"independent": 256, "passed-on": 256, "exchanged": 256, "churn": 256, "buffers": 128, "large": 96}
TRACING = ("valgrind", "-q", "--tool=lackey", "--trace-mem=yes", "--trace-sched=yes", "--trace-syscalls=yes", "--fair-sched=yes")
# All of them take the lock that Linux has for the memory of a process.
MEMORY_CALLS = ("mmap", "munmap", "mremap", "mprotect", "madvise")
SECONDS_MAX = 1800


@dataclass(frozen=True)
class LockUse:
    """Of one lock, in a whole run: `refusals` found it held."""

    name: str
    takes: int
    refusals: int
    instructions: int
    lines: int
    calls: int
    longest: int


@dataclass
class Count:
    """Of one run: what the allocator executed, and lines that moved for it; those that moved for the program; calls by name."""

    allocator: str
    workload: str
    threads: int
    operations: int
    instructions: int = 0
    atomics: int = 0
    lines: int = 0
    program_lines: int = 0
    calls: dict = field(default_factory=dict)
    locks: list = field(default_factory=list)
    functions: Counter = field(default_factory=Counter)

    @property
    def memory_calls(self):
        return sum(self.calls.get(name, 0) for name in MEMORY_CALLS)


def missing():
    return [name for name in ("valgrind", "cc", "objdump", "nm", "cargo") if not shutil.which(name)]


def build_program():
    FOLDER.mkdir(parents=True, exist_ok=True)
    # Where things are in the program has to be known before it runs, and the library is to see its clock.
    run("cc", "-O2", "-no-pie", "-fno-builtin", "-pthread", "-rdynamic", "-Wall", "-Wextra", "-o", PROGRAM, SOURCE, "-ldl")


def build_reader():
    run("cargo", "build", "--release", "--locked", "--quiet", "-p", "tinyalloc-lines")


def run(*command):
    done = subprocess.run([str(word) for word in command], cwd=CHECKOUT, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise Failure(f"{command[0]}: {tail(done.stderr, 10)}")
    return done.stdout


def count_all(library, threads, only=None):
    """By allocator, workload and number of threads."""
    build_program()
    build_reader()
    libraries = [library] + ([PEER] if PEER.exists() else [])
    wanted = [(each, workload, number) for each in libraries for workload in OPERATIONS if not only or workload in only for number in threads]
    # The longest begin first.
    wanted.sort(key=lambda one: (one[1] == "large", one[2]), reverse=True)
    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        counts = list(pool.map(lambda one: count_one(*one), wanted))
    return {(count.allocator, count.workload, count.threads): count for count in counts}


def count_one(library, workload, threads):
    operations = OPERATIONS[workload]
    with tempfile.TemporaryDirectory(prefix="many-cores-", dir=FOLDER) as folder:
        base_file = Path(folder) / "base"
        output = traced(library, [PROGRAM, workload, threads, operations, "turns", base_file], base_file)
        base = int(base_file.read_text().split()[0], 16)
    count = Count(allocator_name(library), workload, threads, operations * threads)
    return read(output, base, library, count)


def traced(library, command, base_file):
    """What the reader says of a run."""
    places = {name: address for address, name in symbols_of(PROGRAM)}
    stacks = places[STACKS]
    takes, releases = lock_code(library)
    marks = [places["counted_begins"], places["counted_ends"], stacks, stacks + STACK_BYTES * STACKS_MAX]
    words = [READER, *(f"{mark:x}" for mark in marks), base_file, *(",".join(f"{each:x}" for each in code) for code in (takes, releases))]
    # The trace goes through a pipe: it has gigabytes.
    reading, writing = os.pipe()
    environment = os.environ | preloading(library)
    traced_command = [*TRACING, f"--log-fd={writing}", *command]
    program = subprocess.Popen([str(word) for word in traced_command], env=environment, pass_fds=[writing], stdout=subprocess.DEVNULL)
    os.close(writing)
    try:
        reader = subprocess.run([str(word) for word in words], stdin=reading, capture_output=True, text=True, timeout=SECONDS_MAX, check=False)
    finally:
        os.close(reading)
        program.wait(timeout=SECONDS_MAX)
    if program.returncode != 0 or reader.returncode != 0:
        raise Failure(f"{allocator_name(library)}: {' '.join(map(str, command))} ended with {program.returncode}, its reader with {reader.returncode}")
    return reader.stdout


def read(output, base, library, count):
    atomics, names, locks = atomic_addresses(str(library)), Names(library), lock_names(library)
    for line in output.splitlines():
        kind, name, *numbers = line.split()
        numbers = [int(number) for number in numbers]
        if kind == "call":
            count.calls[name] = numbers[0]
        elif kind == "lock":
            count.locks.append(LockUse(locks.get(int(name, 16) - base, "another lock"), *numbers))
        elif kind == "at":
            add_instruction(count, int(name, 16) - base, numbers, atomics, names)
    return count


def add_instruction(count, offset, numbers, atomics, names):
    executed, moved = numbers
    if function := names.of(offset):
        count.instructions += executed
        count.lines += moved
        count.atomics += executed if offset in atomics else 0
        count.functions[function] += moved
    else:
        count.program_lines += moved


class Names:
    """Of functions, by where their code is in the library."""

    def __init__(self, library):
        self.symbols = symbols_of(library)
        sizes = re.findall(r"LOAD\s+\S+\s+0x([0-9a-f]+)\s+\S+\s+\S+\s+0x([0-9a-f]+)", run("readelf", "-lW", library))
        self.end = max(int(start, 16) + int(size, 16) for start, size in sizes)

    def of(self, offset):
        """None: it is not in the library."""
        if not 0 <= offset < self.end:
            return None
        low, high = 0, len(self.symbols)
        while low < high:
            middle = (low + high) // 2
            low, high = (middle + 1, high) if self.symbols[middle][0] <= offset else (low, middle)
        return self.symbols[low - 1][1] if low else "?"
