"""draw.py RESULTS_JSON FOLDER: two plots of a run, as SVG, readable on a light and on a dark page."""

import json
import re
import sys
from pathlib import Path

import matplotlib

matplotlib.use("svg")

from matplotlib import pyplot  # noqa: E402
from matplotlib.ticker import FuncFormatter, MultipleLocator, NullLocator  # noqa: E402

OURS = "tinyalloc"
# Middle tones: they stand out from white as well as from black.
OURS_COLOUR, PEER_COLOUR, TEXT_COLOUR = "#e4572e", "#4f8fc0", "#808080"
# An allocator's versions share a colour.
MIMALLOC, JEMALLOC = "#4f8fc0", "#5aa469"
PEER_MARKS = (("s", "#808080"), ("^", MIMALLOC), ("v", MIMALLOC), ("D", "#9b6fb5"), ("o", "#b8860b"), ("+", JEMALLOC), ("x", "#c0637a"),
              ("1", JEMALLOC), ("2", MIMALLOC))
RATIO_TICKS = (0.2, 0.3, 0.5, 0.7, 1, 1.5, 2, 3, 5, 10, 20, 50, 100)
STYLE = {"svg.hashsalt": OURS, "svg.fonttype": "none", "font.family": "sans-serif", "text.color": TEXT_COLOUR, "axes.edgecolor": TEXT_COLOUR,
         "axes.labelcolor": TEXT_COLOUR, "xtick.color": TEXT_COLOUR, "ytick.color": TEXT_COLOUR, "font.size": 10}


def colour(name):
    return OURS_COLOUR if name.startswith(OURS) else PEER_COLOUR


def save(figure, path):
    figure.savefig(path, transparent=True, metadata={"Date": None}, bbox_inches="tight", pad_inches=0.2)
    pyplot.close(figure)
    path.write_text(with_classes(path.read_text()))


def with_classes(svg):
    """Matplotlib repeats the style of a mark wherever the mark is; a class says it once."""
    styles = sorted(set(re.findall(r'<use [^>]*?style="([^"]*)"', svg)))
    for number, style in enumerate(styles):
        svg = re.sub(rf'(<use [^>]*?)style="{re.escape(style)}"', rf'\1class="m{number}"', svg)
    rules = "".join(f".m{number}{{{style}}}" for number, style in enumerate(styles))
    return svg.replace("</style>", f"{rules}</style>", 1)


def scatter(results, path):
    points = {name: (row["time"], row["peak"]) for name, row in results["summary"].items() if row["time"] and row["peak"]}
    figure, axes = pyplot.subplots(figsize=(7.6, 5.2))
    axes.set_xscale("log")
    axes.set_yscale("log")
    for name, (time, peak) in points.items():
        is_ours = name.startswith(OURS)
        axes.scatter(time, peak, s=130 if is_ours else 55, color=colour(name), marker="D" if is_ours else "o", zorder=3)
    set_ticks(axes, points)
    axes.axvline(1, color=TEXT_COLOUR, linewidth=0.8, linestyle=":")
    axes.axhline(1, color=TEXT_COLOUR, linewidth=0.8, linestyle=":")
    axes.set_xlabel("time: geometric mean of the ratios to the best peer of each workload")
    axes.set_ylabel("peak resident set: the same")
    axes.text(0.015, 0.02, "↙ lower left is best", transform=axes.transAxes, style="italic")
    figure.canvas.draw()
    put_labels(axes, points)
    save(figure, path)


def set_ticks(axes, points):
    for axis, place in ((axes.xaxis, 0), (axes.yaxis, 1)):
        values = [1.0, *(point[place] for point in points.values())]
        low, high = min(values), max(values)
        margin = (high / low) ** 0.08 * 1.03
        (axes.set_xlim if place == 0 else axes.set_ylim)(low / margin, high * margin)
        step = next((step for step in (0.05, 0.1, 0.2, 0.5, 1.0) if (high - low) / step <= 9), 2.0)
        axis.set_major_locator(MultipleLocator(step))
        axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.2f}"))
        axis.set_minor_locator(MultipleLocator(1000))
    axes.grid(color=TEXT_COLOUR, alpha=0.3, linewidth=0.6)


def put_labels(axes, points):
    """Each label is at the first place around its point where it meets no other label and no other point."""
    pixels = {name: tuple(axes.transData.transform(point)) for name, point in points.items()}
    taken = [(x - 7, y - 7, x + 7, y + 7) for x, y in pixels.values()]
    frame = axes.get_window_extent()
    for name in sorted(points, key=lambda each: not each.startswith(OURS)):
        size = 13 if name.startswith(OURS) else 10
        width, height = 0.62 * size * len(name), 1.25 * size
        x, y = pixels[name]
        boxes = [(x + dx * width - width / 2 + sign(dx) * 10, y + dy * height - height / 2 + sign(dy) * 6) for dx, dy in PLACES]
        free = [corner for corner in boxes if is_free((*corner, corner[0] + width, corner[1] + height), taken, frame)]
        left, bottom = (free or boxes)[0]
        taken.append((left, bottom, left + width, bottom + height))
        axes.annotate(name, points[name], xytext=((left + width / 2 - x), (bottom + height / 2 - y)), textcoords="offset pixels",
                      ha="center", va="center", fontsize=size, color=colour(name), fontweight="bold" if name.startswith(OURS) else "normal")


PLACES = ((0.5, 0), (-0.5, 0), (0, 0.7), (0, -0.7), (0.5, 0.8), (0.5, -0.8), (-0.5, 0.8), (-0.5, -0.8), (0, 1.7), (0, -1.7), (0.6, 1.8),
          (0.6, -1.8), (-0.6, 1.8), (-0.6, -1.8))


def sign(number):
    return (number > 0) - (number < 0)


def is_free(box, taken, frame):
    left, bottom, right, top = box
    inside = frame.x0 <= left and right <= frame.x1 and frame.y0 <= bottom and top <= frame.y1
    return inside and not any(left < other[2] and other[0] < right and bottom < other[3] and other[1] < top for other in taken)


def workloads(results, path):
    """One row a workload: a bar from 1 to our ratio, and a mark for each peer."""
    rows = [each["name"] for each in results["workloads"]][::-1]
    peers = [each["name"] for each in results["allocators"] if each["is_peer"]]
    figure, both = pyplot.subplots(1, 2, figsize=(12.5, 1.6 + 0.27 * len(rows)), sharey=True, gridspec_kw={"wspace": 0.03})
    for axes, quantity, title in zip(both, ("time", "peak"), ("time", "peak resident set"), strict=True):
        strip(axes, {row: results["ratios"][row] for row in rows}, peers, quantity)
        axes.set_title(f"{title}: ratio to the best peer, left is best", fontsize=11)
    both[0].set_ylim(-0.7, len(rows) - 0.3)
    handles, labels = (entries[-1:] + entries[:-1] for entries in both[0].get_legend_handles_labels())
    figure.legend(handles, labels, loc="upper center", bbox_to_anchor=(0.5, 0.075), ncols=len(labels), frameon=False, fontsize=9,
                  handletextpad=0.2, columnspacing=1.2)
    save(figure, path)


def strip(axes, ratios, peers, quantity):
    axes.set_xscale("log")
    places = range(len(ratios))
    for peer, (marker, tone) in zip(peers, PEER_MARKS, strict=False):
        values = [row[peer][quantity] or float("nan") for row in ratios.values()]
        axes.plot(values, places, linestyle="none", marker=marker, markersize=5, markerfacecolor="none", markeredgecolor=tone, label=peer,
                  zorder=3)
    ours = [row[OURS][quantity] or 1.0 if OURS in row else 1.0 for row in ratios.values()]
    axes.barh(places, [value - 1 for value in ours], left=1, height=0.52, color=OURS_COLOUR, alpha=0.6, label=OURS, zorder=2)
    for place, row in zip(places, ratios.values(), strict=True):
        interval = row.get(OURS, {}).get(f"{quantity} interval", [])
        axes.plot(interval, [place] * len(interval), color=OURS_COLOUR, linewidth=2, solid_capstyle="butt", zorder=4)
    axes.plot(ours, places, linestyle="none", marker="|", markersize=11, markeredgewidth=3, color=OURS_COLOUR, zorder=4)
    axes.axvline(1, color=TEXT_COLOUR, linewidth=1)
    known = [each[quantity] for row in ratios.values() for each in row.values() if each[quantity]]
    ticks = [tick for tick in RATIO_TICKS if min(known) * 0.95 <= tick <= max(known)]
    axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    axes.set_xlim(min(known) * 0.93, max(known) * 1.08)
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_yticks(places, list(ratios))
    axes.tick_params(length=0)
    axes.grid(color=TEXT_COLOUR, alpha=0.3, linewidth=0.6)


def main():
    results, folder = json.loads(Path(sys.argv[1]).read_text()), Path(sys.argv[2])
    pyplot.rcParams.update(STYLE)
    scatter(results, folder / "time-and-memory.svg")
    workloads(results, folder / "workloads.svg")


if __name__ == "__main__":
    main()
