"""docs/COMPATIBILITY.md: what every program did, and what it cost beside the system malloc."""

import re
import shutil
import subprocess

from harness.launcher import CHECKOUT
from harness.machine import machine_kind

DOCUMENT = CHECKOUT / "docs" / "COMPATIBILITY.md"

TEXT = """# Compatibility

Real programs run with `LD_PRELOAD={library}`, each doing real work. What they print, how they
exit and which files they make is compared with the same run on the system malloc; interactive
programs are used through a pseudo-terminal.

Written by `make compat`. Time (user and system) and peak resident set are ratios to the system
malloc, below 1 is better: medians of {rounds} rounds in which the runs with and without the library take
turns. Programs that mostly wait or end within milliseconds have ratios of little meaning.

Measured on: {machine}.

| program | version | what it did | result | time | peak RSS |
| --- | --- | --- | --- | ---: | ---: |
{rows}

{total}
{notes}"""


def write_compatibility(trials, library, rounds):
    results = [trial.result for trial in trials]
    total = ", ".join(f"{results.count(result)} {result}" for result in ("passed", "failed", "skipped"))
    rows = "\n".join(row(trial) for trial in trials)
    text = TEXT.format(library=library.name, rounds=rounds, machine=machine_kind(), rows=rows, total=total + ".", notes=notes(trials))
    DOCUMENT.parent.mkdir(exist_ok=True)
    DOCUMENT.write_text(text.rstrip() + "\n")
    print(f"wrote {DOCUMENT.relative_to(CHECKOUT)}")


def row(trial):
    passed = trial.result == "passed"
    ratios = [f"{trial.ratio(quantity):.2f}" if passed else "" for quantity in ("cpu_seconds", "peak_kib")]
    version = "" if trial.program.missing() else trial.program.version()
    return f"| {trial.program.name} | {version} | {trial.program.does} | {trial.result} | {' | '.join(ratios)} |"


def notes(trials):
    """Why a program did not pass, and which program's own allocator replaces the system malloc."""
    lines = [f"- {trial.program.name} {trial.result}: {' '.join(trial.reason.split())[:200]}" for trial in trials if trial.reason]
    for trial in trials:
        linked = linked_allocator(trial.program.needs[0])
        if linked:
            lines.append(f"- {trial.program.name} is linked with {linked} here: its ratios are to {linked}, not to the system malloc.")
    return "\n" + "\n".join(lines) if lines else ""


def linked_allocator(command):
    path = shutil.which(command)
    if path is None:
        return None
    listing = subprocess.run(["ldd", path], capture_output=True, text=True, check=False).stdout
    found = re.search(r"lib(jemalloc|tcmalloc|mimalloc)", listing)
    return found.group(1) if found else None
