"""The parts of a document that a program writes; what stands outside their markers is a person's."""

from harness.launcher import CHECKOUT

PERFORMANCE = CHECKOUT / "docs" / "PERFORMANCE.md"


def markers(writer):
    return f"<!-- written by {writer}: start -->", f"<!-- written by {writer}: end -->"


def replaced(text, writer, part, after=None):
    """The text with the writer's part replaced; one that has none yet gets it behind the part of `after`, or at the end."""
    start, end = markers(writer)
    if start not in text or end not in text:
        text = with_room(text, f"{start}\n{end}", markers(after)[1] if after else None)
    before, rest = text.split(start, 1)
    return f"{before}{start}\n\n{part.strip()}\n\n{end}{rest.split(end, 1)[1]}"


def with_room(text, room, behind):
    if behind is None or behind not in text:
        return f"{text.rstrip()}\n\n{room}\n"
    before, rest = text.split(behind, 1)
    return f"{before}{behind}\n\n{room}{rest}"


def write_part(document, writer, part, after=None):
    text = document.read_text() if document.exists() else f"# {document.stem.capitalize()}\n"
    document.parent.mkdir(exist_ok=True)
    document.write_text(replaced(text, writer, part, after))
    print(f"wrote {document.relative_to(CHECKOUT)}")
