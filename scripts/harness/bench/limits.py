"""What no allocator can beat, and how an allocator's cost grows: with the blocks that live, with threads, and after a burst."""

import os
import statistics
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial

from harness.bench.patterns import BUILT, SOURCES, compiled
from harness.bench.results import figure_of, quantities
from harness.bench.schedule import RUN_ERRORS, in_turn
from harness.bench.workload import IDLE_MILLISECONDS, found
from harness.measurement import measure_once
from harness.startup import startup_samples

LIMITS = SOURCES / "limits"
ROUNDS = 3
# A bump allocator reserves the largest power of two that fits: 2 GiB of these 3.
BUMP_GIB, BUMP_ADDRESS_KIB = 2, 3 << 20
LIVE_BLOCKS = (10**3, 10**4, 10**5, 10**6, 10**7)
GROWTH_WINDOW = 1000
GROWTH_SCALE_SHARE = 0.2
THREADS = (1, 4, 16, 64)
BURST_MIB = 1024
STARTS = 200


def measure_limits(results):
    """All of it that succeeds, as what JSON can hold, into `results.limits`."""
    # How costs grow shows with more work than a round's.
    scale = min(100, 4 * results.settings["scale"])
    rounds = min(ROUNDS, results.settings["rounds"])
    for name, measure in (("pair", pair), ("page touch seconds", page_touch_seconds), ("bump", bump), ("growth", growth),
                          ("threads", threads), ("burst", burst), ("start-up", startup)):
        begun = time.monotonic()
        try:
            results.limits[name] = measure(results, scale, rounds)
        except RUN_ERRORS as failure:
            results.fail("limits", name, str(failure))
        print(f"limits: {name} {time.monotonic() - begun:.1f} s", file=sys.stderr, flush=True)


def by_turns(results, rounds, cases, look):
    """{allocator: {case: median of the rounds}}; a run that fails leaves a gap."""
    samples = {}
    for turn in range(rounds):
        for place, case in enumerate(cases):
            for contestant in in_turn(results.contestants, turn, place):
                value = attempt(results, contestant, look, case)
                if value is not None:
                    samples.setdefault(contestant.name, {}).setdefault(str(case), []).append(value)
    return {name: {case: statistics.median(values) for case, values in known.items()} for name, known in samples.items()}


def attempt(results, contestant, look, *arguments):
    try:
        return look(contestant.library, *arguments)
    except RUN_ERRORS as failure:
        results.fail("limits", contestant.name, str(failure))
        print(f"limits under {contestant.name}: {failure}", file=sys.stderr, flush=True)
        return None


def said(pattern, output):
    return float(found(rf"^{pattern} ([0-9.e+-]+)$", output, pattern))


def pair(results, scale, rounds):
    """Nanoseconds of a pair under each allocator, and of the inlined list, which is the same under all."""
    look = partial(pair_ns, compiled(LIMITS / "pair.c"), max(5, scale // 4))
    pairs = by_turns(results, rounds, ("pair-ns",), look)
    return {"list": min(look(None, "limit-ns") for _ in range(rounds)), "pairs": {name: row["pair-ns"] for name, row in pairs.items()}}


def pair_ns(program, scale, library, figure):
    return said(figure, measure_once((program, "--scale", scale), library)[1])


def page_touch_seconds(results, scale, rounds):
    program = compiled(LIMITS / "touch.c")
    return min(said("page-touch-seconds", measure_once((program, "--scale", scale), None)[1]) for _ in range(rounds))


def bump(results, scale, rounds):
    """What each workload costs under an allocator that never frees; None where it needs more memory than that has."""
    library = compiled(LIMITS / "bump.c", "-shared", "-fPIC", suffix=".so")
    # Where little work is done, most of it fits, and takes longest of all that is measured here.
    turns = 1 if scale < 50 else rounds
    return {workload.name: bump_cost(workload, library, turns) for workload in results.workloads}


def bump_cost(workload, library, rounds):
    capped = replace(workload, command=("/bin/sh", "-c", f'ulimit -v {BUMP_ADDRESS_KIB} && exec "$@"', "sh", *workload.command))
    try:
        costs = [quantities(capped.measure(library).cost) for _ in range(rounds)]
    except RUN_ERRORS as failure:
        print(f"limits: {workload.name} does not fit: {' '.join(str(failure).split())[-200:]}", file=sys.stderr, flush=True)
        return None
    return {quantity: figure_of(quantity, [cost[quantity] for cost in costs]) for quantity in costs[0]}


def growth(results, scale, rounds):
    """Nanoseconds of a replacement among so many live blocks."""
    program = compiled(SOURCES / "growth.c")
    lives = LIVE_BLOCKS if scale >= 50 else LIVE_BLOCKS[:-1]
    return by_turns(results, rounds, lives, partial(operation_ns, program, max(1, round(scale * GROWTH_SCALE_SHARE))))


def operation_ns(program, scale, library, live):
    command = (program, "--live", live, "--window", GROWTH_WINDOW, "--timing", "--scale", scale)
    return said("operation-ns", measure_once(command, library)[1])


def threads(results, scale, rounds):
    """Processor seconds of the same work split among so many threads."""
    program = compiled(SOURCES / "simple-threads.c")
    return by_turns(results, rounds, THREADS, partial(threaded_seconds, program, scale))


def threaded_seconds(program, scale, library, count):
    return measure_once((program, "--scale", scale, "--threads", count), library)[0].cpu_seconds


def burst(results, scale, rounds):
    """Resident KiB a second after a burst of that many MiB was freed, beside that of a process that had none."""
    program = compiled(SOURCES / "burst-idle.c")
    mib = BURST_MIB * min(scale, 100) // 100
    # A small burst idles for most of its time; a large one wants the processors and the memory.
    jobs = os.cpu_count() * (1 if mib > 200 else 8)
    with ThreadPoolExecutor(jobs) as pool:
        look = lambda contestant: attempt(results, contestant, burst_kib, program, mib)  # noqa: E731
        rows = list(pool.map(look, results.contestants))
    return {contestant.name: row for contestant, row in zip(results.contestants, rows, strict=True) if row}


def burst_kib(library, program, mib):
    before, after = (idle_kib(library, program, each) for each in (0, mib))
    return {"MiB": mib, "before": before, "after": after}


def idle_kib(library, program, mib):
    command = (program, "--burst-mib", mib, "--idle-milliseconds", IDLE_MILLISECONDS)
    return int(said("idle-resident-kib", measure_once(command, library, folder=BUILT)[1]))


def startup(results, scale, rounds):
    return startup_samples(results.contestants, rounds, max(40, STARTS * scale // 100))
