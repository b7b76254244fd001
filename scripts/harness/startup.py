"""What it costs to start a process that hardly allocates."""

import re
from dataclasses import dataclass

from harness.measurement import Spread, measure_once

ECHOES = 400
LOOP = f"i=0; while [ $i -lt {ECHOES} ]; do /bin/echo $i; i=$((i + 1)); done"


@dataclass(frozen=True)
class StartupRow:
    name: str
    milliseconds: Spread
    peak_kib: Spread
    dirty_kib: Spread


def startup_rows(allocators, rounds):
    samples = {allocator.name: [] for allocator in allocators}
    for turn in range(rounds):
        for position in range(len(allocators)):
            allocator = allocators[(turn + position) % len(allocators)]
            samples[allocator.name].append(sample(allocator.library))
    return [StartupRow(name, *(Spread.of(values) for values in zip(*rows, strict=True))) for name, rows in samples.items()]


def sample(library):
    loop, _, _ = measure_once(("/bin/sh", "-c", LOOP), library)
    echo, _, _ = measure_once(("/bin/echo", "hello"), library)
    _, maps, _ = measure_once(("/bin/cat", "/proc/self/smaps_rollup"), library)
    dirty = re.search(r"^Private_Dirty:\s+(\d+) kB", maps, re.M)
    return loop.wall_seconds / ECHOES * 1000, echo.peak_kib, int(dirty.group(1))
