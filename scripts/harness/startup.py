"""What it costs to start a process that hardly allocates."""

import re
import subprocess

from harness.launcher import TOOLS_FOLDER
from harness.measurement import Allocator, measure_once

EMPTY = "an empty library"


def startup_samples(allocators, rounds, starts):
    """By name a list of samples, one a round; among the names one for what preloading anything costs."""
    allocators = [*allocators, Allocator(EMPTY, empty_library())]
    samples = {allocator.name: [] for allocator in allocators}
    for turn in range(rounds):
        for position in range(len(allocators)):
            allocator = allocators[(turn + position) % len(allocators)]
            samples[allocator.name].append(sample(allocator.library, starts))
    return samples


def empty_library():
    TOOLS_FOLDER.mkdir(parents=True, exist_ok=True)
    library = TOOLS_FOLDER / "libempty.so"
    subprocess.run(["cc", "-shared", "-fPIC", "-x", "c", "-o", library, "-"], input=b"int nothing;", check=True)
    return library


def sample(library, starts):
    loop = f"i=0; while [ $i -lt {starts} ]; do /bin/echo $i; i=$((i + 1)); done"
    echoes, _, _ = measure_once(("/bin/sh", "-c", loop), library)
    echo, _, _ = measure_once(("/bin/echo", "hello"), library)
    shell, _, _ = measure_once(("/bin/sh", "-c", ":"), library)
    _, maps, _ = measure_once(("/bin/cat", "/proc/self/smaps_rollup"), library)
    return {"cpu ms": echoes.cpu_seconds * 1000 / starts, "wall ms": echoes.wall_seconds * 1000 / starts, "echo KiB": echo.peak_kib,
            "shell KiB": shell.peak_kib, "dirty KiB": int(re.search(r"^Private_Dirty:\s+(\d+) kB", maps, re.M).group(1))}
