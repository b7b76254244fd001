"""The table of what the Criterion benches of bench/rust measured."""

import json
import re
import statistics
from pathlib import Path

from harness.bench.peers import locked_version
from harness.bench.tables import NOTHING, table
from harness.machine import machine, machine_kind, today

OURS, SYSTEM = "tinyalloc", "System"


def rust_report(folder, lock, failed):
    """`failed`: how a run failed, by "pattern/allocator"."""
    medians = medians_of(folder)
    known = [*medians, *((pattern, allocator) for pattern, _, allocator in (name.rpartition("/") for name in failed))]
    patterns = sorted({pattern for pattern, _ in known}, key=naturally)
    allocators = sorted({allocator for _, allocator in known}, key=lambda name: (name != OURS, name == SYSTEM, name.lower()))
    rows = [row(medians, pattern, allocators) for pattern in patterns]
    means = ["geometric mean of the ratios", "", *(mean(medians, patterns, allocator, allocators) for allocator in allocators)]
    return (f"# Through Rust's GlobalAlloc\n\nWritten by `make bench-rust`. Measured on: {machine_kind()}. Nanoseconds of the fastest other"
            " allocator (Criterion's median), and every allocator's ratio to it; each is called as a global allocator is, through one call"
            f" that is not inlined.\n\n{versions(allocators, lock)}\n\n"
            + table(["pattern", "best other", *allocators], [*rows, means]) + failures(failed))


def rust_data(folder, lock):
    """The same for programs: nanoseconds by pattern and allocator."""
    medians = medians_of(folder)
    patterns = sorted({pattern for pattern, _ in medians}, key=naturally)
    others = sorted({allocator for _, allocator in medians} - {OURS, SYSTEM}, key=str.lower)
    return {"date": today(), "machine": machine(), "versions": {name: locked_version(lock, name) for name in others},
            "nanoseconds": {pattern: {name: value for (other, name), value in medians.items() if other == pattern} for pattern in patterns}}


def medians_of(folder):
    """Nanoseconds by (pattern, allocator)."""
    found = {}
    for path in sorted(Path(folder).glob("*/*/new/estimates.json")):
        described = json.loads((path.parent / "benchmark.json").read_text())
        found[described["group_id"], described["function_id"]] = json.loads(path.read_text())["median"]["point_estimate"]
    return found


def naturally(text):
    return [int(part) if part.isdigit() else part for part in re.split(r"(\d+)", text)]


def best_other(medians, pattern, allocators):
    return min((medians[pattern, name] for name in allocators if name != OURS and (pattern, name) in medians), default=None)


def ratios(medians, pattern, allocators):
    best = best_other(medians, pattern, allocators)
    return {name: medians[pattern, name] / best for name in allocators if best and (pattern, name) in medians}


def row(medians, pattern, allocators):
    known, best = ratios(medians, pattern, allocators), best_other(medians, pattern, allocators)
    least = min(known.values(), default=None)
    cells = [NOTHING if name not in known else f"**{known[name]:.2f}**" if known[name] == least else f"{known[name]:.2f}"
             for name in allocators]
    return [pattern, f"{best:,.1f}" if best else NOTHING, *cells]


def mean(medians, patterns, allocator, allocators):
    known = [ratios(medians, pattern, allocators).get(allocator) for pattern in patterns]
    return f"{statistics.geometric_mean(known):.3f}" if all(known) else NOTHING


def versions(allocators, lock):
    others = [name for name in allocators if name not in (OURS, SYSTEM)]
    return f"Compared: {', '.join(f'{name} {locked_version(lock, name)}' for name in others)}."


def failures(failed):
    return "".join(f"\n\n**{name.rpartition('/')[2]}** failed in {name.rpartition('/')[0]}: it {ending}." for name, ending in failed.items())
