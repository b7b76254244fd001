"""draw.py COUNTS_JSON FIGURE: what an operation costs with 1 to 64 threads, as SVG, readable on a light and on a dark page."""

import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent.parent))

from harness.bench.draw import OURS, OURS_COLOUR, PEER_COLOUR, STYLE, TEXT_COLOUR, pyplot, save  # noqa: E402

QUANTITIES = {"lines": "lines moved per operation", "atomics": "atomic operations per operation"}


def curves(rows, path):
    workloads = list(dict.fromkeys(row["workload"] for row in sorted(rows, key=lambda row: row["workload"] == "large")))
    figure, grid = pyplot.subplots(len(QUANTITIES), len(workloads), figsize=(3.1 * len(workloads), 6), squeeze=False)
    for column, workload in enumerate(workloads):
        for axes, (quantity, title) in zip((row[column] for row in grid), QUANTITIES.items(), strict=True):
            draw_one(axes, [row for row in rows if row["workload"] == workload], quantity)
            if column == 0:
                axes.set_ylabel(title)
        grid[0][column].set_title(workload, color=TEXT_COLOUR)
        grid[-1][column].set_xlabel("threads")
    grid[0][0].legend(frameon=False)
    figure.tight_layout()
    save(figure, path)


def draw_one(axes, rows, quantity):
    for allocator in sorted({row["allocator"] for row in rows}, reverse=True):
        points = sorted((row["threads"], row[quantity]) for row in rows if row["allocator"] == allocator)
        is_ours = allocator.startswith(OURS)
        axes.plot(*zip(*points, strict=True), marker="o" if is_ours else "s", markersize=4, color=OURS_COLOUR if is_ours else PEER_COLOUR, label=allocator)
    threads = sorted({row["threads"] for row in rows})
    axes.set_xscale("log", base=2)
    axes.set_xticks(threads, [str(number) for number in threads])
    axes.set_ylim(bottom=0)


if __name__ == "__main__":
    pyplot.rcParams.update(STYLE)
    curves(json.loads(Path(sys.argv[1]).read_text()), Path(sys.argv[2]))
