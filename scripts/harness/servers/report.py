"""What the runs found: a table in the terminal, and docs/SERVERS.md with its table and plots."""

import json
import statistics
import subprocess
import tempfile
from pathlib import Path

from harness.bench.plots import drawing_python
from harness.bench.tables import number_cell, table
from harness.launcher import CHECKOUT
from harness.machine import machine_kind

DOCUMENT = CHECKOUT / "docs" / "SERVERS.md"
FIGURES = CHECKOUT / "docs" / "figures" / "servers"
DRAWING = Path(__file__).resolve().parent / "draw.py"
BEGIN = "<!-- measured: written by make bench-servers -->"
END = "<!-- end of what was measured -->"
HEAD = ("service", "allocator", "answers/s", "p50, ms", "p99, ms", "peak, MiB", "idle, MiB")


def rows_of(services, allocators, runs):
    return [row for service in services for allocator in allocators for row in row_of(service, allocator, runs.get((service.name, allocator.name)))]


def row_of(service, allocator, runs):
    """Medians of the rounds."""
    if not runs:
        return []
    median = lambda value: statistics.median(value(run) for run in runs)  # noqa: E731
    return [(service.name, allocator.name, number_cell(median(lambda run: run.load.throughput), 0),
             number_cell(median(lambda run: run.load.median_ms), 2), number_cell(median(lambda run: run.load.p99_ms), 2),
             number_cell(median(lambda run: run.peak_mib), 1), number_cell(median(lambda run: run.idle_mib), 1))]


def print_table(services, allocators, runs, refused):
    for row in (HEAD, *rows_of(services, allocators, runs)):
        print(f"{row[0]:15} {row[1]:12} " + " ".join(f"{cell:>10}" for cell in row[2:]))
    for (service, allocator), reason in refused.items():
        print(f"{service} with {allocator}: {reason}")


def write_document(services, allocators, runs, refused, arguments):
    text = DOCUMENT.read_text()
    before, rest = text.split(BEGIN, 1)
    _, after = rest.split(END, 1)
    lines = [f"{machine_kind()}. Each run: {arguments.seconds} seconds of load, {arguments.idle} without; medians of {arguments.rounds}.",
             table(HEAD, rows_of(services, allocators, runs)), *refusals(refused), *(f"![{name}](figures/servers/{name}.svg)" for name in drawn(runs))]
    DOCUMENT.write_text(f"{before}{BEGIN}\n\n" + "\n\n".join(lines) + f"\n\n{END}{after}")
    print(f"wrote {DOCUMENT.relative_to(CHECKOUT)}")


def refusals(refused):
    return [f"Not measured: {', '.join(f'{service} with {allocator}' for service, allocator in refused)}."] if refused else []


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
