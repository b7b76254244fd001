"""One run of a service with an allocator, and runs of many in turns."""

import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, nullcontext
from dataclasses import dataclass, field
from pathlib import Path

from harness.failure import Failure, Skip
from harness.servers.load import Load
from harness.servers.memory import sampled
from harness.session import Session

# Seconds, of what is said of a long run's begin and end.
MINUTE = 60


@dataclass
class Run:
    """Memory is in MiB, by seconds since the load began; the last is after so many seconds without a load."""

    load: Load
    memory: list = field(default_factory=list)
    idle_mib: float = 0.0
    seconds: int = 0

    def mean_mib(self, begin, end):
        """Of what was seen between two times."""
        seen = [mib for second, mib in self.memory if begin <= second <= end]
        return sum(seen) / len(seen) if seen else None

    @property
    def peak_mib(self):
        return max((mib for _, mib in self.memory), default=0.0)


def run_service(service, library, seconds, idle_seconds, ask=None, starting=nullcontext()):
    """Under its load, or another. Services that run at the same time start one after the other, while each has `starting`."""
    with tempfile.TemporaryDirectory(prefix=f"tinyalloc-{service.name}-") as folder, ExitStack() as ends:
        session = Session(folder, library)
        with starting:
            served = ends.enter_context(service.serve(session))
        samples = ends.enter_context(sampled(served.pids, seconds))
        samples.take()
        load = loaded(ask or service.load, session, served, seconds)
        time.sleep(idle_seconds)
        idle = samples.take()
    return Run(load, samples.rows, idle, seconds)


def loaded(ask, session, served, seconds):
    """A tool that could start the service, and then fails against it, tells of the service."""
    try:
        return ask(session, served, seconds)
    except Skip as reason:
        raise Failure(str(reason)) from None


def run_together(services, allocators, seconds, idle_seconds, keep=lambda runs: runs):
    """All services at the same time, with one allocator after the other, each service under its steady load; `keep` has what is done."""
    runs, refused = {}, {}
    for allocator in allocators:
        starting = threading.Lock()

        def run(service, allocator=allocator, starting=starting):
            key = (service.name, allocator.name)
            try:
                service.require()
                runs[key] = [run_service(service, allocator.library, seconds, idle_seconds, service.steady, starting)]
            except (Failure, Skip) as reason:
                refuse(refused, key, reason)

        with ThreadPoolExecutor(len(services)) as pool:
            list(pool.map(run, services))
        keep(runs)
        print(f"{allocator.name}: {seconds} seconds of {len(services)} services", file=sys.stderr, flush=True)
    return runs, refused


def refuse(refused, key, reason):
    refused[key] = reason
    print(f"{key[0]} with {key[1]}: {reason}", file=sys.stderr, flush=True)


def run_in_turns(services, allocators, seconds, idle_seconds, rounds, keep=lambda runs: runs):
    """Runs by (service, allocator). Each round begins with another allocator. What cannot be run says why; `keep` has what is done."""
    runs, refused = {}, {}
    for turn in range(rounds):
        for service in services:
            for position in range(len(allocators)):
                allocator = allocators[(turn + position) % len(allocators)]
                key = (service.name, allocator.name)
                if key in refused:
                    continue
                try:
                    service.require()
                    runs.setdefault(key, []).append(run_service(service, allocator.library, seconds, idle_seconds))
                except (Failure, Skip) as reason:
                    refuse(refused, key, reason)
        keep(runs)
        print(f"round {turn + 1} of {rounds}", file=sys.stderr, flush=True)
    return runs, refused
