"""Time and peak memory of one command under several allocators, taken in turns."""

import os
import statistics
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from harness.failure import Failure, tail
from harness.launcher import Launch

TIMEOUT_SECONDS = 300
# How the launcher is asked to have the program run: with the huge pages that it asks for, or with none.
HUGE_PAGES, SMALL_PAGES = "pipes", "pipes-without-huge-pages"


@dataclass(frozen=True)
class Allocator:
    """A name to show and the library to preload; None is the system malloc."""

    name: str
    library: Path | None


@dataclass(frozen=True)
class Spread:
    """The median of the rounds, and the lowest and the highest."""

    median: float
    low: float
    high: float

    @staticmethod
    def of(values):
        return Spread(statistics.median(values), min(values), max(values))


def measure_once(command, library, *, env=None, feed=None, folder=None, seconds=TIMEOUT_SECONDS, mode=HUGE_PAGES):
    """What the command cost and what it printed; a Failure when it did not end well in that many seconds."""
    with tempfile.TemporaryDirectory(prefix="tinyalloc-measure-") as reports:
        launch = Launch(command, Path(reports) / "report", library, mode, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                        stderr=subprocess.PIPE, env=os.environ | {"LC_ALL": "C.UTF-8"} | (env or {}), cwd=folder)
        try:
            output, errors = launch.process.communicate((feed or "").encode(), timeout=seconds)
        except subprocess.TimeoutExpired:
            raise Failure(f"{command[0]} with {library} did not end in {seconds} s") from None
        finally:
            launch.end()
        ended = launch.ended()
    if ended.code != 0 or b"cannot be preloaded" in errors:
        raise Failure(f"{command[0]} with {library} ended with {ended.code}:\n{tail(errors.decode(errors='replace'))}")
    return ended.cost, output.decode(errors="replace"), errors.decode(errors="replace")


def measure_in_turns(workloads, allocators, rounds):
    """Costs by (workload name, allocator name). The order turns with each round, so that no one always follows the same other."""
    costs = {}
    for turn in range(rounds):
        for workload in workloads:
            for position in range(len(allocators)):
                allocator = allocators[(turn + position) % len(allocators)]
                cost = workload.run(allocator.library)
                costs.setdefault((workload.name, allocator.name), []).append(cost)
        print(f"round {turn + 1} of {rounds}", file=sys.stderr, flush=True)
    return costs
