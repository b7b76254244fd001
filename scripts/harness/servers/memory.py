"""How much memory a service has resident, with all its processes, second by second."""

import threading
import time
from contextlib import contextmanager

from harness.session import read_or_empty

INTERVAL_SECONDS = 0.5


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
    """(seconds since the start, MiB) of processes and all that they started."""

    def __init__(self, pids):
        self.pids = pids
        self.rows = []
        self.begun = time.monotonic()
        self.ended = threading.Event()

    def take(self):
        kib = sum(proportional_kib(pid) for root in self.pids for pid in descendants(root))
        self.rows.append((time.monotonic() - self.begun, kib / 1024))
        return kib / 1024

    def take_all(self):
        while not self.ended.wait(INTERVAL_SECONDS):
            self.take()


@contextmanager
def sampled(pids):
    samples = Samples(pids)
    thread = threading.Thread(target=samples.take_all)
    thread.start()
    try:
        yield samples
    finally:
        samples.ended.set()
        thread.join()
