"""A piece of work that is the same under every allocator, and five ways to look at it."""

import hashlib
import os
import re
import subprocess
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from harness import callgrind
from harness.failure import Failure, tail
from harness.launcher import Cost
from harness.measurement import HUGE_PAGES, measure_once
from harness.preloading import preloading

IDLE_MILLISECONDS = 1000
TRACE_SECONDS = COUNT_SECONDS = 240


@dataclass(frozen=True)
class Outcome:
    cost: Cost
    checksum: str


@dataclass(frozen=True)
class Workload:
    """One command. `is_threaded`: more than one thread works; `idles`: it can report its resident set after a pause and after a trim;
    `traced_command`: the same with less work, where there is one; `counted`: the workload with as little work as callgrind takes."""

    name: str
    does: str
    command: tuple
    folder: Path
    env: dict = field(default_factory=dict)
    feed: str = ""
    is_threaded: bool = False
    idles: bool = False
    traced_command: tuple = ()
    counted: "Workload | None" = None
    seconds: int = 120

    def measure(self, library, pages=HUGE_PAGES):
        cost, output, _ = measure_once(self.command, library, env=self.env, feed=self.feed, folder=self.folder, seconds=self.seconds,
                                       mode=pages)
        return Outcome(cost, self._checksum(output))

    def resting_kib(self, library):
        """The resident set after a second in which the program did nothing, all its memory freed or not as it likes; and after it
        then asked the allocator to decommit what is free."""
        command = (*self.command, "--idle-milliseconds", IDLE_MILLISECONDS)
        _, output, _ = measure_once(command, library, env=self.env, folder=self.folder, seconds=self.seconds)
        return {look: int(found(rf"^{look}-resident-kib (\d+)$", output, self.name)) for look in ("idle", "trimmed")}

    def system_calls(self, library):
        """How many of each system call, by name."""
        with tempfile.TemporaryDirectory(prefix="tinyalloc-trace-") as folder:
            table = Path(folder) / "table"
            words = [str(word) for word in (*traced(table, library), *(self.traced_command or self.command))]
            environment = os.environ | {"LC_ALL": "C.UTF-8"} | self.env
            try:
                done = subprocess.run(words, input=self.feed, env=environment, cwd=self.folder, capture_output=True, text=True,
                                      errors="replace", timeout=TRACE_SECONDS, check=False)
            except subprocess.TimeoutExpired:
                raise Failure(f"{self.name} under strace did not end in {TRACE_SECONDS} s") from None
            if done.returncode != 0:
                raise Failure(f"{self.name} under strace ended with {done.returncode}: {tail(done.stderr, 5)}")
            return counts(table.read_text())

    def counts(self, library):
        """Instructions, misses and atomic operations of a tenth of the work."""
        less = self.counted or self
        return callgrind.count(less.command, library, env=less.env, feed=less.feed, folder=less.folder, seconds=COUNT_SECONDS)[0]

    def _checksum(self, output):
        if self.idles:
            return found(r"^checksum ([0-9a-fA-F]+)$", output, self.name)
        return checksum_of(output)


def checksum_of(output):
    return hashlib.sha256(output.encode()).hexdigest()[:16]


def found(pattern, output, name):
    match = re.search(pattern, output, re.M)
    if match is None:
        raise Failure(f"{name} did not print /{pattern}/ but: {tail(output, 5)}")
    return match.group(1)


def traced(table, library):
    variables = (word for name, value in preloading(library).items() for word in ("-E", f"{name}={value}"))
    return ("strace", "-f", "-qq", "-c", "-U", "calls,name", "-o", table, *variables)


def counts(table):
    rows = re.findall(r"^\s*(\d+)\s+(\w+)\s*$", table, re.M)
    return {name: int(count) for count, name in rows if name != "total"}
