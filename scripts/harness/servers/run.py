"""One run of a service with an allocator, and runs of many in turns."""

import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

from harness.failure import Failure, Skip
from harness.servers.load import Load
from harness.servers.memory import sampled
from harness.session import Session


@dataclass
class Run:
    """Memory is in MiB, by seconds since the load began; the last is after so many seconds without a load."""

    load: Load
    memory: list = field(default_factory=list)
    idle_mib: float = 0.0

    @property
    def peak_mib(self):
        return max((mib for _, mib in self.memory), default=0.0)


def run_service(service, library, seconds, idle_seconds):
    with tempfile.TemporaryDirectory(prefix=f"tinyalloc-{service.name}-") as folder:
        session = Session(folder, library)
        with service.serve(session) as served, sampled(served.pids) as samples:
            samples.take()
            load = service.load(session, served, seconds)
            time.sleep(idle_seconds)
            idle = samples.take()
    return Run(load, samples.rows, idle)


def run_in_turns(services, allocators, seconds, idle_seconds, rounds):
    """Runs by (service, allocator). Each round begins with another allocator. What cannot be run says why."""
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
                    refused[key] = reason
                    print(f"{service.name} with {allocator.name}: {reason}", file=sys.stderr, flush=True)
        print(f"round {turn + 1} of {rounds}", file=sys.stderr, flush=True)
    return runs, refused
