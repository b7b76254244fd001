"""The hit paths of malloc and free, counted and listed."""

from harness.bench.tables import folded, table
from harness.hit_path import hit_path

LISTED = ("malloc", "free")


def hit_paths(library):
    paths = [hit_path(library, symbol) for symbol in LISTED]
    rows = [[f"`{path.symbol}`", str(path.count()), path.end] for path in paths]
    intro = ("## Instructions of the hit paths\n\nFrom the symbol to the return when no exceptional branch is taken, counted in the"
             " built library. `scripts/budget` holds these and further ones to what `bench/budget.json` allows.")
    return "\n\n".join([intro, table(["function", "instructions", "ends with"], rows), *map(listing, paths)])


def listing(path):
    lines = "\n".join(f"{number:3}  {text}" for number, text in enumerate(path.instructions, 1))
    return folded(path.symbol, f"```asm\n{lines}\n```")
