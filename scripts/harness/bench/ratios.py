"""How far each allocator is from the best peer of each workload."""

import statistics
from dataclasses import dataclass

TIME_AT_MOST = 1.10
PEAK_AT_MOST = 1.25


@dataclass(frozen=True)
class Miss:
    workload: str
    allocator: str
    target: str
    ratio: float
    best: str


def best_peer(results, workload, quantity):
    """(name, median) of the peer with the least; None when no peer has a value."""
    medians = {name: results.median(workload, name, quantity) for name in results.peers()}
    known = {name: value for name, value in medians.items() if value is not None}
    return min(known.items(), key=lambda item: item[1]) if known else None


def ratio(results, workload, allocator, quantity):
    """To the best peer; None where either has no value."""
    best, own = best_peer(results, workload, quantity), results.median(workload, allocator, quantity)
    return own / best[1] if own is not None and best and best[1] else None


def mean_ratio(results, allocator, quantity, workloads=None):
    """The geometric mean over the workloads, and over how many of them it is."""
    names = [workload.name for workload in workloads or results.workloads]
    ratios = [value for value in (ratio(results, name, allocator, quantity) for name in names) if value]
    return (statistics.geometric_mean(ratios), len(ratios)) if ratios else (None, 0)


def threaded(results):
    return [workload for workload in results.workloads if workload.is_threaded]


def misses(results, allocator):
    """Every workload in which the allocator is beyond what is allowed, worst first."""
    found = [miss for workload in results.workloads for miss in misses_of(results, workload, allocator)]
    return sorted(found, key=lambda miss: -miss.ratio)


def misses_of(results, workload, allocator):
    wall = [("wall", TIME_AT_MOST, "wall time")] if workload.is_threaded else []
    limits = [("time", TIME_AT_MOST, "time"), *wall, ("peak", PEAK_AT_MOST, "peak")]
    for quantity, limit, shown in limits:
        value = ratio(results, workload.name, allocator, quantity)
        if value and value > limit:
            best = best_peer(results, workload.name, quantity)[0]
            yield Miss(workload.name, allocator, f"{shown} at most {limit:.2f} of the best peer", value, best)
    own, glibc = (results.median(workload.name, name, "time") for name in (allocator, "glibc"))
    if own and glibc and own > glibc:
        yield Miss(workload.name, allocator, "no slower than glibc", own / glibc, "glibc")


def summary(results):
    """The geometric means, by allocator and quantity."""
    rows = {}
    for name in results.names():
        rows[name] = {quantity: mean_ratio(results, name, quantity)[0] for quantity in ("time", "peak", "faults", "idle", "trimmed", "system calls")}
        rows[name]["wall of threaded"] = mean_ratio(results, name, "wall", threaded(results))[0] if threaded(results) else None
    return rows


def every_ratio(results):
    """By workload and allocator, of time and peak."""
    return {workload.name: {name: {quantity: ratio(results, workload.name, name, quantity) for quantity in ("time", "peak")}
                            for name in results.names()} for workload in results.workloads}
