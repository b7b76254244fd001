"""A trial: one program's work on the system malloc and with the library, compared."""

import statistics
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from harness.catalogue import Program
from harness.failure import Failure, Skip
from harness.launcher import Launch, launcher_binary
from harness.mapping import require_loadable
from harness.session import Session, difference


@dataclass
class Trial:
    program: Program
    result: str = "passed"
    reason: str = ""
    seconds: float = 0.0
    plain_costs: list = field(default_factory=list)
    preloaded_costs: list = field(default_factory=list)

    def ratio(self, quantity):
        """How much more of it the preloaded runs took than the plain ones, median by median."""
        plain, preloaded = (statistics.median(getattr(cost, quantity) for cost in costs)
                            for costs in (self.plain_costs, self.preloaded_costs))
        return preloaded / plain if plain else 1.0


def run_trials(programs, library, thorough, jobs, rounds):
    launcher_binary()
    require_loadable(library)
    say = Progress(len(programs))
    one = partial(try_program, library=library, thorough=thorough, rounds=rounds, say=say)
    pool = ThreadPoolExecutor(jobs)
    try:
        return list(pool.map(one, programs))
    except BaseException:
        pool.shutdown(wait=False, cancel_futures=True)
        Launch.end_all()
        raise
    finally:
        pool.shutdown()


def try_program(program, library, thorough, rounds, say):
    trial = Trial(program)
    start = time.monotonic()
    try:
        if program.missing():
            raise Skip(f"not installed: {', '.join(program.missing())}")
        for turn in range(rounds):
            compare(trial, library, thorough, preloaded_first=turn % 2 == 1)
    except Skip as skip:
        trial.result, trial.reason = "skipped", str(skip)
    except Failure as failure:
        trial.result, trial.reason = "failed", str(failure)
    except Exception as error:
        trial.result, trial.reason = "failed", f"the test itself broke: {error!r}"
    trial.seconds = time.monotonic() - start
    say(trial)
    return trial


def compare(trial, library, thorough, preloaded_first):
    # The allocator that comes second finds another state of caches and disks, so they take turns.
    preloaded = work(trial.program, library, thorough) if preloaded_first else None
    plain = plain_work(trial.program, thorough)
    preloaded = preloaded or work(trial.program, library, thorough)
    if plain.kept != preloaded.kept:
        raise Failure(f"the output differs:\n{difference(plain.kept, preloaded.kept)}")
    trial.plain_costs.append(plain.cost)
    trial.preloaded_costs.append(preloaded.cost)


def plain_work(program, thorough):
    """A program that does not even work on the system malloc says nothing about the library; it gets a second chance."""
    try:
        return work(program, None, thorough)
    except Failure:
        pass
    try:
        return work(program, None, thorough)
    except Failure as failure:
        raise Skip(f"it fails on the system malloc here:\n{failure}") from None


def work(program, library, thorough):
    with tempfile.TemporaryDirectory(prefix="tinyalloc-programs-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)
        session = Session(folder, library, thorough)
        program.work(session)
        return session


class Progress:
    """One line for each program as it ends, and below it why it did not pass."""

    def __init__(self, total):
        self._total = total
        self._done = 0
        self._lock = threading.Lock()

    def __call__(self, trial):
        with self._lock:
            self._done += 1
            line = f"[{self._done:2}/{self._total}] {trial.program.name:24} {trial.result:8} {trial.seconds:6.1f} s"
            if trial.result == "passed":
                line += f"   time ×{trial.ratio('cpu_seconds'):.2f}   peak ×{trial.ratio('peak_kib'):.2f}"
            print(line, flush=True)
            if trial.reason:
                print("    " + trial.reason.replace("\n", "\n    "), flush=True)
