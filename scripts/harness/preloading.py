"""What a program's environment needs, so that a library is preloaded into it and works as its makers mean it to."""

from pathlib import Path

# Google's tcmalloc has caches of each processor only where it may register restartable sequences, which glibc otherwise does first.
NEEDED = {"tcmalloc-google": {"GLIBC_TUNABLES": "glibc.pthread.rseq=0"}}


def allocator_name(library):
    """libtinyalloc.so is tinyalloc."""
    return Path(library).name.removeprefix("lib").split(".")[0]


def needed(library):
    """The variables that the library needs besides being preloaded; None is the system malloc, which needs none."""
    return NEEDED.get(allocator_name(library), {}) if library else {}


def preloading(library):
    return {"LD_PRELOAD": str(library)} | needed(library) if library else {}
