"""All that was measured in one run, and what is said of it: the least of times, the median of all else, intervals of ratios."""

import json
import statistics
from collections import defaultdict
from dataclasses import asdict, dataclass, field

from harness.failure import without_folders
from harness.intervals import least_repeats, ratio_interval
from harness.launcher import CHECKOUT
from harness.machine import machine, today
from harness.measurement import HUGE_PAGES, SMALL_PAGES, Spread

WITHOUT_HUGE_PAGES = " without huge pages"
SAMPLED = ("time", "wall", "peak", "faults")
COUNTED = ("instructions", "first-level misses", "last-level misses", "atomic operations")
# Seconds, seconds, KiB three times, and counts.
QUANTITIES = ("time", "wall", "peak", "idle", "trimmed", "faults", "system calls", *COUNTED,
              *(quantity + WITHOUT_HUGE_PAGES for quantity in SAMPLED))
# What the machine disturbs, always in the same direction: the least is the truest. All else is the program's own, and its median is usual.
TIMES = ("time", "wall")
JUDGED = ("time", "wall", "peak")
# By how much the page faults of a run differ at least when huge pages were in it.
HUGE_PAGES_CHANGE = 0.05


def quantities(cost):
    """Seconds, KiB and counts, by the names used in results.json."""
    return {"time": cost.cpu_seconds, "user": cost.user_seconds, "system": cost.system_seconds, "wall": cost.wall_seconds,
            "peak": cost.peak_kib, "faults": cost.page_faults}


@dataclass
class Results:
    """`samples[workload][allocator]` is a list of rounds, `small_pages` of those without huge pages; `resting` (idle and trimmed),
    `system_calls` and `counts` (of callgrind) come from one extra run each."""

    settings: dict
    contestants: list
    absent: dict
    workloads: list
    samples: dict = field(default_factory=lambda: defaultdict(lambda: defaultdict(list)))
    small_pages: dict = field(default_factory=lambda: defaultdict(lambda: defaultdict(list)))
    checksums: dict = field(default_factory=lambda: defaultdict(dict))
    resting: dict = field(default_factory=lambda: defaultdict(dict))
    system_calls: dict = field(default_factory=lambda: defaultdict(dict))
    counts: dict = field(default_factory=lambda: defaultdict(dict))
    gaps: dict = field(default_factory=lambda: defaultdict(list))
    failures: list = field(default_factory=list)
    limits: dict = field(default_factory=dict)

    def rounds(self, pages=HUGE_PAGES):
        return self.small_pages if pages == SMALL_PAGES else self.samples

    def add(self, workload, allocator, outcome, turn, pages=HUGE_PAGES):
        self.rounds(pages)[workload][allocator].append({"round": turn} | quantities(outcome.cost))
        known = self.checksums[workload].setdefault(allocator, outcome.checksum)
        if known != outcome.checksum:
            self.fail(workload, allocator, f"printed {outcome.checksum}, in an earlier round {known}")

    def fail(self, workload, allocator, reason):
        entry = {"workload": workload, "allocator": allocator, "reason": without_folders(reason)}
        if entry not in self.failures:
            self.failures.append(entry)

    def has_failed(self, workload, allocator):
        return any(entry["workload"] == workload and entry["allocator"] == allocator for entry in self.failures)

    def require_same_checksums(self):
        """An allocator that printed something else than most did another piece of work."""
        for workload, checksums in self.checksums.items():
            usual = statistics.mode(checksums.values())
            for allocator, checksum in checksums.items():
                if checksum != usual:
                    self.fail(workload, allocator, f"the checksum is {checksum}, that of the others {usual}")

    def values(self, workload, allocator, quantity):
        """One value a round; empty where the allocator failed."""
        if self.has_failed(workload, allocator):
            return []
        if quantity in ("idle", "trimmed"):
            looks = self.resting[workload].get(allocator, {})
            return [looks[quantity]] if quantity in looks else []
        if quantity == "system calls":
            return [sum(self.system_calls[workload][allocator].values())] if allocator in self.system_calls[workload] else []
        if quantity in COUNTED:
            counts = self.counts[workload].get(allocator, {})
            return [counts[quantity]] if quantity in counts else []
        return list(self.by_round(workload, allocator, quantity).values())

    def by_round(self, workload, allocator, quantity):
        """The values of the rounds by the round's number."""
        rounds = self.rounds(SMALL_PAGES if quantity.endswith(WITHOUT_HUGE_PAGES) else HUGE_PAGES)
        name = quantity.removesuffix(WITHOUT_HUGE_PAGES)
        return {sample["round"]: sample[name] for sample in rounds[workload][allocator]}

    def figure(self, workload, allocator, quantity):
        """The one number for all rounds: the least of times, the median of all else."""
        values = self.values(workload, allocator, quantity)
        return figure_of(quantity, values) if values else None

    def interval(self, workload, allocator, other, quantity):
        """Of the ratio of the one to the other, from rounds in which both ran; None where they are too few."""
        if self.has_failed(workload, allocator) or self.has_failed(workload, other):
            return None
        own, others = (self.by_round(workload, name, quantity) for name in (allocator, other))
        common = sorted(own.keys() & others.keys())
        return ratio_interval([own[turn] for turn in common], [others[turn] for turn in common])

    def repeats(self, workload):
        """Whether the least time of every allocator was seen twice."""
        names = [name for name in self.names() if not self.has_failed(workload, name)]
        return all(least_repeats(self.values(workload, name, "time")) for name in names)

    def uses_huge_pages(self, workload):
        """Whether any allocator's page faults show that it got huge pages there."""
        def change(name):
            given, without = (self.figure(workload, name, quantity) for quantity in ("faults", "faults" + WITHOUT_HUGE_PAGES))
            return abs(given / without - 1) if given and without else 0

        return any(change(name) > HUGE_PAGES_CHANGE for name in self.names())

    def names(self):
        return [contestant.name for contestant in self.contestants]

    def peers(self):
        return [contestant.name for contestant in self.contestants if contestant.is_peer]

    def run(self):
        """What ran, where, and what went wrong."""
        return {
            "date": today(), "machine": machine(), "settings": self.settings,
            "allocators": [asdict(contestant) | {"library": shown_library(contestant)} for contestant in self.contestants],
            "absent": self.absent, "failures": self.failures, "gaps": self.listed_gaps(),
            "workloads": [{"name": each.name, "does": each.does, "is_threaded": each.is_threaded} for each in self.workloads],
        }

    def listed_gaps(self):
        return [{"allocator": allocator, "look": look, "reason": reason, "workloads": workloads}
                for (allocator, look, reason), workloads in self.gaps.items()]

    def medians(self):
        """The run without its single samples: what bench/results keeps."""
        measured = {each.name: {name: self.spreads(each.name, name) for name in self.names()} for each in self.workloads}
        starts = {name: spreads_of(samples) for name, samples in self.limits.get("start-up", {}).items()}
        limits = self.limits | ({"start-up": starts} if starts else {})
        return self.run() | {"measured": measured, "rounds": self.rounds_made(), "intervals": self.intervals(), "limits": limits}

    def rounds_made(self):
        return {each.name: max((len(self.samples[each.name][name]) for name in self.names()), default=0) for each in self.workloads}

    def intervals(self):
        """By workload, quantity, allocator of ours and peer: the interval of their ratio."""
        ours = [name for name in self.names() if name not in self.peers()]
        return {each.name: {quantity: {own: self.intervals_of(each.name, own, quantity) for own in ours} for quantity in JUDGED}
                for each in self.workloads}

    def intervals_of(self, workload, own, quantity):
        found = {peer: self.interval(workload, own, peer, quantity) for peer in self.peers()}
        return {peer: interval.as_dict() for peer, interval in found.items() if interval}

    def spreads(self, workload, allocator):
        known = {quantity: self.values(workload, allocator, quantity) for quantity in QUANTITIES}
        return {quantity: asdict(Spread.of(values)) for quantity, values in known.items() if values}

    def write(self, path, summary, ratios):
        contents = self.run() | {
            "summary": summary, "ratios": ratios,
            "intervals": self.intervals(), "samples": self.samples, "samples without huge pages": self.small_pages,
            "checksums": self.checksums, "resting_kib": self.resting, "system_calls": self.system_calls, "counts": self.counts,
            "limits": self.limits,
        }
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(contents, indent=1) + "\n")


def figure_of(quantity, values):
    return min(values) if quantity.startswith(TIMES) else statistics.median(values)


def spreads_of(samples):
    """Of samples that have the same columns, the spread of each column."""
    return {column: asdict(Spread.of([sample[column] for sample in samples])) for column in (samples[0] if samples else ())}


def shown_library(contestant):
    library = contestant.library
    if library is None:
        return ""
    return str(library.relative_to(CHECKOUT)) if library.is_relative_to(CHECKOUT) else library.name
