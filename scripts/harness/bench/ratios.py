"""How far each allocator is from the best peer of each workload, and whether that is beyond doubt."""

import statistics
from dataclasses import dataclass

from harness.bench.results import COUNTED, JUDGED, WITHOUT_HUGE_PAGES
from harness.intervals import Interval

TIME_AT_MOST = 1.10
PEAK_AT_MOST = 1.25
MISSED, UNDECIDED, MET = "missed", "undecided", "met"
# Of whole programs or of all workloads; of other quantities the mean is over the threaded workloads, or those with huge pages.
MEANS = ("time", "peak", "faults", "idle", "trimmed", "system calls", *(quantity for quantity in COUNTED if quantity != "atomic operations"))


@dataclass(frozen=True)
class Judgement:
    """`ratio` is that of the figures (the least of times), `interval` that of the rounds; `other` is the peer compared with."""

    workload: str
    allocator: str
    quantity: str
    target: str
    ratio: float
    interval: Interval | None
    other: str
    verdict: str


def best_peer(results, workload, quantity):
    """(name, figure) of the peer with the least; None when no peer has a value."""
    figures = {name: results.figure(workload, name, quantity) for name in results.peers()}
    known = {name: value for name, value in figures.items() if value is not None}
    return min(known.items(), key=lambda item: item[1]) if known else None


def ratio(results, workload, allocator, quantity):
    """To the best peer; None where either has no value."""
    best = best_peer(results, workload, quantity)
    return ratio_to(results, workload, allocator, best[0], quantity) if best else None


def ratio_to(results, workload, allocator, other, quantity):
    own, others = (results.figure(workload, name, quantity) for name in (allocator, other))
    return own / others if own is not None and others else None


def mean_ratio(results, allocator, quantity, workloads=None):
    """The geometric mean over the workloads, and over how many of them it is."""
    names = [workload.name for workload in (results.workloads if workloads is None else workloads)]
    ratios = [value for value in (ratio(results, name, allocator, quantity) for name in names) if value]
    return (statistics.geometric_mean(ratios), len(ratios)) if ratios else (None, 0)


def threaded(results):
    return [workload for workload in results.workloads if workload.is_threaded]


def with_huge_pages(results):
    return [workload for workload in results.workloads if results.uses_huge_pages(workload.name)]


def verdict(ratio, interval, limit):
    """Missed or met only where the figures and the whole interval say so."""
    if interval and interval.low > limit and ratio > limit:
        return MISSED
    if interval and interval.high <= limit and ratio <= limit:
        return MET
    return UNDECIDED


def judgements(results, allocator):
    """Every target of every workload, the largest ratio first."""
    found = [judgement for workload in results.workloads for judgement in judgements_of(results, workload, allocator)]
    return sorted(found, key=lambda each: -each.ratio)


def judgements_of(results, workload, allocator):
    wall = [("wall", TIME_AT_MOST, "wall time")] if workload.is_threaded else []
    for quantity, limit, shown in (("time", TIME_AT_MOST, "time"), *wall, ("peak", PEAK_AT_MOST, "peak")):
        best = best_peer(results, workload.name, quantity)
        if best:
            yield from judgement(results, workload.name, allocator, quantity, limit, best[0], f"{shown} at most {limit:.2f} of the best peer")
    yield from judgement(results, workload.name, allocator, "time", 1.0, "glibc", "no slower than glibc")


def judgement(results, workload, allocator, quantity, limit, other, target):
    """One, or none where either has no value."""
    value = ratio_to(results, workload, allocator, other, quantity)
    if value is not None:
        interval = results.interval(workload, allocator, other, quantity)
        yield Judgement(workload, allocator, quantity, target, value, interval, other, verdict(value, interval, limit))


def summary(results):
    """The geometric means, by allocator and quantity."""
    some = {"wall of threaded": ("wall", threaded(results)), "atomic operations of threaded": ("atomic operations", threaded(results)),
            "time" + WITHOUT_HUGE_PAGES: ("time" + WITHOUT_HUGE_PAGES, with_huge_pages(results))}
    means = {quantity: (quantity, results.workloads) for quantity in MEANS} | some
    return {name: {shown: mean_ratio(results, name, *what)[0] for shown, what in means.items()} for name in results.names()}


def every_ratio(results):
    """By workload and allocator, of time and peak; of ours, with the interval to the same peer."""
    return {workload.name: {name: ratios_of(results, workload.name, name) for name in results.names()} for workload in results.workloads}


def ratios_of(results, workload, name):
    found = {quantity: ratio(results, workload, name, quantity) for quantity in JUDGED}
    if name in results.peers():
        return found
    bests = {quantity: best_peer(results, workload, quantity) for quantity in JUDGED}
    intervals = {f"{quantity} interval": results.interval(workload, name, best[0], quantity) for quantity, best in bests.items() if best}
    return found | {shown: [interval.low, interval.high] for shown, interval in intervals.items() if interval}
