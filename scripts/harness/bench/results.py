"""All that was measured in one run, and the medians of it."""

import json
import statistics
from collections import defaultdict
from dataclasses import asdict, dataclass, field

from harness.failure import without_folders
from harness.launcher import CHECKOUT
from harness.machine import machine, today
from harness.measurement import Spread

# Seconds, seconds, KiB three times, and counts.
QUANTITIES = ("time", "wall", "peak", "idle", "trimmed", "faults", "system calls")


def quantities(cost):
    """Seconds, KiB and counts, by the names used in results.json."""
    return {"time": cost.cpu_seconds, "user": cost.user_seconds, "system": cost.system_seconds, "wall": cost.wall_seconds,
            "peak": cost.peak_kib, "faults": cost.page_faults}


@dataclass
class Results:
    """`samples[workload][allocator]` is a list of rounds; `resting` (idle and trimmed) and `system_calls` come from one extra run each."""

    settings: dict
    contestants: list
    absent: dict
    workloads: list
    samples: dict = field(default_factory=lambda: defaultdict(lambda: defaultdict(list)))
    checksums: dict = field(default_factory=lambda: defaultdict(dict))
    resting: dict = field(default_factory=lambda: defaultdict(dict))
    system_calls: dict = field(default_factory=lambda: defaultdict(dict))
    failures: list = field(default_factory=list)
    limits: dict = field(default_factory=dict)

    def add(self, workload, allocator, outcome):
        self.samples[workload][allocator].append(quantities(outcome.cost))
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
        return [sample[quantity] for sample in self.samples[workload][allocator]]

    def median(self, workload, allocator, quantity):
        values = self.values(workload, allocator, quantity)
        return statistics.median(values) if values else None

    def names(self):
        return [contestant.name for contestant in self.contestants]

    def peers(self):
        return [contestant.name for contestant in self.contestants if contestant.is_peer]

    def run(self):
        """What ran, where, and what went wrong."""
        return {
            "date": today(), "machine": machine(), "settings": self.settings,
            "allocators": [asdict(contestant) | {"library": shown_library(contestant)} for contestant in self.contestants],
            "absent": self.absent, "failures": self.failures,
            "workloads": [{"name": each.name, "does": each.does, "is_threaded": each.is_threaded} for each in self.workloads],
        }

    def medians(self):
        """The run without its single samples: what bench/results keeps."""
        measured = {each.name: {name: self.spreads(each.name, name) for name in self.names()} for each in self.workloads}
        starts = {name: spreads_of(samples) for name, samples in self.limits.get("start-up", {}).items()}
        limits = self.limits | ({"start-up": starts} if starts else {})
        return self.run() | {"measured": measured, "limits": limits}

    def spreads(self, workload, allocator):
        known = {quantity: self.values(workload, allocator, quantity) for quantity in QUANTITIES}
        return {quantity: asdict(Spread.of(values)) for quantity, values in known.items() if values}

    def write(self, path, summary, ratios):
        contents = self.run() | {
            "summary": summary, "ratios": ratios,
            "samples": self.samples, "checksums": self.checksums, "resting_kib": self.resting, "system_calls": self.system_calls,
            "limits": self.limits,
        }
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(contents, indent=1) + "\n")


def spreads_of(samples):
    """Of samples that have the same columns, the spread of each column."""
    return {column: asdict(Spread.of([sample[column] for sample in samples])) for column in (samples[0] if samples else ())}


def shown_library(contestant):
    library = contestant.library
    if library is None:
        return ""
    return str(library.relative_to(CHECKOUT)) if library.is_relative_to(CHECKOUT) else library.name
