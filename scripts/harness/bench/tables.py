"""Tables in Markdown, and what is in their cells."""

from harness.measurement import Spread

NOTHING = "–"


def table(header, rows):
    alignment = ["---"] + ["---:"] * (len(header) - 1)
    return "\n".join("| " + " | ".join(cells) + " |" for cells in (header, alignment, *rows))


def folded(summary, contents):
    return f"<details><summary>{summary}</summary>\n\n{contents}\n\n</details>"


def number_cell(value, digits):
    return NOTHING if value is None else f"{value:,.{digits}f}"


def ratio_cell(value):
    """Of large ratios, the hundredths say nothing."""
    return NOTHING if value is None else f"{value:,.{2 if value < 10 else 0}f}"


def interval_cell(interval):
    return NOTHING if interval is None else f"{interval.low:.2f}–{interval.high:.2f}"


def least_cell(values, divisor, digits):
    """The least and, of several values, the median."""
    if not values:
        return NOTHING
    spread = Spread.of([value / divisor for value in values])
    return f"{spread.low:,.{digits}f}" if len(values) == 1 else f"{spread.low:,.{digits}f} ({spread.median:,.{digits}f})"


def spread_cell(values, divisor, digits):
    """The median and, of several values, the lowest and the highest."""
    if not values:
        return NOTHING
    spread = Spread.of([value / divisor for value in values])
    shown = f"{spread.median:,.{digits}f}"
    return shown if len(values) == 1 else f"{shown} ({spread.low:,.{digits}f}–{spread.high:,.{digits}f})"
