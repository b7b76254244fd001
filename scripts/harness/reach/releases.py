"""Later releases of glibc than this machine's: what `make check` runs here, with the C library of another of Debian's suites."""

import platform
import sys

from harness.embedded.checks import OWN_RESULT, RUST_RESULT
from harness.launcher import CHECKOUT, launcher_binary
from harness.reach.glibc import Glibc
from harness.reach.machine import REACH
from harness.reach.suite import counted_tests, first_words
from harness.reach.target import Target, register

LIBRARY = CHECKOUT / "target" / "release" / "libtinyalloc.so"
RUNNER = "CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_RUNNER"
# Of C and C++; Python with threads, forks and extensions; and interpreters of other makes.
PROGRAMS = ("echo", "ls", "grep", "git", "python3", "node", "gdb-batch", "gcc", "g++", "perl", "bash", "sqlite3", "redis")


class Release:
    def __init__(self, suite):
        self.suite = suite
        self.glibc = Glibc(suite)

    def missing(self):
        missing = self.glibc.missing()
        return missing if platform.machine() == "x86_64" else [*missing, "an x86-64 machine"]

    def versions(self):
        return f"glibc {self.glibc.version()}, gcc {first_words(['gcc', '--version'], r'([0-9.]+)$')}, " \
               f"Rust {first_words(['rustc', '--version'], r'rustc ([^ ]+)')}"

    def built(self, checks):
        """As this machine builds them: one library is for every glibc from its own on."""
        return checks.command("the libraries build", ["make", "--no-print-directory", "all"], timeout=3600)[0]

    def c_tests(self, checks):
        """They are compiled there as well, with that release's headers."""
        if not self.built(checks):
            return "not built"
        command = self.glibc.command("c-tests/run", "--build", REACH / f"c-tests-glibc-{self.suite}", "--verbose")
        return counted_tests(checks, f"glibc of {self.suite}: C tests", command, OWN_RESULT, {})

    def rust_tests(self, checks):
        """They are compiled here."""
        command = ["cargo", "test", "--workspace", "--lib", "--tests", "--locked", "--no-fail-fast"]
        runner = f"{CHECKOUT / 'scripts' / 'with-glibc'} {self.suite}"
        return counted_tests(checks, f"glibc of {self.suite}: Rust tests", command, RUST_RESULT, {RUNNER: runner})

    def programs(self, checks):
        if not self.built(checks):
            return "not built"
        launcher_binary()
        only = [word for name in PROGRAMS for word in ("--only", name)]
        command = self.glibc.command(sys.executable, "scripts/programs", "--quick", "--jobs", "2", "--lib", LIBRARY, *only)
        return counted_tests(checks, f"glibc of {self.suite}: programs", command, OWN_RESULT, {})

    def parts(self):
        return {"C tests": self.c_tests, "Rust tests": self.rust_tests, "programs": self.programs}


def release_target(suite):
    release = Release(suite)
    return Target(f"glibc-{suite}", f"Linux on x86-64, glibc of Debian {suite}",
                  "`make reach`: the machine's own programs, with the C library and its headers of Debian's packages (`scripts/with-glibc`)",
                  "a kernel and programs of that release",
                  parts=release.parts(), missing=release.missing, versions=release.versions)


register(*map(release_target, ("sid", "experimental")))
