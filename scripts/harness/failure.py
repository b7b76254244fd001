"""Why a check did not pass."""


class Failure(Exception):
    """The program did not do what it should; the text tells what it did."""


class Skip(Exception):
    """The program cannot be tried here; the text tells why."""


def tail(text, lines=25):
    rows = text.rstrip().splitlines()
    hidden = len(rows) - lines
    shown = rows[-lines:]
    if hidden > 0:
        shown.insert(0, f"… {hidden} lines above")
    return "\n".join(shown)
