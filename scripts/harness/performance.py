"""The generated part of docs/PERFORMANCE.md."""

from harness.hit_path import hit_path
from harness.launcher import CHECKOUT
from harness.library import PEERS, package_version
from harness.machine import machine_kind
from harness.measurement import Spread, measure_in_turns
from harness.startup import ECHOES, startup_rows
from harness.workloads import prepared_workloads

DOCUMENT = CHECKOUT / "docs" / "PERFORMANCE.md"
START = "<!-- written by scripts/figures: start -->"
END = "<!-- written by scripts/figures: end -->"


def performance_report(library, allocators, rounds):
    parts = [
        f"Measured on: {machine_kind()}. Written by `scripts/figures`: medians of {rounds} rounds in which all allocators take turns,"
        " lowest and highest in parentheses.",
        versions(),
        hit_paths(library),
        programs(allocators, rounds),
        startup(allocators, rounds),
    ]
    return "\n\n".join(parts)


def versions():
    said = [f"glibc {package_version('libc6')}"]
    said += [f"{peer.name} {peer.version()}" if peer.path() else f"**{peer.name} is missing** ({peer.package})" for peer in PEERS]
    return f"Compared: {', '.join(said)}; each preloaded, glibc as it is."


def table(header, rows):
    alignment = ["---"] + ["---:"] * (len(header) - 1)
    return "\n".join("| " + " | ".join(cells) + " |" for cells in (header, alignment, *rows))


def hit_paths(library):
    paths = [hit_path(library, symbol) for symbol in ("malloc", "free")]
    rows = [[f"`{path.symbol}`", str(path.count()), path.end] for path in paths]
    intro = ("## Instructions of the hit paths\n\nFrom the symbol to the return when no exceptional branch is taken, counted in the"
             " built library.")
    return "\n\n".join([intro, table(["function", "instructions", "ends with"], rows), *map(listing, paths)])


def listing(path):
    lines = "\n".join(f"{number:3}  {text}" for number, text in enumerate(path.instructions, 1))
    return f"<details><summary>{path.symbol}</summary>\n\n```asm\n{lines}\n```\n\n</details>"


def programs(allocators, rounds):
    with prepared_workloads() as workloads:
        costs = measure_in_turns(workloads, allocators, rounds)
        tables = [program_table(workload, allocators, costs) for workload in workloads]
    intro = "## Real programs\n\nTime is user and system time. Ratios are to glibc, below 1 is better."
    return "\n\n".join([intro, *tables])


def program_table(workload, allocators, costs):
    def spread(allocator, quantity, unit):
        return Spread.of([getattr(cost, quantity) / unit for cost in costs[workload.name, allocator.name]])

    first_time, first_peak = spread(allocators[0], "cpu_seconds", 1), spread(allocators[0], "peak_kib", 1024)
    rows = []
    for allocator in allocators:
        time, peak = spread(allocator, "cpu_seconds", 1), spread(allocator, "peak_kib", 1024)
        rows.append([allocator.name, shown(time, 3), f"{time.median / first_time.median:.3f}", shown(peak, 1),
                     f"{peak.median / first_peak.median:.3f}"])
    return f"**{workload.name}** {workload.does}\n\n" + table(["allocator", "seconds", "ratio", "peak MiB", "ratio"], rows)


def shown(spread, digits):
    return f"{spread.median:.{digits}f} ({spread.low:.{digits}f}–{spread.high:.{digits}f})"


def startup(allocators, rounds):
    rows = startup_rows(allocators, rounds)
    header = ["allocator", "ms of processor", "ratio", "ms of wall time", "peak KiB of echo", "to glibc", "dirty KiB of cat"]
    intro = (f"## Start-up\n\nOne of the {ECHOES} times that a shell, preloaded too, runs /bin/echo; the peak resident set of an echo;"
             " the private dirty memory that a cat finds in its own smaps_rollup.")
    return intro + "\n\n" + table(header, [startup_cells(row, rows[0]) for row in rows])


def startup_cells(row, first):
    return [row.name, shown(row.cpu_milliseconds, 3), f"{row.cpu_milliseconds.median / first.cpu_milliseconds.median:.3f}",
            shown(row.wall_milliseconds, 3), shown(row.peak_kib, 0), f"{row.peak_kib.median - first.peak_kib.median:+.0f}",
            shown(row.dirty_kib, 0)]


def write_report(report):
    text = DOCUMENT.read_text() if DOCUMENT.exists() else f"# Performance\n\n{START}\n{END}\n"
    if START not in text or END not in text:
        text = f"{text.rstrip()}\n\n{START}\n{END}\n"
    before, rest = text.split(START, 1)
    after = rest.split(END, 1)[1]
    DOCUMENT.parent.mkdir(exist_ok=True)
    DOCUMENT.write_text(f"{before}{START}\n\n{report}\n\n{END}{after}")
    print(f"wrote {DOCUMENT.relative_to(CHECKOUT)}")
