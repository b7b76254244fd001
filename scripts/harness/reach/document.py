"""docs/PLATFORMS.md: a row for each target."""

from harness.launcher import CHECKOUT
from harness.machine import today

DOCUMENT = CHECKOUT / "docs" / "PLATFORMS.md"
BEGIN = "<!-- table: written by make reach -->"
END = "<!-- end of table -->"
NOT_RUN = "not run: "
HEAD = ("target", "how it is run", "versions", "what passes", "what is not there")


def write_platforms(targets, rows):
    """Rows of targets that were not run this time stay as they are, and so do parts of rows."""
    text = DOCUMENT.read_text()
    before, rest = text.split(BEGIN, 1)
    table, after = rest.split(END, 1)
    kept = rows_by_title(table)
    lines = [line_of(target, rows.get(target.name), kept.get(target.title)) for target in targets if target.is_run]
    DOCUMENT.write_text(f"{before}{BEGIN}\n\n{table_of(lines)}\n\n{END}{after}")
    print(f"wrote {DOCUMENT.relative_to(CHECKOUT)}")


def line_of(target, row, kept):
    if not target.parts:
        return (target.title, target.how, "", target.passes, target.absent)
    if row is None:
        return kept or (target.title, target.how, "", f"{NOT_RUN}{', '.join(target.parts)}", target.absent)
    results = results_of(target, kept[3] if kept else "") | row.results
    is_whole = row.results.keys() == target.parts.keys()
    return (target.title, target.how, f"{row.versions}, {today()}" + ("" if is_whole else ", by parts"), told(target, results), target.absent)


def told(target, results):
    """Each part with its result, in the target's order, and which were not run."""
    missing = [part for part in target.parts if part not in results]
    return "; ".join([f"{part}: {results[part]}" for part in target.parts if part in results] + ([f"{NOT_RUN}{', '.join(missing)}"] if missing else []))


def results_of(target, text):
    """What `told` wrote."""
    pieces = [piece.split(": ", 1) for piece in text.split("; ") if ": " in piece]
    return {part: result for part, result in pieces if part in target.parts}


def table_of(lines):
    return "\n".join("| " + " | ".join(line) + " |" for line in (HEAD, ("---",) * len(HEAD), *lines))


def rows_by_title(table):
    rows = [tuple(cell.strip() for cell in line.strip().strip("|").split("|")) for line in table.splitlines() if line.startswith("|")]
    return {row[0]: row for row in rows if len(row) == len(HEAD)}
