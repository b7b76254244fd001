"""Draws memory over time: draw.py FILE.json FOLDER. Run by whichever Python has matplotlib."""

import json
import sys
from pathlib import Path

import matplotlib

matplotlib.use("svg")
matplotlib.rcParams["svg.hashsalt"] = "tinyalloc"

from matplotlib import pyplot  # noqa: E402


def draw(service, lines, path):
    figure, axes = pyplot.subplots(figsize=(7, 3))
    for allocator, rows in lines.items():
        axes.plot([seconds for seconds, _ in rows], [mib for _, mib in rows], label=allocator, linewidth=2 if allocator == "tinyalloc" else 1)
    axes.set(title=service, xlabel="seconds", ylabel="resident (Pss), MiB")
    axes.set_ylim(bottom=0)
    axes.legend(fontsize="small")
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None})
    pyplot.close(figure)


def main():
    file, folder = sys.argv[1:]
    for service, lines in json.loads(Path(file).read_text()).items():
        draw(service, lines, Path(folder) / f"{service}.svg")


if __name__ == "__main__":
    main()
