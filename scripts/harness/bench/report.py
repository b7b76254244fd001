"""The tables of a run, in Markdown: one document for each question."""

from harness.bench.allocators import OURS, OURS_B
from harness.bench.hit_paths import hit_paths
from harness.bench.limits_report import limits_sections
from harness.bench.ratios import (MET, MISSED, PEAK_AT_MOST, TIME_AT_MOST, UNDECIDED, best_peer, judgements, mean_ratio, ratio, ratio_to,
                                  threaded, with_huge_pages)
from harness.bench.results import COUNTED, WITHOUT_HUGE_PAGES
from harness.bench.scale import COUNTED_SHARE, TRACED_MOST
from harness.bench.tables import NOTHING, folded, interval_cell, least_cell, ratio_cell, spread_cell, table
from harness.machine import machine_kind

LEAST = " The least of the rounds."
COUNTED_ON = (f" Counted by callgrind on about a {COUNTED_SHARE}th of the work, with 32 KiB of first-level and 8 MiB of last-level cache, one thread at"
              " a time. Time passes fifty times as fast there: what an allocator does by the clock, it does more often.")
MATRICES = (
    ("time", "Time", "User and system seconds", 1, 3, LEAST),
    ("time" + WITHOUT_HUGE_PAGES, "Time without huge pages", "User and system seconds", 1, 3,
     LEAST + " The kernel gives no program a huge page here (PR_SET_THP_DISABLE). Only the workloads in which some allocator has any"
     " otherwise: whether it gets them there depends on the memory of the host, too."),
    ("wall", "Wall time of the workloads with several threads", "Seconds", 1, 3, LEAST),
    ("instructions", "Instructions", "Millions", 1e6, 1, COUNTED_ON),
    ("first-level misses", "Misses of the first-level cache", "Thousands", 1e3, 1, COUNTED_ON),
    ("last-level misses", "Misses of the last-level cache", "Thousands", 1e3, 1, COUNTED_ON),
    ("atomic operations", "Atomic operations of the workloads with several threads", "Thousands", 1e3, 1,
     " Executions of lock-prefixed instructions and of xchg with memory in shared libraries: the allocator's and the C library's." + COUNTED_ON),
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


MEANS_SHOWN = {"faults": "page faults"}
SOME_WORKLOADS = {"wall": threaded, "atomic operations": threaded, "time" + WITHOUT_HUGE_PAGES: with_huge_pages}
BESIDE = {WITHOUT_HUGE_PAGES: "without huge pages", "instructions": "instructions", "last-level misses": "last-level misses",
          "atomic operations": "atomics", "faults": "page faults", "system calls": "system calls"}
BETWEEN_BUILDS = ("peak", *COUNTED, "faults", "system calls")
# Column, divisor, digits, and how the values of the rounds are shown.
DETAILS = {
    "time": ("seconds", 1, 3, least_cell), "wall": ("wall seconds", 1, 3, least_cell),
    "time" + WITHOUT_HUGE_PAGES: ("seconds without huge pages", 1, 3, least_cell),
    "peak": ("peak MiB", 1024, 1, spread_cell), "idle": ("idle MiB", 1024, 1, spread_cell), "trimmed": ("trimmed MiB", 1024, 1, spread_cell),
    "faults": ("page faults", 1, 0, spread_cell), "faults" + WITHOUT_HUGE_PAGES: ("without huge pages", 1, 0, spread_cell),
    "system calls": ("system calls", 1, 0, spread_cell), "instructions": ("million instructions", 1e6, 1, spread_cell),
    "first-level misses": ("thousand first-level misses", 1e3, 1, spread_cell),
    "last-level misses": ("thousand last-level misses", 1e3, 1, spread_cell), "atomic operations": ("atomics", 1, 0, spread_cell),
}


def documents(results):
    """Each document by its name."""
    comparison = [introduction(results), means_table(results), builds(results), judged(results), intervals(results), *(matrix(results, *row) for row in MATRICES),
                  uncounted(results), failures(results)]
    limits = [*limits_sections(results), *(hit_paths(each.library) for each in results.contestants if each.name == OURS)]
    return {
        "allocators": joined(comparison),
        "limits": joined([f"# Limits, scaling, start-up, instructions\n\n{measured_on(results)}", *limits]),
        "workloads": joined([f"# Every workload\n\n{measured_on(results)} Of seconds the least and, in"
                              " parentheses, the median; of others the median, lowest and highest.", *details(results)]),
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
    made = [rounds for rounds in results.rounds_made().values() if rounds]
    count = f"{min(made)} to {max(made)}" if made and min(made) < max(made) else max(made, default=0)
    lines = [
        "# Beside the other allocators",
        "",
        f"Written by `make bench`. Measured on: {machine_kind()}. Scale {settings['scale']} %, {count} rounds in which all allocators take turns. Times are the"
        " least of the rounds, all else is the median. A ratio is to the best peer *of that workload*, so that no single allocator reaches 1.00"
        " in the means unless it wins everywhere. An interval is that of the ratio with 95 % confidence, from the ratios within each round"
        " (Hodges and Lehmann, Wilcoxon).",
        "", *(f"- **{each.name}** {each.version}" for each in results.contestants),
        *(f"- **{name}** is missing: {' '.join(reason.split())[:300]}" for name, reason in results.absent.items()),
    ]
    return "\n".join(lines)


def means_table(results):
    quantities = ("time", "peak", "idle", "trimmed", "faults", "system calls", *COUNTED[:-1])
    columns = {MEANS_SHOWN.get(quantity, quantity): (quantity, results.workloads) for quantity in quantities}
    columns |= {"time without huge pages": ("time" + WITHOUT_HUGE_PAGES, with_huge_pages(results)),
                "wall time, threaded": ("wall", threaded(results)), "atomics, threaded": ("atomic operations", threaded(results))}
    wanted = [shown for shown, what in columns.items() if any(mean_ratio(results, name, *what)[1] for name in results.names())]
    rows = [[name, *(mean_cell(results, name, *columns[shown]) for shown in wanted)] for name in results.names()]
    return "## Geometric means of the ratios\n\n" + table(["allocator", *wanted], rows)


def mean_cell(results, name, quantity, workloads):
    mean, count = mean_ratio(results, name, quantity, workloads)
    if mean is None:
        return NOTHING
    complete = max(mean_ratio(results, each, quantity, workloads)[1] for each in results.names())
    return f"{mean:.3f}" if count == complete else f"{mean:.3f} (of {count})"


def judged(results):
    """The targets that are missed, and those of which the rounds do not tell, with the counts of the same pair beside."""
    found = judgements(results, OURS) if OURS in results.names() else []
    by_verdict = {verdict: [each for each in found if each.verdict == verdict] for verdict in (MISSED, UNDECIDED, MET)}
    intro = (f"## Targets missed: time {TIME_AT_MOST:.2f}, peak {PEAK_AT_MOST:.2f} of the best peer, no slower than glibc\n\nMissed: the ratio"
             " and its whole interval are above the target. Undecided: the interval reaches to both sides of it, or the rounds are too few for"
             f" one. Beside are ratios to the same peer: of the same quantity without huge pages, where these make a difference, and of counts. {len(by_verdict[MET])} targets are met.")
    parts = [f"{intro}\n\n{judged_table(results, by_verdict[MISSED])}", f"### Undecided\n\n{judged_table(results, by_verdict[UNDECIDED])}"]
    return "\n\n".join(parts)


def judged_table(results, found):
    if not found:
        return "None."
    rows = [[each.workload, each.target, ratio_cell(each.ratio), interval_cell(each.interval), each.other,
             *(ratio_cell(count_beside(results, each, quantity)) for quantity in BESIDE)] for each in found]
    return table(["workload", "target", "ratio", "interval", "to", *BESIDE.values()], rows)


def count_beside(results, judgement, quantity):
    if quantity == WITHOUT_HUGE_PAGES:
        quantity = judgement.quantity + WITHOUT_HUGE_PAGES
        if not results.uses_huge_pages(judgement.workload):
            return None
    return ratio_to(results, judgement.workload, OURS, judgement.other, quantity)


def builds(results):
    """The second build of tinyalloc beside the first."""
    if not {OURS, OURS_B} <= set(results.names()):
        return ""
    rows = [[each.name, ratio_cell(ratio_to(results, each.name, OURS_B, OURS, "time")),
             interval_cell(results.interval(each.name, OURS_B, OURS, "time")),
             *(ratio_cell(ratio_to(results, each.name, OURS_B, OURS, quantity)) for quantity in BETWEEN_BUILDS)] for each in results.workloads]
    return (f"## {OURS_B} to {OURS}\n\nThe ratio of the least times, its interval, and the ratios of all else.\n\n"
            + table(["workload", "time", "interval", *BETWEEN_BUILDS], rows))


def intervals(results):
    """Of the time of tinyalloc to every peer."""
    peers = results.peers()
    rows = [[each.name, *(interval_cell(results.interval(each.name, OURS, peer, "time")) for peer in peers)] for each in results.workloads]
    if OURS not in results.names() or all(cell == NOTHING for row in rows for cell in row[1:]):
        return ""
    return f"## Intervals: time of {OURS} to each peer\n\n95 % confidence, from the ratios within each round.\n\n" + table(["workload", *peers], rows)


def matrix(results, quantity, title, unit, divisor, digits, note):
    workloads = SOME_WORKLOADS.get(quantity, lambda every: every.workloads)(results)
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
    cells = [f"**{ratio_cell(value)}**" if value is not None and value == least else ratio_cell(value) for value in ratios.values()]
    return [workload, f"{best[1] / divisor:,.{digits}f}", *cells]


def failures(results):
    if not results.failures:
        return ""
    lines = [f"- {each['workload']} under {each['allocator']}: {' '.join(each['reason'].split())[:300]}" for each in results.failures]
    return "## What went wrong\n\nThese runs count nowhere.\n\n" + "\n".join(lines)


def uncounted(results):
    if not results.gaps:
        return ""
    lines = [f"- {allocator}: {look.replace('_', ' ')} of {len(workloads)} workloads: {reason}"
             for (allocator, look, reason), workloads in results.gaps.items()]
    return "## What could not be counted\n\nThe times of these count.\n\n" + "\n".join(lines)


def details(results):
    return [detail(results, workload) for workload in results.workloads]


def detail(results, workload):
    wanted = [quantity for quantity in DETAILS if any(results.values(workload.name, name, quantity) for name in results.names())]
    rows = [detail_row(results, workload.name, name, wanted) for name in results.names()]
    return folded(f"{workload.name}: {workload.does}", table(["allocator", *(DETAILS[quantity][0] for quantity in wanted)], rows))


def detail_row(results, workload, name, quantities):
    columns = ((quantity, *DETAILS[quantity][1:]) for quantity in quantities)
    return [name, *(show(results.values(workload, name, quantity), divisor, digits) for quantity, divisor, digits, show in columns)]
