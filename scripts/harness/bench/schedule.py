"""Who runs when: rounds in which all allocators take turns, then the runs that need no quiet machine."""

import os
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import astuple, dataclass

from harness.bench.results import COUNTED
from harness.failure import Failure
from harness.measurement import HUGE_PAGES, SMALL_PAGES

# What a run can end in without the whole benchmark being at fault.
RUN_ERRORS = (Failure, OSError, RuntimeError, subprocess.SubprocessError)

# Below these no interval can be given.
ROUNDS_FEWEST = 6
# An allocator that takes longer than this for a workload takes part in the fewest rounds only, however many there are.
SLOW_SECONDS = 1.5


@dataclass(frozen=True)
class Plan:
    """`most` rounds; fewer for a workload whose least times have repeated once it had `enough`, and for all when `seconds` have passed,
    but not fewer than `fewest`."""

    most: int
    enough: int
    seconds: float = float("inf")
    fewest: int = ROUNDS_FEWEST

    def goes_on(self, turn, seconds):
        return turn < self.most and (turn < self.fewest or seconds < self.seconds)


class Progress:
    """Says on stderr what was done and, from what each run took so far, how long the rest will take at most."""

    def __init__(self, workloads, contestants, rounds):
        self._seconds = {}
        self._left = {workload.name: rounds * len(contestants) for workload in workloads}

    def needs_no_more(self, workload):
        self._left[workload.name] = 0

    def took(self, workload, seconds):
        self._seconds.setdefault(workload.name, []).append(seconds)
        self._left[workload.name] -= 1

    def seconds_left(self):
        everything = [seconds for known in self._seconds.values() for seconds in known]
        usual = sum(everything) / len(everything) if everything else 0.0
        means = {name: sum(known) / len(known) for name, known in self._seconds.items()}
        return sum(count * means.get(name, usual) for name, count in self._left.items())

    def say(self, text):
        left = self.seconds_left()
        rest = f"; about {left / 60:.0f} min left" if left >= 90 else f"; about {left:.0f} s left" if left else ""
        print(f"{text}{rest}", file=sys.stderr, flush=True)


def run_rounds(results, plan, pages=HUGE_PAGES, workloads=None):
    """Rounds in which all allocators take turns; the small-page ones in the workloads where huge pages made a difference."""
    left = list(workloads or results.workloads)
    progress, begun, turn = Progress(left, results.contestants, plan.most), time.monotonic(), 0
    shown = "" if pages == HUGE_PAGES else " without huge pages"
    while left and plan.goes_on(turn, time.monotonic() - begun):
        for place, workload in enumerate(left):
            started = time.monotonic()
            for contestant in in_turn(results.contestants, turn, place):
                measure(results, workload, contestant, progress, turn, pages)
            progress.say(f"round {turn + 1} of {plan.most}{shown}: {workload.name} {time.monotonic() - started:.1f} s")
        turn += 1
        for workload in [each for each in left if is_done(results, each, turn, plan, pages)]:
            left.remove(workload)
            progress.needs_no_more(workload)
    results.require_same_checksums()


def is_done(results, workload, turn, plan, pages):
    if pages == SMALL_PAGES:
        return not results.uses_huge_pages(workload.name)
    return turn >= plan.enough and results.repeats(workload.name)


def in_turn(contestants, turn, place):
    """Everyone starts, and follows every other, about equally often: rotated with the round, backwards in odd ones."""
    offset = (turn + place) % len(contestants)
    order = contestants[offset:] + contestants[:offset]
    return order[::-1] if turn % 2 else order


def measure(results, workload, contestant, progress, turn, pages):
    begun = time.monotonic()
    # What failed once is not waited for again.
    if not results.has_failed(workload.name, contestant.name) and not is_slow(results.rounds(pages)[workload.name][contestant.name]):
        try:
            results.add(workload.name, contestant.name, workload.measure(contestant.library, pages), turn, pages)
        except RUN_ERRORS as failure:
            results.fail(workload.name, contestant.name, str(failure))
            print(f"{workload.name} under {contestant.name} failed: {failure}", file=sys.stderr, flush=True)
    progress.took(workload, time.monotonic() - begun)


def is_slow(samples):
    return len(samples) >= ROUNDS_FEWEST and min(sample["wall"] for sample in samples) > SLOW_SECONDS


def run_extras(results, idle, trace, count):
    """The resident set when idle and after a trim, system calls and instructions: no times, so several run at once."""
    cores = os.cpu_count() or 1
    if trace and has("strace", "system calls"):
        in_parallel(results, count_system_calls, results.workloads, cores, "system calls counted")
    if count and has("valgrind", "instructions, misses and atomic operations"):
        in_parallel(results, count_instructions, results.workloads, cores, "instructions counted")
    if idle:
        # Small work idles for most of its time; large work wants the processors and the memory first.
        jobs = 8 * cores if results.settings["scale"] <= 20 else 2 * cores
        in_parallel(results, look_at_rest, [workload for workload in results.workloads if workload.idles], jobs, "idle memory read")


def has(tool, counted):
    if shutil.which(tool):
        return True
    print(f"{counted} are left out: {tool} is not installed; scripts/install-test-tools installs it", file=sys.stderr, flush=True)
    return False


def in_parallel(results, look, workloads, jobs, shown):
    begun = time.monotonic()
    pairs = [(workload, contestant) for workload in workloads for contestant in results.contestants]
    with ThreadPoolExecutor(jobs) as pool:
        looks = pool.map(lambda pair: attempt(results, look, *pair), pairs)
        for done, (workload, _) in enumerate(pairs, 1):
            next(looks)
            if done % len(results.contestants) == 0:
                seconds = time.monotonic() - begun
                left = seconds / done * (len(pairs) - done)
                print(f"{shown}: {workload.name}; about {left:.0f} s left", file=sys.stderr, flush=True)


def attempt(results, look, workload, contestant):
    if results.has_failed(workload.name, contestant.name):
        return
    try:
        look(results, workload, contestant)
    except RUN_ERRORS as failure:
        # The timed runs went well: they count.
        reason = str(failure).rstrip().rpartition("\n")[2]
        known = results.gaps[contestant.name, look.__name__, reason]
        known.append(workload.name)
        if len(known) == 1:
            print(f"{look.__name__.replace('_', ' ')} of {workload.name} under {contestant.name}: {reason}", file=sys.stderr, flush=True)


def look_at_rest(results, workload, contestant):
    results.resting[workload.name][contestant.name] = workload.resting_kib(contestant.library)


def count_system_calls(results, workload, contestant):
    results.system_calls[workload.name][contestant.name] = workload.system_calls(contestant.library)


def count_instructions(results, workload, contestant):
    results.counts[workload.name][contestant.name] = dict(zip(COUNTED, astuple(workload.counts(contestant.library)), strict=True))
