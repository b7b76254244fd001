"""Has the plots of a run drawn, by whichever Python has matplotlib."""

import subprocess
import sys
from functools import cache
from pathlib import Path

from harness.launcher import CHECKOUT

FIGURES = CHECKOUT / "docs" / "figures"
PROGRAM = Path(__file__).resolve().parent / "draw.py"
# Debian's matplotlib belongs to Debian's Python.
PYTHONS = (sys.executable, "/usr/bin/python3")
CAPTIONS = {
    "time-and-memory": "Time against memory: geometric means of the ratios to the best peer of each workload, lower left is best",
    "workloads": "Every workload: the bar is tinyalloc, the line its interval, the marks are the peers; time and peak resident set as ratios to the best peer",
}


def draw(results_json, folder):
    """Draws into the folder; the names of what is there then, none where matplotlib is missing."""
    python = drawing_python()
    if python is None:
        print("no plots: there is no Python with matplotlib; scripts/install-test-tools --bench installs it", file=sys.stderr)
        return []
    folder.mkdir(parents=True, exist_ok=True)
    done = subprocess.run([python, "-B", PROGRAM, results_json, folder], check=False)
    if done.returncode != 0:
        print("no plots: drawing them failed", file=sys.stderr)
        return []
    return [name for name in CAPTIONS if (folder / f"{name}.svg").exists()]


@cache
def drawing_python():
    return next((python for python in PYTHONS if has_matplotlib(python)), None)


def has_matplotlib(python):
    try:
        return subprocess.run([python, "-c", "import matplotlib"], capture_output=True, check=False).returncode == 0
    except OSError:
        return False


def embedded(comparison, figures):
    """The comparison with the figures below its introduction, as they are found from bench/results."""
    images = "\n\n".join(f"![{CAPTIONS[name]}](../../docs/{FIGURES.name}/{name}.svg)" for name in figures)
    before, heading, after = comparison.partition("\n\n## ")
    return f"{before}\n\n{images}{heading}{after}" if figures else comparison
