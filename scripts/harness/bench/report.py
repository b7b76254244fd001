"""The tables of a run, in Markdown: one document for each question."""

from harness.bench.allocators import OURS
from harness.bench.hit_paths import hit_paths
from harness.bench.limits_report import limits_sections
from harness.bench.ratios import PEAK_AT_MOST, TIME_AT_MOST, best_peer, mean_ratio, misses, ratio, threaded
from harness.bench.scale import TRACED_MOST
from harness.bench.tables import folded, spread_cell, table
from harness.machine import machine_kind

MATRICES = (
    ("time", "Time", "User and system seconds", 1, 3, ""),
    ("wall", "Wall time of the workloads with several threads", "Seconds", 1, 3, ""),
    ("peak", "Peak resident set", "MiB", 1024, 1, ""),
    ("idle", "Resident set after a second of idleness", "MiB", 1024, 1, ""),
    ("trimmed", "Resident set after a trim", "MiB", 1024, 1,
     " After the second of idleness, the program asks the allocator to decommit what is free: malloc_trim, or what the allocator has."
     " Those that have nothing are measured too."),
    ("faults", "Page faults", "Faults", 1, 0, ""),
    ("system calls", "System calls", "Calls", 1, 0,
     f" Of the synthetic workloads at most {TRACED_MOST} % of the work is traced. What redis calls depends on when its event loop wakes up:"
     " its ratios say little."),
)


def documents(results):
    """Each document by its name."""
    comparison = [introduction(results), means_table(results), missed(results), *(matrix(results, *row) for row in MATRICES),
                  failures(results)]
    limits = [*limits_sections(results), *(hit_paths(each.library) for each in results.contestants if each.name == OURS)]
    return {
        "allocators": joined(comparison),
        "limits": joined([f"# Limits, scaling, start-up, instructions\n\n{measured_on(results)}", *limits]),
        "workloads": joined([f"# Every workload\n\n{measured_on(results)} Median, lowest and highest.", *details(results)]),
    }


def report(results):
    return joined(documents(results).values())


def joined(parts):
    return "\n\n".join(part for part in parts if part)


def measured_on(results):
    version = next((each.version for each in results.contestants if each.name == OURS), "is missing")
    return f"Written by `make bench`. Measured on: {machine_kind()}; {OURS} {version}."


def introduction(results):
    settings = results.settings
    rounds = f"medians of {settings['rounds']} rounds" if settings["rounds"] > 1 else "one round"
    lines = [
        "# Beside the other allocators",
        "",
        f"Written by `make bench`. Measured on: {machine_kind()}. Scale {settings['scale']} %, {rounds} in which all allocators take turns. A ratio is to the"
        " best peer *of that workload*, so that no single allocator reaches 1.00 in the means unless it wins everywhere.",
        "", *(f"- **{each.name}** {each.version}" for each in results.contestants),
        *(f"- **{name}** is missing: {' '.join(reason.split())[:300]}" for name, reason in results.absent.items()),
    ]
    return "\n".join(lines)


def means_table(results):
    columns = [(quantity, results.workloads) for quantity in ("time", "peak", "idle", "trimmed", "faults", "system calls")]
    columns.insert(1, ("wall", threaded(results)))
    shown = ["time", "wall time, threaded", "peak", "idle", "trimmed", "page faults", "system calls"]
    wanted = [index for index, (_, workloads) in enumerate(columns) if workloads]
    rows = [[name, *(mean_cell(results, name, *columns[index]) for index in wanted)] for name in results.names()]
    return "## Geometric means of the ratios\n\n" + table(["allocator", *(shown[index] for index in wanted)], rows)


def mean_cell(results, name, quantity, workloads):
    mean, count = mean_ratio(results, name, quantity, workloads)
    if mean is None:
        return "–"
    complete = max(mean_ratio(results, each, quantity, workloads)[1] for each in results.names())
    return f"{mean:.3f}" if count == complete else f"{mean:.3f} (of {count})"


def missed(results):
    found = misses(results, OURS) if OURS in results.names() else []
    heading = f"## Targets missed: time {TIME_AT_MOST:.2f}, peak {PEAK_AT_MOST:.2f} of the best peer, no slower than glibc"
    if not found:
        return f"{heading}\n\nNone."
    rows = [[miss.workload, miss.target, f"{miss.ratio:.2f}", miss.best] for miss in found]
    return f"{heading}\n\n" + table(["workload", "target", "ratio", "to"], rows)


def matrix(results, quantity, title, unit, divisor, digits, note):
    workloads = threaded(results) if quantity == "wall" else results.workloads
    rows = [matrix_row(results, workload.name, quantity, divisor, digits) for workload in workloads]
    rows = [row for row in rows if row]
    return f"## {title}\n\n{unit} of the best peer, and every allocator's ratio to it.{note}\n\n" + table(
        ["workload", "best peer", *results.names()], rows) if rows else ""


def matrix_row(results, workload, quantity, divisor, digits):
    best = best_peer(results, workload, quantity)
    if best is None:
        return None
    ratios = {name: ratio(results, workload, name, quantity) for name in results.names()}
    least = min((value for value in ratios.values() if value is not None), default=None)
    cells = ["–" if value is None else f"**{value:.2f}**" if value == least else f"{value:.2f}" for value in ratios.values()]
    return [workload, f"{best[1] / divisor:,.{digits}f}", *cells]


def failures(results):
    if not results.failures:
        return ""
    lines = [f"- {each['workload']} under {each['allocator']}: {' '.join(each['reason'].split())[:300]}" for each in results.failures]
    return "## What went wrong\n\nThese runs count nowhere.\n\n" + "\n".join(lines)


def details(results):
    return [detail(results, workload) for workload in results.workloads]


def detail(results, workload):
    rows = [detail_row(results, workload.name, name) for name in results.names()]
    header = ["allocator", "seconds", "wall seconds", "peak MiB", "idle MiB", "trimmed MiB", "page faults", "system calls"]
    return folded(f"{workload.name}: {workload.does}", table(header, rows))


def detail_row(results, workload, name):
    columns = (("time", 1, 3), ("wall", 1, 3), ("peak", 1024, 1), ("idle", 1024, 1), ("trimmed", 1024, 1), ("faults", 1, 0), ("system calls", 1, 0))
    return [name, *(spread_cell(results.values(workload, name, quantity), divisor, digits) for quantity, divisor, digits in columns)]
