"""Asks the malloc of a process, with several C libraries; and the answers as tables."""

import os
import platform
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

from harness.failure import Failure, tail
from harness.launcher import CHECKOUT
from harness.reach.glibc import SUITES, Glibc

SOURCE = Path(__file__).resolve().parent / "answers.c"
DOCUMENT = CHECKOUT / "docs" / "GLIBC.md"
BEGIN, END = "<!-- tables: written by scripts/glibc-answers -->", "<!-- end of tables -->"
WARNINGS = ("-Wall", "-Wextra", "-Wno-use-after-free", "-Wno-free-nonheap-object", "-Wno-mismatched-dealloc")
SECONDS = 60


@dataclass(frozen=True)
class Answers:
    """Of one release: of its own malloc, and of tinyalloc there."""

    version: str
    own: dict
    ours: dict


def program(folder):
    """For this machine's C library, so that all later ones run it."""
    built = Path(folder) / "answers"
    command = ["cc", "-O1", "-fno-builtin", *WARNINGS, "-pthread", "-o", str(built), str(SOURCE), "-ldl"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise Failure(f"{SOURCE.name} does not build: {tail(done.stderr)}")
    return built


def answered(command):
    done = subprocess.run([str(word) for word in command], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=SECONDS, check=False)
    if done.returncode != 0:
        raise Failure(f"{command[0]} ended with {done.returncode}: {tail(done.stderr, 5)}")
    if "cannot be preloaded" in done.stderr:
        raise Failure(tail(done.stderr, 1))
    return rows(done.stdout)


def rows(output):
    """Addresses differ from run to run."""
    return dict(re.sub(r"0x[0-9a-f]+", "ADDRESS", line).split("\t") for line in output.splitlines())


def with_library(library):
    return ["env", f"LD_PRELOAD={library}"]


def here(built, library):
    if os.environ.get("LD_PRELOAD"):
        raise Failure("something is preloaded already")
    return Answers(platform.libc_ver()[1], answered([built]), answered([*with_library(library), built]))


def elsewhere(suite, built, library):
    glibc = Glibc(suite)
    return Answers(glibc.version(), answered(glibc.command(built)), answered(glibc.command(*with_library(library), built)))


def there():
    """The suites that can be had, and why others cannot."""
    needed = {suite: Glibc(suite).missing() for suite in SUITES}
    return [suite for suite in SUITES if not needed[suite]], {suite: needed[suite] for suite in SUITES if needed[suite]}


def unlike(answers):
    """Where tinyalloc answers otherwise with another C library: nowhere, but for functions that tinyalloc leaves to it."""
    first = answers[0]
    return [(question, other.version, first.ours[question], other.ours[question]) for other in answers[1:] for question in first.ours
            if first.ours[question] != other.ours[question] and other.ours[question] != other.own[question]]


def text_of(answers):
    newest = answers[-1]
    changed = [question for question in newest.own if len({each.own[question] for each in answers}) > 1]
    stayed = [question for question in newest.own if question not in changed]
    differing = [question for question in stayed if newest.own[question] != newest.ours[question]]
    return "\n\n".join([
        "### What changed",
        table(["", *(f"glibc {each.version}" for each in answers), "tinyalloc"],
              [[question, *(each.own[question] for each in answers), newest.ours[question]] for question in changed]),
        "### What stayed, and is different here",
        table(["", "glibc, all of these", "tinyalloc"], [[question, newest.own[question], newest.ours[question]] for question in differing]),
        "### What stayed, and is the same here",
        table(["", "all"], [[question, newest.own[question]] for question in stayed if question not in differing]),
    ])


def table(head, lines):
    return "\n".join("| " + " | ".join(line) + " |" for line in (head, ["---"] * len(head), *lines))


def write(answers):
    text = DOCUMENT.read_text()
    before, rest = text.split(BEGIN, 1)
    after = rest.split(END, 1)[1]
    DOCUMENT.write_text(f"{before}{BEGIN}\n\n{text_of(answers)}\n\n{END}{after}")
    print(f"wrote {DOCUMENT.relative_to(CHECKOUT)}")
