"""Programs with enough work to be measured, for the demo and the figures."""

import shutil
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from harness.measurement import measure_once
from harness.programs.compilers import c_source
from harness.programs.databases import sql
from harness.programs.languages import PERL_SCRIPT
from harness.programs.python3 import PYTHON

PYTHON_SCRIPT = """
import json, sys
class Node:
    def __init__(self, key): self.key, self.kids, self.name = key, [], 'node %d' % key
def tree(depth, key=1):
    node = Node(key)
    if depth: node.kids = [tree(depth - 1, 2 * key + side) for side in (0, 1)]
    return node
kept = []
for turn in range(int(sys.argv[1])):
    kept.append(tree(13, turn))
    if len(kept) > 3: kept.pop(turn % 3)
    words = {}
    for i in range(60000): words.setdefault('w%d' % (i * 7919 % 5003), []).append(i)
    text = json.dumps(words)
    assert sum(map(len, json.loads(text).values())) == 60000
print(len(kept), len(text))
"""


@dataclass(frozen=True)
class Workload:
    name: str
    does: str
    command: tuple
    folder: Path
    env: dict
    feed: str = ""

    def run(self, library):
        return measure_once(self.command, library, env=self.env, feed=self.feed, folder=self.folder)[0]


@contextmanager
def prepared_workloads(names=("python3", "sqlite3", "gcc", "perl"), scale=100):
    """The workloads of these names whose program is installed, in a folder that lasts as long as the body; `scale` is in percent."""
    def scaled(amount):
        return max(1, amount * scale // 100)

    with tempfile.TemporaryDirectory(prefix="tinyalloc-workloads-") as name:
        folder = Path(name)
        (folder / "script.py").write_text(PYTHON_SCRIPT)
        (folder / "script.pl").write_text(PERL_SCRIPT)
        (folder / "large.c").write_text(c_source(scaled(500)))
        every = (
            Workload("python3", "builds and drops trees, dictionaries and JSON, with PYTHONMALLOC=malloc",
                     (PYTHON, "script.py", scaled(16)), folder, {"PYTHONMALLOC": "malloc"}),
            Workload("sqlite3", f"inserts, joins, windows and a vacuum on {scaled(120_000):,} rows in memory", ("sqlite3", ":memory:"), folder, {},
                     sql(scaled(120_000))),
            Workload("gcc", f"compiles a C file of {scaled(500)} functions with -O1", ("gcc", "-O1", "-c", "large.c", "-o", "large.o"), folder, {}),
            Workload("perl", "hashes, sorting, deep copies, forks", ("perl", "script.pl", scaled(250)), folder, {}),
        )
        yield [workload for workload in every if workload.name in names and shutil.which(workload.command[0])]
