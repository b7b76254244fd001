"""Small runs of the benchmark's workloads that do the same every time, for the budget: what the library itself costs in each."""

import os
import queue
import re
import shutil
import subprocess
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from harness import callgrind
from harness.bench.patterns import SOURCES, compiled
from harness.bench.workload import counts, traced
from harness.failure import Failure, tail
from harness.launcher import launcher_binary
from harness.measurement import SMALL_PAGES, measure_once

# Their options; of the threaded ones, one thread beside the first at a time: what it leaves, the next one or the first frees.
RUNS = {
    "burst-idle": ("--scale", 10), "falloff": ("--scale", 1, "--threads", 1), "growth": ("--scale", 1), "large-buffers": ("--scale", 5),
    "leak-threads": ("--scale", 5, "--threads", 1), "pattern-c": ("--scale", 1), "random-replacement": ("--scale", 1), "remade-tables": ("--scale", 25),
    "short-threads": ("--scale", 5, "--threads", 1), "sparse-tables": ("--scale", 5), "survivors": ("--scale", 1),
}
# Nothing goes back by time: within an hour; or at all, where what is freed and wanted again depends on how fast the machine is.
WITHIN_AN_HOUR, NEVER = ({"TINYALLOC_OPTIONS": option} for option in ("purge_delay=3600000", "purge=never"))
HURRIED = ("burst-idle", "large-buffers", "pattern-c", "random-replacement")
# The calls that an allocator makes; others are the program's.
CALLS = re.compile(r"mmap|munmap|mremap|mprotect|madvise|process_madvise|brk|futex|membarrier|mseal|prctl")
SECONDS = 60
RUNS_FOR_FAULTS = 3
FAULTS, SYSTEM_CALLS, INSTRUCTIONS, ATOMICS = "page faults", "system calls", "instructions", "atomic operations"
QUANTITIES = (FAULTS, SYSTEM_CALLS, INSTRUCTIONS, ATOMICS)


@dataclass(frozen=True)
class Tolerance:
    """What may differ without a change of the library: a part of the budget, and at least so many."""

    part: float
    least: int

    def of(self, allowed):
        return max(self.least, round(allowed * self.part))


TOLERANCES = {FAULTS: Tolerance(0.03, 12), SYSTEM_CALLS: Tolerance(0.03, 2), INSTRUCTIONS: Tolerance(0.02, 1000), ATOMICS: Tolerance(0.02, 20)}


def measured_runs(library, names, jobs=2):
    """By run and quantity, what the tools that are there count.

    Each run has one processor: how often one thread waits for the end of another is then the program's doing, not the scheduler's."""
    # Before threads want it at the same time.
    launcher_binary()
    programs = {name: compiled(SOURCES / f"{name}.c") for name in names}
    processors = queue.SimpleQueue()
    for each in sorted(os.sched_getaffinity(0))[:jobs]:
        processors.put(each)
    # A process runs where the thread may that started it.
    with ThreadPoolExecutor(processors.qsize(), initializer=lambda: os.sched_setaffinity(0, {processors.get()})) as pool:
        found = pool.map(lambda name: measured(name, programs[name], library), programs)
        return dict(zip(programs, found, strict=True))


def measured(name, program, library):
    command, environment = (program, *RUNS[name]), NEVER if name in HURRIED else WITHIN_AN_HOUR
    # The loader's share, and that of another C library, are in a run that only explains itself, too.
    idle = (program, "--help")
    found = {FAULTS: faults(command, library, environment) - faults(idle, library, environment)}
    if shutil.which("strace"):
        found[SYSTEM_CALLS] = system_calls(command, library, environment) - system_calls(idle, library, environment)
    if callgrind.is_there():
        executed, _ = callgrind.count(command, library, env=environment, seconds=SECONDS, within=Path(library).resolve())
        found |= {INSTRUCTIONS: executed.instructions, ATOMICS: executed.atomics}
    return found


def faults(command, library, environment):
    """The least of some runs: what the system adds differs from run to run. Without huge pages: whether it has any is not the library's doing."""
    return min(measure_once(command, library, env=environment, seconds=SECONDS, mode=SMALL_PAGES)[0].page_faults for _ in range(RUNS_FOR_FAULTS))


def system_calls(command, library, environment):
    with tempfile.TemporaryDirectory(prefix="tinyalloc-trace-") as folder:
        table = Path(folder) / "table"
        variables = [word for name, value in environment.items() for word in ("-E", f"{name}={value}")]
        words = [str(word) for word in (*traced(table, library), *variables, *command)]
        done = subprocess.run(words, capture_output=True, text=True, timeout=SECONDS, check=False)
        if done.returncode != 0:
            raise Failure(f"{command[0]} under strace ended with {done.returncode}: {tail(done.stderr, 5)}")
        return sum(count for name, count in counts(table.read_text()).items() if CALLS.fullmatch(name))


def difference(quantity, count, allowed):
    """How the count leaves its budget; None when it keeps it."""
    tolerance = TOLERANCES[quantity].of(allowed)
    if count > allowed + tolerance:
        return f"{count - allowed:,} above the budget of {allowed:,}, {tolerance:,} are tolerated"
    if count < allowed - tolerance:
        return f"{allowed - count:,} below the budget of {allowed:,}: lower it with scripts/budget --write"
    return None
