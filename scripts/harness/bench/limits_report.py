"""The tables of what limits.py measured."""

from statistics import median

from harness.bench.allocators import OURS
from harness.bench.limits import BUMP_GIB, GROWTH_WINDOW
from harness.bench.ratios import best_peer
from harness.bench.tables import NOTHING, number_cell, spread_cell, table
from harness.startup import EMPTY

PAIR_AT_MOST = 1.5
FLAT_WITHIN = 1.10
BURST_LEAVES_MIB = 5
SHELL_AT_MOST_KIB = 200
STARTUP_COLUMNS = ("cpu ms", "wall ms", "echo KiB", "shell KiB", "dirty KiB")


def limits_sections(results):
    sections = {"pair": pair, "bump": bump, "growth": growth, "threads": threads, "burst": burst, "start-up": startup}
    return [section(results) for name, section in sections.items() if name in results.limits]


def pair(results):
    least = results.limits["pair"]["list"]
    rows = [[name, number_cell(ns, 2), number_cell(ns / least, 2)] for name, ns in results.limits["pair"]["pairs"].items()]
    return ("## The limit of a malloc/free pair\n\nNanoseconds of a pair of 64 bytes, and its ratio to an inlined thread-local list of one"
            f" size in the same loop: no call, no lookup, no check, {least:.2f} ns. Target: at most {PAIR_AT_MOST} times the list.\n\n"
            + table(["allocator", "ns", "to the list"], rows))


def bump(results):
    costs = results.limits["bump"]
    rows = [bump_row(results, name, cost) for name, cost in costs.items() if cost]
    beyond = [name for name, cost in costs.items() if not cost]
    parts = ["## The limit of whole programs", f"User and system seconds, and peak MiB, under a bump allocator that never frees and has"
             f" {BUMP_GIB} GiB; beside it, as ratios to it, {OURS} and the best peer. Below 1.00, reusing a block costs less than touching a"
             " fresh one."]
    if rows:
        parts.append(table(["workload", "seconds", OURS, "best peer", "peak MiB", OURS, "best peer"], rows))
    if beyond:
        parts.append(f"These do not fit into its memory: {', '.join(beyond)}.")
    return "\n\n".join(parts)


def bump_row(results, workload, cost):
    cells = [workload]
    for quantity, divisor, digits in (("time", 1, 3), ("peak", 1024, 1)):
        best = best_peer(results, workload, quantity)
        compared = (results.figure(workload, OURS, quantity), best[1] if best else None)
        cells.append(number_cell(cost[quantity] / divisor, digits))
        cells += [number_cell(value / cost[quantity], 2) if value is not None and cost[quantity] else NOTHING for value in compared]
    return cells


def growth(results):
    return ("## Cost of an operation against the number of live blocks\n\nNanoseconds of a free and a malloc of 16 to 112 bytes, at random"
            f" within a window of {GROWTH_WINDOW:,} blocks that wanders over all of them. Target: flat within {FLAT_WITHIN - 1:.0%}."
            f"{page_touch(results)}\n\n" + scaling_table(results.limits["growth"], lambda live: f"{int(live):,}", 1))


def page_touch(results):
    seconds = results.limits.get("page touch seconds")
    return f" A page first touched costs {seconds * 1e6:.2f} microseconds; no allocator grows for less." if seconds else ""


def threads(results):
    return ("## The same work split among threads\n\nProcessor seconds of simple-threads with so many threads, on the same cores."
            f" Target: flat within {FLAT_WITHIN - 1:.0%}.\n\n"
            + scaling_table(results.limits["threads"], lambda count: "1 thread" if count == "1" else f"{count} threads", 3))


def scaling_table(known, shown, digits):
    cases = list(max(known.values(), key=len, default={}))
    rows = [[name, *(number_cell(row.get(case), digits) for case in cases), number_cell(steepness(row, cases), 2)]
            for name, row in known.items()]
    return table(["allocator", *map(shown, cases), "highest to first"], rows)


def steepness(row, cases):
    first = row.get(cases[0])
    return max(row.values()) / first if first else None


def burst(results):
    rows = [[name, *(number_cell(kib / 1024, 1) for kib in (row["before"], row["after"], row["after"] - row["before"]))]
            for name, row in results.limits["burst"].items()]
    mib = max((row["MiB"] for row in results.limits["burst"].values()), default=0)
    return (f"## Resident set after a burst of {mib:,} MiB\n\nMiB a second after everything was freed, beside a process that had no burst."
            f" Target: at most {BURST_LEAVES_MIB} MiB more.\n\n" + table(["allocator", "no burst", "after it", "left"], rows))


def startup(results):
    samples = results.limits["start-up"]
    header = ["allocator", "processor ms", "to glibc", "wall ms", "peak KiB of echo", "peak KiB of sh -c :", "to glibc",
              "dirty KiB of cat"]
    rows = [startup_row(name, samples) for name in samples]
    return ("## Start-up\n\nOne of the many times that a shell, preloaded too, runs /bin/echo; the peak resident sets of an echo and of a"
            f" shell that does nothing (target: at most {SHELL_AT_MOST_KIB} KiB more); the private dirty memory that a cat finds in its own"
            f" smaps_rollup. What preloading anything costs is the row of {EMPTY}.\n\n" + table(header, rows))


def startup_row(name, samples):
    def values(row, column):
        return [sample[column] for sample in samples.get(row, ())]

    cpu, wall, echo, shell, dirty = (spread_cell(values(name, column), 1, digits)
                                     for column, digits in zip(STARTUP_COLUMNS, (3, 3, 0, 0, 0), strict=True))
    return [name, cpu, beside(values(name, "cpu ms"), values("glibc", "cpu ms"), lambda own, glibc: f"{own / glibc:.3f}"), wall, echo,
            shell, beside(values(name, "shell KiB"), values("glibc", "shell KiB"), lambda own, glibc: f"{own - glibc:+.0f}"), dirty]


def beside(own, glibc, show):
    return show(median(own), median(glibc)) if own and glibc else NOTHING
