"""Where a library has its locks, and the code that takes and releases them: read off the file."""

import ctypes
import re
import struct
import subprocess
import sys
from functools import cache
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent.parent.parent

LAYOUT = "ta_debug_layout"
# The functions that every take and release goes through (crates/tinyalloc-alloc/src/support/lock.rs); the word is the first of the lock.
TAKERS, RELEASER = ("come_in", "come_to_look", "take_slow"), "go_out"
TAKE, RELEASE = re.compile(r"lock cmpxchg %r\w+,\(%r\w+\)$"), re.compile(r"xchg\s+%r\w+,\(%r\w+\)$")
FUNCTION, INSTRUCTION = re.compile(r"^[0-9a-f]+ <(.*)>:$"), re.compile(r"^\s*([0-9a-f]+):\s+(.*)$")
# An allocator's locks, in the order of their addresses (crates/tinyalloc-alloc/src/allocator/state.rs), and the numbers that say where they are.
NUMBERS = ("allocator.space_holder", "allocator.guards", "allocator.profile")


@cache
def symbols_of(path):
    """(address, name) of what the file defines, by address."""
    done = subprocess.run(["nm", "-C", "--defined-only", str(path)], capture_output=True, text=True, check=False)
    rows = (line.split(" ", 2) for line in done.stdout.splitlines())
    return sorted((int(row[0], 16), row[2]) for row in rows if row[0])


@cache
def lock_code(library):
    """Addresses of the instructions that take a lock, and that release one; none of a library that is not ours."""
    done = subprocess.run(["objdump", "-d", "--no-show-raw-insn", str(library)], capture_output=True, text=True, check=False)
    return code_listed(done.stdout.splitlines())


def code_listed(lines):
    takes, releases, function = [], [], ""
    for line in lines:
        if found := FUNCTION.match(line):
            function = found[1]
        elif "Gate" in function and (found := INSTRUCTION.match(line)):
            address, text = int(found[1], 16), found[2].strip()
            if any(name in function for name in TAKERS) and TAKE.search(text):
                takes.append(address)
            elif RELEASER in function and RELEASE.match(text):
                releases.append(address)
    return tuple(takes), tuple(releases)


@cache
def lock_names(library):
    """By address in the library. A process of its own reads them, for the library does not leave one again."""
    if LAYOUT not in {name for _, name in symbols_of(library)}:
        return {}
    done = subprocess.run([sys.executable, "-B", __file__, str(library)], capture_output=True, text=True, check=False, cwd=CHECKOUT)
    return {int(address, 16): name for address, name in (line.split() for line in done.stdout.splitlines())}


def field_names():
    script = (CHECKOUT / "packaging" / "gdb" / "tinyalloc_gdb.py").read_text()
    return re.search(r'^NUMBERS = """(.*?)"""', script, re.DOTALL | re.MULTILINE)[1].split()


def read_names(path):
    """A lock is known by where its word is, before what it protects."""
    library = ctypes.CDLL(path)
    at = ctypes.addressof(ctypes.c_char.in_dll(library, LAYOUT))
    base = at - next(address for address, name in symbols_of(path) if name == LAYOUT)
    table, allocator = struct.unpack("<2Q", ctypes.string_at(at, 16))
    names = field_names()
    numbers = dict(zip(names, struct.unpack(f"<{len(names)}H", ctypes.string_at(table + 4, 2 * len(names))), strict=True))
    space, guards, profile = (numbers[name] for name in NUMBERS)
    for start in range(0, space + 1, 8):
        name = "space" if start == space else "pool" if start < guards - 64 else "guards" if start < guards else "profile" if start < profile else None
        if name:
            print(f"{allocator - base + start:x} {name}")


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent.parent))
    read_names(sys.argv[1])
