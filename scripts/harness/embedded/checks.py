"""Counts what passed and what failed."""

import os
import re
import subprocess
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
RUST_RESULT = re.compile(r"^test result: \w+\. (\d+) passed; (\d+) failed; (\d+) ignored", re.MULTILINE)
OWN_RESULT = re.compile(r"^(\d+) passed, (\d+) failed(?:, (\d+) skipped)?$", re.MULTILINE)
TIMEOUT_SECONDS = 600


def run(command, folder=ROOT, environment=None, timeout=TIMEOUT_SECONDS):
    """Runs the command to its end. Returns (exit status, output)."""
    try:
        done = subprocess.run(command, cwd=folder, env={**os.environ, **(environment or {})}, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", timeout=timeout)
    except subprocess.TimeoutExpired as error:
        return 124, f"{error.output or ''}\nended after {timeout} seconds"
    except OSError as error:
        return 127, str(error)
    return done.returncode, done.stdout


class Checks:
    """What passed, what failed and what was skipped, each with a line when it is known."""

    def __init__(self):
        self.passed = 0
        self.failed = 0
        self.skipped = 0

    def record(self, name, passed, detail="", seconds=None):
        self.passed += bool(passed)
        self.failed += not passed
        time_taken = f" ({seconds:.0f} s)" if seconds is not None and seconds >= 1 else ""
        print(f"{'ok    ' if passed else 'FAILED'} {name}{time_taken}", flush=True)
        if not passed and detail:
            print(detail[-6000:], flush=True)
        return passed

    def skip(self, name, reason):
        self.skipped += 1
        print(f"skip   {name}: {reason}", flush=True)

    def command(self, name, command, ended_well=lambda status, output: status == 0, **options):
        """A check that passes when the command does."""
        begun = time.monotonic()
        status, output = run(command, **options)
        return self.record(name, ended_well(status, output), output, time.monotonic() - begun), output

    def refusal(self, name, command, words, **options):
        """A check that passes when the command fails and says so in these words."""
        status, output = run(command, **options)
        return self.record(name, status != 0 and words in output, f"exit status {status}, wanted: {words}\n{output}")

    def rust_tests(self, name, command, **options):
        """Counts each test of the command as one check."""
        begun = time.monotonic()
        status, output = run(command, **options)
        rows = RUST_RESULT.findall(output)
        passed, failed = (sum(int(row[column]) for row in rows) for column in range(2))
        self.record(f"{name}: {passed} tests", status == 0 and passed > 0, output, time.monotonic() - begun)
        self.passed += max(passed - 1, 0) if status == 0 else passed
        self.failed += max(failed - 1, 0)

    def summary(self):
        return f"{self.passed} passed, {self.failed} failed" + (f", {self.skipped} skipped" if self.skipped else "")
