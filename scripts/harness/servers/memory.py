"""How much memory a service has resident, with all its processes, second by second."""

import threading
import time
from contextlib import contextmanager

from harness.session import read_or_empty

INTERVAL_SECONDS = 0.5
# Of a long run, so that its plot stays small.
MOST_SAMPLES = 300


def descendants(pid):
    children = [int(word) for word in read_or_empty(f"/proc/{pid}/task/{pid}/children").split()]
    return [pid, *(deeper for child in children for deeper in descendants(child))]


def proportional_kib(pid):
    """Pages that processes share count once among them."""
    for line in read_or_empty(f"/proc/{pid}/smaps_rollup").splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1])
    return 0


class Samples:
    """(seconds since the start, MiB) of processes and all that they started, while there are any."""

    def __init__(self, pids, interval):
        self.pids = pids
        self.interval = interval
        self.rows = []
        self.begun = time.monotonic()
        self.ended = threading.Event()

    def take(self):
        kib = sum(proportional_kib(pid) for root in self.pids for pid in descendants(root))
        if kib:
            self.rows.append((time.monotonic() - self.begun, kib / 1024))
        return kib / 1024

    def take_all(self):
        while not self.ended.wait(self.interval):
            self.take()


@contextmanager
def sampled(pids, seconds):
    samples = Samples(pids, max(INTERVAL_SECONDS, seconds / MOST_SAMPLES))
    thread = threading.Thread(target=samples.take_all)
    thread.start()
    try:
        yield samples
    finally:
        samples.ended.set()
        thread.join()
