"""docs/MANY_CORES.md: the tables of a run, between two marks, and the figure."""

import json
import re
import subprocess
import sys
from collections import Counter

from harness.bench.plots import drawing_python
from harness.launcher import CHECKOUT
from harness.manycores.counting import FOLDER, OPERATIONS

DOCUMENT = CHECKOUT / "docs" / "MANY_CORES.md"
FIGURE = CHECKOUT / "docs" / "figures" / "many-cores.svg"
PROGRAM = CHECKOUT / "scripts" / "harness" / "manycores" / "draw.py"
BEGIN, BEGIN_TIMES = "<!-- tables: written by make many-cores -->", "<!-- times: written by make many-cores -->"
END = "<!-- end -->"
OURS = "tinyalloc"
MILLION = 1_000_000
WHERE_MAX = 3
INNERMOST = re.compile(r"<[^<>]*>")


def write(counts):
    write_between(BEGIN, text_of(counts))
    draw(counts)


def write_times(times):
    write_between(BEGIN_TIMES, times_table(times))


def write_between(begin, text):
    before, rest = DOCUMENT.read_text().split(begin, 1)
    DOCUMENT.write_text(f"{before}{begin}\n\n{text}\n\n{END}{rest.split(END, 1)[1]}")
    print(f"wrote {DOCUMENT.relative_to(CHECKOUT)}")


def draw(counts):
    python = drawing_python()
    if python is None:
        print("no figure: there is no Python with matplotlib; scripts/install-test-tools --bench installs it", file=sys.stderr)
        return
    data = FOLDER / "counts.json"
    data.write_text(json.dumps([curve_of(count) for count in counts.values()]))
    subprocess.run([python, "-B", PROGRAM, data, FIGURE], check=True)
    print(f"wrote {FIGURE.relative_to(CHECKOUT)}")


def curve_of(count):
    return {"allocator": count.allocator, "workload": count.workload, "threads": count.threads, "atomics": count.atomics / count.operations,
            "lines": count.lines / count.operations, "instructions": count.instructions / count.operations}


def text_of(counts):
    sections = [f"### {workload}\n\n{workload_table(counts, workload)}" for workload in OPERATIONS if of_workload(counts, workload)]
    return "\n\n".join([*sections, f"### Locks\n\n{lock_table(counts)}", f"### Where lines move\n\n{where_table(counts)}"])


def of_workload(counts, workload):
    return sorted((count for count in counts.values() if count.workload == workload),
                  key=lambda count: (not count.allocator.startswith(OURS), count.allocator, count.threads))


def table(head, rows):
    columns = ["---"] + ["---:"] * (len(head) - 1)
    return "\n".join("| " + " | ".join(map(str, row)) + " |" for row in (head, columns, *rows))


def workload_table(counts, workload):
    head = ("allocator, threads", "instructions", "atomic operations", "lines moved", "lines moved by the program", "calls for memory")
    return table(head, [workload_row(count) for count in of_workload(counts, workload)])


def workload_row(count):
    per = [count.instructions, count.atomics, count.lines, count.program_lines, count.memory_calls]
    digits = (0, 3, 3, 2, 4)
    return (f"{count.allocator}, {count.threads}", *(f"{value / count.operations:,.{places}f}" for value, places in zip(per, digits, strict=True)))


def lock_table(counts):
    """With the most threads, and with one."""
    head = ("lock, workload, threads", "takes per million operations", "found held", "instructions while held", "longest", "lines moved", "threads that fill it")
    ours = [count for workload in OPERATIONS for count in of_workload(counts, workload) if count.allocator.startswith(OURS)]
    most = max(count.threads for count in counts.values())
    return table(head, [lock_row(count, lock) for count in ours if count.threads in (1, most) for lock in count.locks if lock.takes])


def lock_row(count, lock):
    takes = lock.takes
    return (f"{lock.name}, {count.workload}, {count.threads}", f"{takes * MILLION / count.operations:,.0f}",
            f"{lock.refusals * MILLION / count.operations:,.0f}", f"{lock.instructions / takes:,.0f}", f"{lock.longest:,}",
            f"{lock.lines / takes:.1f}", f"{count.instructions / lock.instructions:,.1f}")


def times_table(times):
    """Of each lock that was taken."""
    head = ("lock, workload, threads", "takes per million operations", "held, mean ns", "half below", "99 of 100 below", "99 of 100 waits below")
    return table(head, [(f"{each.lock}, {each.workload}, {each.threads}", f"{each.takes_per_million:,.0f}", f"{each.mean:,}", f"{each.half:,}",
                         f"{each.most:,}", f"{each.waits:,}") for each in times])


def where_table(counts):
    """The functions for which most lines move, with the most threads."""
    most = max(count.threads for count in counts.values())
    rows = [(workload, where_of(count)) for workload in OPERATIONS for count in of_workload(counts, workload)
            if count.threads == most and count.allocator.startswith(OURS)]
    return "\n".join("| " + " | ".join(row) + " |" for row in (("workload", "lines moved per operation, by function"), ("---", "---"), *rows))


def where_of(count):
    shares = Counter()
    for function, moved in count.functions.items():
        shares[short(function)] += moved
    return ", ".join(f"`{name}` {moved / count.operations:.3f}" for name, moved in shares.most_common(WHERE_MAX) if moved)


def short(function):
    """The last two names of the path, without types."""
    plain = function
    while (next_one := INNERMOST.sub("", plain)) != plain:
        plain = next_one
    return "::".join([part for part in plain.split("::") if part][-2:]) or function
