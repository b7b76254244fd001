"""What a command executes, counted by valgrind: instructions, misses of simulated caches, atomic operations. The machine's load changes none of it."""

import os
import re
import shutil
import subprocess
import tempfile
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path

from harness.failure import Failure, tail
from harness.preloading import preloading

# The same caches on every machine, so that counts can be compared: 32 KiB of first level, 8 MiB of last.
CACHES = ("--I1=32768,8,64", "--D1=32768,8,64", "--LL=8388608,16,64")
OUTPUT = "callgrind.out"
OPTIONS = ("-q", "--tool=callgrind", "--trace-children=yes", "--fair-sched=try", "--cache-sim=yes", *CACHES, "--dump-instr=yes",
           "--dump-line=no", "--compress-pos=no", "--compress-strings=no")
FIRST_LEVEL, LAST_LEVEL = ("I1mr", "D1mr", "D1mw"), ("ILmr", "DLmr", "DLmw")
PREFIXES = r"(?:(?:data16|addr32|xacquire|xrelease|rep|repz|repnz|bnd|[c-g]s|ss) )*"
# The lock prefix; and xchg with memory, which locks without it.
ATOMIC = re.compile(rf"^\s*([0-9a-f]+):\s+{PREFIXES}(?:lock\b|xchg\b.*\()")


@dataclass(frozen=True)
class Counts:
    """`atomics` are the executions of lock-prefixed instructions in shared libraries: the allocator's and those that it calls, not the
    program's own. Of one object, there are no misses."""

    instructions: int = 0
    first_level_misses: int = 0
    last_level_misses: int = 0
    atomics: int = 0

    def __add__(self, other):
        return Counts(*(mine + theirs for mine, theirs in zip(asdict(self).values(), asdict(other).values(), strict=True)))


def is_there():
    return shutil.which("valgrind") is not None


def counting(folder):
    """The words before a command that has callgrind write its counts into the folder, one file for each process."""
    return ("valgrind", *OPTIONS, f"--callgrind-out-file={Path(folder) / OUTPUT}.%p")


def counts_in(folder, within=None):
    """What all processes of a command together executed, in all or within one object."""
    files = sorted(Path(folder).glob(f"{OUTPUT}.*"))
    if not files:
        raise Failure("callgrind wrote no counts")
    return sum((counted(path, within) for path in files), Counts())


def count(command, library, *, env=None, feed="", folder=None, seconds=300, within=None):
    """The counts of one command under the library, and what it printed."""
    with tempfile.TemporaryDirectory(prefix="tinyalloc-counts-") as counts:
        words = [str(word) for word in (*counting(counts), *command)]
        try:
            done = subprocess.run(words, input=feed, env=os.environ | {"LC_ALL": "C.UTF-8"} | (env or {}) | preloading(library), cwd=folder,
                                  capture_output=True, text=True, errors="replace", timeout=seconds, check=False)
        except subprocess.TimeoutExpired:
            raise Failure(f"{command[0]} under callgrind did not end in {seconds} s") from None
        if done.returncode != 0:
            raise Failure(f"{command[0]} under callgrind ended with {done.returncode}: {tail(done.stderr, 5)}")
        return counts_in(counts, within), done.stdout


def counted(path, within=None):
    with open(path, errors="replace") as lines:
        return parsed(lines, atomic_addresses, within)


def parsed(lines, addresses_of, within=None):
    """The counts of one file of callgrind; `addresses_of` says where an object has atomic instructions."""
    events, totals, instructions, atomics = [], {}, 0, 0
    wanted, is_within, is_of_a_call = frozenset(), False, False
    for line in lines:
        if line.startswith("0x"):
            # After calls= comes what the called function cost, which is counted there.
            if not is_of_a_call and (wanted or is_within):
                address, executions, *_ = line.split(" ", 2)
                instructions += int(executions)
                atomics += int(executions) if int(address, 16) in wanted else 0
            is_of_a_call = False
        elif line.startswith("calls="):
            is_of_a_call = True
        elif line.startswith("ob="):
            place = line[3:].strip()
            is_within = within is not None and place == str(within)
            wanted = addresses_of(place) if within is None or is_within else frozenset()
        elif line.startswith("events: "):
            events = line.split()[1:]
        elif line.startswith("totals: "):
            totals = dict(zip(events, map(int, line.split()[1:]), strict=False))
    if "Ir" not in totals:
        raise Failure("callgrind wrote no totals")
    if within is not None:
        return Counts(instructions, atomics=atomics)
    return Counts(totals["Ir"], *(sum(totals.get(event, 0) for event in level) for level in (FIRST_LEVEL, LAST_LEVEL)), atomics)


@cache
def atomic_addresses(path):
    """Where in a shared library the lock-prefixed instructions are; nowhere in a program."""
    if ".so" not in Path(path).name or not Path(path).exists():
        return frozenset()
    done = subprocess.run(["objdump", "-d", "--no-show-raw-insn", path], capture_output=True, text=True, check=False)
    return atomics_listed(done.stdout.splitlines())


def atomics_listed(lines):
    return frozenset(int(match.group(1), 16) for match in map(ATOMIC.match, lines) if match)
