"""The instructions of the hit paths on an emulated processor, counted while they are executed: the emulator notes down every one."""

import json
import os
import re
import subprocess
import tempfile
from pathlib import Path

from harness.failure import Failure, tail
from harness.launcher import CHECKOUT

SOURCE = CHECKOUT / "bench" / "hit-paths.c"
HIT_PATHS = "hit paths"
# One instruction at a time, each with a line that has its address.
TRACED = {"QEMU_SINGLESTEP": "1", "QEMU_LOG": "exec,nochain"}
EXECUTED = re.compile(r"^Trace \d+: \S+ \[[0-9a-f]+/([0-9a-f]+)/")
# The program's code is no larger, and no library is so near to it.
PROGRAM_BYTES = 1 << 16


def budget_file(machine):
    return CHECKOUT / "bench" / f"budget-{machine.name}.json"


def budget(machine):
    return json.loads(budget_file(machine).read_text())[HIT_PATHS]


def write_budget(machine, counts):
    path = budget_file(machine)
    path.write_text(json.dumps({HIT_PATHS: counts}, indent=1) + "\n")
    print(f"wrote {path.name}")


def counted(emulation):
    """The instructions of each function, from its first one to its return."""
    machine = emulation.machine
    with tempfile.TemporaryDirectory(prefix="tinyalloc-hit-paths-") as folder:
        program, trace = Path(folder) / "program", Path(folder) / "trace"
        command = [machine.compiler, "-O1", "-fno-builtin", "-o", program, SOURCE, machine.libraries / "libtinyalloc.so",
                   f"-Wl,-rpath,{machine.libraries}"]
        subprocess.run([str(word) for word in command], check=True)
        done = subprocess.run(emulation.command(program), env=os.environ | TRACED | {"QEMU_LOG_FILENAME": str(trace)}, capture_output=True,
                              text=True, check=False)
        if done.returncode != 0:
            raise Failure(f"{SOURCE.name} ended with {done.returncode}: {tail(done.stderr, 5)}")
        with open(trace) as lines:
            return instructions(addresses_said(done.stdout), executed(lines))


def addresses_said(output):
    return {name: int(address, 16) for name, address in (line.split() for line in output.splitlines())}


def executed(lines):
    return (int(found.group(1), 16) for found in map(EXECUTED.match, lines) if found)


def instructions(functions, addresses):
    """How many instructions the last call of each function took, and of what it jumped to, until the program went on."""
    start = functions["main"] & -PROGRAM_BYTES
    program = range(start - PROGRAM_BYTES, start + 2 * PROGRAM_BYTES)
    entries = {address: name for name, address in functions.items() if name != "main"}
    counts, name, count, is_in_program = {}, None, 0, False
    for address in addresses:
        # The first instruction outside: of a function that another one may jump to as well.
        if is_in_program and address not in program:
            name, count = entries.get(address), 0
        is_in_program = address in program
        count += 1
        if name and not is_in_program:
            counts[name] = count
    missing = set(entries.values()) - set(counts)
    if missing:
        raise Failure(f"not seen in the trace: {', '.join(sorted(missing))}")
    return {name: counts[name] for name in functions if name != "main"}


def difference(count, allowed):
    """Why it does not keep its budget; None when it does."""
    if count > allowed:
        return f"{count - allowed} above the budget of {allowed}"
    if count < allowed:
        return f"{allowed - count} below the budget: lower the budget to {count}"
    return None
