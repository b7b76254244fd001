"""The tables of docs/EMBEDDED.md."""

from .checks import ROOT

DOCUMENT = ROOT / "docs" / "EMBEDDED.md"
BEGIN = "<!-- figures: written by make embedded -->"
END = "<!-- end of figures -->"
US = "tinyalloc"
# What a row must say when another crate needs fewer instructions, or does not do it at all.
NOTES = {
    "heapless (pool)": "a bare stack: it does not know which slots are live or how many, and it needs exclusive loads and stores",
    "heapless (spsc)": "it leaves one place of the ring empty, where we tell full from empty",
    "embedded-alloc (linked list)": "its best case, with few holes; among holes it walks, and a free walks to the block's place in the list",
    "bbqueue": "",
    "embedded-alloc (TLSF)": "",
}
SIZE_NOTES = {
    "embedded-alloc, linked list: allocate, free": "no record of a block: the caller must know its length, and that it is live",
    "heapless pool: allocate, free": "no record of a block, and blocks of one length",
    "heapless spsc, 256: push, pop": "room for 255 bytes, and for two contexts only",
}


def table(head, lines):
    return "\n".join(["| " + " | ".join(row) + " |" for row in [head, ["---"] * len(head), *lines]])


def spread(cost):
    if cost is None:
        return "–"
    fewest, most = cost
    return str(most) if fewest == most else f"{fewest}–{most}"


def cost_table(rows):
    targets = list(rows)
    costs = {}
    for target in targets:
        for crate, what, fewest, most in rows[target][0]:
            costs.setdefault(what, {}).setdefault(crate, {})[target] = (int(fewest), int(most))
    lines = []
    for what, by_crate in costs.items():
        ours = by_crate.get(US, {})
        for crate, by_target in by_crate.items():
            name = f"**{crate}**" if crate == US else crate
            lines.append([what if crate == US else "", name, *(spread(by_target.get(target)) for target in targets), why(crate, by_target, ours)])
    return table(["operation", "crate", *targets, ""], lines)


def why(who, theirs, ours):
    """Why a row that beats ours does."""
    beats = any(theirs[target][0] < ours[target][1] for target in theirs if target in ours)
    return NOTES[who] if who != US and beats else ""


def ram(sizes, targets):
    """One number for the targets whose words have as many bytes, and '–' for what is not there."""
    found = [size[1] for target, size in sizes.items() if size and target in targets]
    return f"{max(found):,}" if found else "–"


def section_table(rows):
    targets = list(rows)
    lengths = {}
    for target in targets:
        for what, length in rows[target][1]:
            lengths.setdefault(what, {})[target] = str(length)
    return table(["operation", *targets], [[what, *(by.get(target, "–") for target in targets)] for what, by in lengths.items()])


def size_table(rows):
    targets = list(rows)
    narrow = [target for target in targets if target.startswith("ATmega")]
    wide = [target for target in targets if target not in narrow]
    parts = {part: None for target in targets for part in rows[target][2]}
    lines = []
    for part in parts:
        sizes = {target: rows[target][2].get(part) for target in targets}
        flash = (f"{size[0]:,}" if size else "–" for size in sizes.values())
        lines.append([part, *flash, ram(sizes, wide), ram(sizes, narrow), SIZE_NOTES.get(part, "")])
    return table(["part", *(f"flash, {target}" for target in targets), "RAM, 32 bits", "RAM, AVR", ""], lines)


def together(rows):
    """Targets of which everything is the same have one column."""
    names = {}
    for target, found in rows.items():
        names.setdefault(repr(found), []).append(target)
    return {", ".join(targets): rows[targets[0]] for targets in names.values()}


def figures(rows):
    rows = together(rows)
    return "\n\n".join([
        "Instructions, on the ATmega cycles (fewest–most, over all fill levels; opt-level 3):", cost_table(rows),
        "The longest critical section of each operation, in instructions, on the ATmega cycles:", section_table(rows),
        "Bytes that a part adds to a program (opt-level z; the slabs and heaps hold 32 blocks of 32 bytes):", size_table(rows),
    ])


def write_figures(report):
    text = DOCUMENT.read_text()
    before, rest = text.split(BEGIN, 1)
    DOCUMENT.write_text(f"{before}{BEGIN}\n\n{report}\n\n{END}{rest.split(END, 1)[1]}")
