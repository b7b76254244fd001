"""Why a check did not pass."""

import re
from pathlib import Path
from tempfile import gettempdir


class Failure(Exception):
    """The program did not do what it should; the text tells what it did."""


class Skip(Exception):
    """The program cannot be tried here; the text tells why."""


def without_folders(text):
    """The text without the places of the checkout and of the temporary files."""
    text = text.replace(f"{Path(__file__).resolve().parents[2]}/", "")
    return re.sub(rf"{re.escape(gettempdir())}/\S*/", "", text)


def tail(text, lines=25):
    rows = text.rstrip().splitlines()
    hidden = len(rows) - lines
    shown = rows[-lines:]
    if hidden > 0:
        shown.insert(0, f"… {hidden} lines above")
    return "\n".join(shown)
