"""Test suites that count their tests themselves, and the versions of what runs them."""

import re
import subprocess

from harness.embedded.checks import run
from harness.launcher import CHECKOUT

LONGEST_SECONDS = 4 * 3600
# What a suite says of one test.
TOLD = re.compile(r"^(skipped|failed) \[|^test .* FAILED$|^\[.* failed ")


def counted_tests(checks, name, command, pattern, environment):
    """Runs what counts its tests itself, and passes on what was skipped and why."""
    status, output = run([str(word) for word in command], environment=environment, timeout=LONGEST_SECONDS)
    passed, failed, skipped = (sum(int(row[column] or 0) for row in pattern.findall(output)) for column in range(3))
    print(*(line for line in output.splitlines() if TOLD.search(line)), sep="\n", flush=True)
    checks.record(f"{name}: {passed} passed, {failed} failed, {skipped} skipped", status == 0 and passed > 0, output)
    checks.passed += max(passed - 1, 0)
    checks.failed += max(failed - 1, 0)
    checks.skipped += skipped
    return f"{passed:,}" + (f" ({skipped} skipped)" if skipped else "") + (f", {failed} failed" if failed else "")


def first_words(command, pattern):
    done = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, check=False)
    found = re.search(pattern, done.stdout.splitlines()[0] if done.stdout else "")
    return found.group(1) if found else "?"
