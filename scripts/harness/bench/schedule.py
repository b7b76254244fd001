"""Who runs when: rounds in which all allocators take turns, then the runs that need no quiet machine."""

import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

from harness.failure import Failure

# What a run can end in without the whole benchmark being at fault.
RUN_ERRORS = (Failure, OSError, RuntimeError, subprocess.SubprocessError)


class Progress:
    """Says on stderr what was done and, from what each run took so far, how long the rest will take."""

    def __init__(self, workloads, contestants, rounds):
        self._seconds = {}
        self._left = {workload.name: rounds * len(contestants) for workload in workloads}

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


def run_rounds(results, rounds):
    progress = Progress(results.workloads, results.contestants, rounds)
    for turn in range(rounds):
        for place, workload in enumerate(results.workloads):
            begun = time.monotonic()
            for contestant in in_turn(results.contestants, turn, place):
                measure(results, workload, contestant, progress)
            progress.say(f"round {turn + 1} of {rounds}: {workload.name} {time.monotonic() - begun:.1f} s")
    results.require_same_checksums()


def in_turn(contestants, turn, place):
    """Everyone starts, and follows every other, about equally often: rotated with the round, backwards in odd ones."""
    offset = (turn + place) % len(contestants)
    order = contestants[offset:] + contestants[:offset]
    return order[::-1] if turn % 2 else order


def measure(results, workload, contestant, progress):
    begun = time.monotonic()
    # Who failed once is not waited for again.
    if not results.has_failed(workload.name, contestant.name):
        try:
            results.add(workload.name, contestant.name, workload.measure(contestant.library))
        except RUN_ERRORS as failure:
            results.fail(workload.name, contestant.name, str(failure))
            print(f"{workload.name} under {contestant.name} failed: {failure}", file=sys.stderr, flush=True)
    progress.took(workload, time.monotonic() - begun)


def run_extras(results, idle, trace):
    """The resident set when idle and after a trim, and the system calls: counts, not times, so several run at once."""
    cores = os.cpu_count() or 1
    if trace:
        in_parallel(results, count_system_calls, results.workloads, cores, "system calls counted")
    if idle:
        # Small work idles for most of its time; large work wants the processors and the memory first.
        jobs = 8 * cores if results.settings["scale"] <= 20 else 2 * cores
        in_parallel(results, look_at_rest, [workload for workload in results.workloads if workload.idles], jobs, "idle memory read")


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
        print(f"{workload.name} under {contestant.name}: {failure}", file=sys.stderr, flush=True)


def look_at_rest(results, workload, contestant):
    results.resting[workload.name][contestant.name] = workload.resting_kib(contestant.library)


def count_system_calls(results, workload, contestant):
    results.system_calls[workload.name][contestant.name] = workload.system_calls(contestant.library)
