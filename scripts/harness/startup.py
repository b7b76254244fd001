"""What it costs to start a process that hardly allocates."""

import re
import subprocess
from dataclasses import dataclass

from harness.launcher import TOOLS_FOLDER
from harness.measurement import Allocator, Spread, measure_once

ECHOES = 400
LOOP = f"i=0; while [ $i -lt {ECHOES} ]; do /bin/echo $i; i=$((i + 1)); done"


@dataclass(frozen=True)
class StartupRow:
    name: str
    cpu_milliseconds: Spread
    wall_milliseconds: Spread
    peak_kib: Spread
    dirty_kib: Spread


def startup_rows(allocators, rounds):
    """One row for each allocator and, after the first, one for what preloading anything costs."""
    allocators = [allocators[0], Allocator("an empty library", empty_library()), *allocators[1:]]
    samples = {allocator.name: [] for allocator in allocators}
    for turn in range(rounds):
        for position in range(len(allocators)):
            allocator = allocators[(turn + position) % len(allocators)]
            samples[allocator.name].append(sample(allocator.library))
    return [StartupRow(name, *(Spread.of(values) for values in zip(*rows, strict=True))) for name, rows in samples.items()]


def empty_library():
    TOOLS_FOLDER.mkdir(parents=True, exist_ok=True)
    library = TOOLS_FOLDER / "libempty.so"
    subprocess.run(["cc", "-shared", "-fPIC", "-x", "c", "-o", library, "-"], input=b"int nothing;", check=True)
    return library


def sample(library):
    loop, _, _ = measure_once(("/bin/sh", "-c", LOOP), library)
    echo, _, _ = measure_once(("/bin/echo", "hello"), library)
    _, maps, _ = measure_once(("/bin/cat", "/proc/self/smaps_rollup"), library)
    dirty = re.search(r"^Private_Dirty:\s+(\d+) kB", maps, re.M)
    per_echo = 1000 / ECHOES
    return loop.cpu_seconds * per_echo, loop.wall_seconds * per_echo, echo.peak_kib, int(dirty.group(1))
