"""What the runs found: a table in the terminal, and docs/SERVERS.md with its table and plots."""

import json
import statistics
import subprocess
import tempfile
from pathlib import Path
from textwrap import fill

from harness.bench.plots import drawing_python
from harness.bench.tables import number_cell, table
from harness.launcher import CHECKOUT
from harness.machine import machine_kind
from harness.servers.run import MINUTE

DOCUMENT = CHECKOUT / "docs" / "SERVERS.md"
FIGURES = CHECKOUT / "docs" / "figures" / "servers"
DRAWING = Path(__file__).resolve().parent / "draw.py"
SPEED = "speed"
MEMORY = "memory"
HEADS = {
    SPEED: ("service", "allocator", "answers/s", "p50, ms", "p99, ms", "peak, MiB", "idle, MiB"),
    MEMORY: ("service", "allocator", "first minute, MiB", "last minute, MiB", "peak, MiB", "idle, MiB", "p99, ms"),
}
CELLS_BEFORE = 2


def rows_of(kind, services, allocators, runs):
    row = speed_row if kind == SPEED else memory_row
    return [row(service, allocator, found) for service in services for allocator in allocators
            if (found := runs.get((service.name, allocator.name)))]


def speed_row(service, allocator, runs):
    """Medians of the rounds."""
    median = lambda value: statistics.median(value(run) for run in runs)  # noqa: E731
    return (service.name, allocator.name, number_cell(median(lambda run: run.load.throughput), 0),
            number_cell(median(lambda run: run.load.median_ms), 2), number_cell(median(lambda run: run.load.p99_ms), 2),
            number_cell(median(lambda run: run.peak_mib), 1), mib_cell(median(lambda run: run.idle_mib)))


def memory_row(service, allocator, runs):
    """Of the one run: means of a minute at its beginning and one at the load's end."""
    run = runs[-1]
    return (service.name, allocator.name, mib_cell(run.mean_mib(0, MINUTE)), mib_cell(run.mean_mib(run.seconds - MINUTE, run.seconds)),
            mib_cell(run.peak_mib), mib_cell(run.idle_mib), number_cell(run.load.p99_ms, 1))


def mib_cell(mib):
    """A service that ends with its load has nothing when it idles."""
    return number_cell(mib or None, 1)


def print_table(kind, services, allocators, runs, refused):
    for row in (HEADS[kind], *rows_of(kind, services, allocators, runs)):
        print(f"{row[0]:15} {row[1]:12} " + " ".join(f"{cell:>17}" for cell in row[CELLS_BEFORE:]))
    for (service, allocator), reason in refused.items():
        print(f"{service} with {allocator}: {reason}")


def write_document(kind, services, allocators, runs, refused, how):
    """Writes what is between the two comments of its kind."""
    begin, end = f"<!-- {kind}: written by make bench-servers -->", f"<!-- end of {kind} -->"
    text = DOCUMENT.read_text()
    before, rest = text.split(begin, 1)
    _, after = rest.split(end, 1)
    plots = [f"![{name}](figures/servers/{name}.svg)" for name in drawn(runs)] if kind == MEMORY else []
    lines = [filled(f"{machine_kind()}. {how}"), table(HEADS[kind], rows_of(kind, services, allocators, runs)), *refusals(refused), *plots]
    DOCUMENT.write_text(f"{before}{begin}\n\n" + "\n\n".join(lines) + f"\n\n{end}{after}")
    print(f"wrote {DOCUMENT.relative_to(CHECKOUT)}")


def refusals(refused):
    """A line for each reason of each service."""
    told = {}
    for (service, allocator), reason in refused.items():
        told.setdefault((service, str(reason).splitlines()[0]), []).append(allocator)
    return [filled(f"{service} was not measured with {', '.join(names)}: {reason}.") for (service, reason), names in told.items()]


def filled(paragraph):
    return fill(paragraph, width=100, break_long_words=False, break_on_hyphens=False)


def drawn(runs):
    """A plot for each service: memory over time, a line for each allocator. The names of those that could be drawn."""
    python = drawing_python()
    if python is None:
        return []
    FIGURES.mkdir(parents=True, exist_ok=True)
    lines = {}
    for (service, allocator), found in runs.items():
        lines.setdefault(service, {})[allocator] = found[-1].memory
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump(lines, file)
        file.flush()
        done = subprocess.run([python, "-B", DRAWING, file.name, FIGURES], check=False)
    return list(lines) if done.returncode == 0 else []
