"""Real programs as workloads."""

import shutil
import sys
from contextlib import contextmanager
from dataclasses import replace

from harness.bench.redis import RedisWorkload
from harness.bench.scale import COUNTED_SHARE
from harness.bench.workload import Workload
from harness.workloads import prepared_workloads

STARTS = 400
PARAGRAPHS = 8
PAGES_TEXT = "the heap keeps spans of one class so that a slot once freed is found again soon by callers asking for that size next".split()


@contextmanager
def real_workloads(scale):
    """Those whose program is installed, in a folder that lasts as long as the body; the others are named on stderr."""
    with programs_of(scale) as programs, programs_of(max(1, scale // COUNTED_SHARE)) as smaller:
        for program in programs:
            if not shutil.which(program.command[0]):
                print(f"{program.name} is left out: {program.command[0]} is not installed; scripts/install-test-tools installs it",
                      file=sys.stderr)
        yield [replace(program, counted=less) for program, less in zip(programs, smaller, strict=True) if shutil.which(program.command[0])]


@contextmanager
def programs_of(scale):
    with prepared_workloads(scale=scale) as prepared:
        programs = [Workload(each.name, each.does, each.command, each.folder, each.env, each.feed) for each in prepared]
        folder = prepared[0].folder
        programs += [start(folder, scale), renderer(folder, scale), RedisWorkload(folder, scale)]
        yield programs


def start(folder, scale):
    times = max(10, STARTS * scale // 100)
    loop = f"i=0; while [ $i -lt {times} ]; do /bin/true; i=$((i + 1)); done"
    return Workload("start", f"a shell that runs true {times} times", ("/bin/sh", "-c", loop), folder)


def renderer(folder, scale):
    sections = max(10, 12 * scale)
    (folder / "pages.1").write_text(manual(sections))
    return Workload("groff", f"renders {PARAGRAPHS * sections:,} paragraphs of a manual as PostScript", ("groff", "-man", "-Tps", "pages.1"), folder,
                    {"SOURCE_DATE_EPOCH": "0"})


def manual(sections):
    rows = [".TH PAGES 1", ".SH NAME", "pages \\- text to render"]
    for section in range(sections):
        rows += [f".SH SECTION {section}"]
        for paragraph in range(PARAGRAPHS):
            rows += [".PP", *(line(section * 48 + paragraph * 6 + number) for number in range(6))]
        rows += [".TP", ".B \\-\\-option", "does it"]
    return "\n".join(rows) + "\n"


def line(number):
    words = (PAGES_TEXT[(number * place * 7 + place) % len(PAGES_TEXT)] for place in range(12))
    return " ".join(f"\\fB{word}\\fR" if (number + place) % 5 == 0 else word for place, word in enumerate(words))
