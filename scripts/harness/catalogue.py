"""The list of programs. A program is a function that does its work in a Session, named by a decorator."""

import re
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass

from harness.failure import tail


@dataclass(frozen=True)
class Program:
    name: str
    work: Callable
    needs: tuple
    version_command: tuple
    does: str

    def missing(self):
        return [need for need in self.needs if shutil.which(need) is None]

    def version(self):
        """The first thing in the program's own words that looks like a version."""
        try:
            done = subprocess.run(self.version_command, capture_output=True, text=True, timeout=20, check=False)
        except (OSError, subprocess.TimeoutExpired):
            return "?"
        found = re.search(r"\d+\.\d+[\w.\-+]*", tail(done.stdout + done.stderr))
        return found.group().rstrip(".") if found else "?"


PROGRAMS: list[Program] = []


def program(name, *, needs=None, version=None):
    """Registers a program. `needs` are commands, by default the one of the same name; the docstring says what it does."""

    def register(work):
        wanted = tuple(needs or (name,))
        command = tuple(version or (wanted[0], "--version"))
        PROGRAMS.append(Program(name, work, wanted, command, work.__doc__.strip().rstrip(".")))
        return work

    return register
