"""What the catalogue of mistakes holds: c-tests/run holds tinyalloc to it, scripts/security asks other allocators, too."""

import re
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
PROGRAM = FOLDER / "catalogue.c"
# In the order of `enum options` in mistake.h.
OPTION_SETS = {"default": "", "hardened": "hardened=on,check_sizes=on", "guarded": "guard=1,check_sizes=on"}


def rows():
    """The names of all rows. A name is that of a C function: the compiler refuses one that is there twice."""
    return [name for path in sorted(FOLDER.glob("*.h")) for name in re.findall(r"^MISTAKE\(\s*(\w+)", path.read_text(), re.MULTILINE)]
