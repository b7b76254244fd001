"""Linux with glibc on processors that this machine emulates: what `make check` runs here, as far as the emulator goes."""

import os
import sys
from functools import partial

from harness.embedded.checks import OWN_RESULT, RUST_RESULT
from harness.launcher import CHECKOUT, launcher_binary
from harness.reach.emulation import Emulation
from harness.reach.hit_paths import budget, counted, difference
from harness.reach.machine import AARCH64, RISCV64
from harness.reach.suite import counted_tests, first_words
from harness.reach.target import Target, register

HOURS = 3600
# On an emulated processor everything takes some ten times as long.
PATIENCE = "10"
# Tests of Rust that cannot hold under the emulator.
LEFT_OUT = {
    "a_directory_that_is_missing_or_no_directory_is_refused_with_a_reason": "the emulator opens /proc/self/cmdline whatever the flags",
    "alignment_leaves_no_padding_mapped": "the emulator limits no address space",
    "an_aligned_range_is_had_where_its_padding_would_exceed_the_limit": "the emulator limits no address space",
    "the_address_space_limit_is_the_soft_one": "the emulator limits no address space",
    "refusals_are_typed_and_leave_errno_and_ranges_alone": "the emulator has reasons of its own to refuse a mapping",
    "programs_are_run_as_ever": "the emulator makes a fork of each vfork, and such a child has nothing of memory in a file",
    "a_process_may_have_far_more_in_its_file_than_in_its_memory": "the emulator limits no memory",
    "a_fork_that_waits_for_a_thread_keeps_it_from_nothing": "a fork takes longer under the emulator than a thread waits for it",
}
PROGRAMS = ("echo", "ls", "grep", "git", "python3-test_json", "python3-test_fork1", "python3-repl", "perl", "bash", "sqlite3", "redis")
# What differs with the size of pages.
PAGED = "^(mistakes/default|large|memory|hardening|patterns|semantics|threads)/"


class Emulated:
    def __init__(self, machine):
        self.machine = machine
        self.emulation = Emulation(machine)

    def missing(self):
        return self.emulation.missing()

    def versions(self):
        emulator = first_words([self.machine.emulator, "--version"], r"version (\d+\.\d+)")
        compiler = first_words([self.machine.compiler, "--version"], r"(\d+\.\d+\.\d+)$")
        rust = first_words(["rustc", "--version"], r"rustc (\S+)")
        return f"qemu {emulator}, gcc {compiler}, Rust {rust}"

    def lists(self, pages):
        """The C tests that are left out: on every emulated processor, on this one, and with pages of a size of their own."""
        names = ["emulated", f"emulated-{self.machine.name}", *(["emulated-large-pages"] if pages else [])]
        lists = [CHECKOUT / "c-tests" / f"{name}.list" for name in names]
        return [path for path in lists if path.exists()]

    def environment(self, **more):
        name = self.machine.triple.upper().replace("-", "_")
        return {f"CARGO_TARGET_{name}_LINKER": self.machine.compiler,
                f"CARGO_TARGET_{name}_RUNNER": f"{CHECKOUT / 'scripts' / 'emulated'} {self.machine.name}", **more}

    def libraries(self, checks):
        """Both, as `make all` builds them."""
        command = ["make", "--no-print-directory", "all", f"TRIPLE={self.machine.triple}", f"OBJCOPY={self.machine.gnu}-objcopy"]
        built, _ = checks.command(f"{self.machine.name}: the libraries build", command, environment=self.environment(), timeout=HOURS)
        return "both" if built else "none"

    def rust_tests(self, checks):
        """The whole workspace. Tests take a while unless they are optimised. Of two that map large ranges at once, qemu 7.2 loses a range."""
        for name, reason in LEFT_OUT.items():
            checks.skip(f"{self.machine.name}: {name}", reason)
        skipped = [word for name in LEFT_OUT for word in ("--skip", name)]
        command = ["cargo", "test", "--workspace", "--lib", "--tests", "--locked", "--no-fail-fast", "--target", self.machine.triple, "--",
                   "--test-threads=1", *skipped]
        environment = self.environment(CARGO_PROFILE_DEV_OPT_LEVEL="1", CARGO_PROFILE_DEV_DEBUG="0", C_TESTS_EMULATED="1")
        return counted_tests(checks, f"{self.machine.name}: Rust tests", command, RUST_RESULT, environment)

    def c_tests(self, checks, pages=None, wanted=""):
        command = ["c-tests/run", "--lib", self.machine.libraries, "--build", self.machine.folder / "c-tests",
                   *(word for path in self.lists(pages) for word in ("--except", path)), "--timeout", "600", "--verbose", "--filter", wanted]
        environment = {"C_TESTS_EMULATED": "1", "C_TESTS_PATIENCE": PATIENCE} | ({"QEMU_PAGESIZE": str(pages)} if pages else {})
        name = f"C tests, pages of {pages // 1024} KiB" if pages else "C tests"
        return counted_tests(checks, f"{self.machine.name}: {name}", self.emulation.command(*command), OWN_RESULT, environment)

    def programs(self, checks):
        """Of Debian's packages for the processor."""
        launcher_binary()
        emulation = Emulation(self.machine, with_programs=True)
        emulation.prepare()
        only = [word for name in PROGRAMS for word in ("--only", name)]
        command = emulation.command(sys.executable, "scripts/programs", "--quick", "--jobs", "2", "--lib",
                                    self.machine.libraries / "libtinyalloc.so", *only)
        return counted_tests(checks, f"{self.machine.name}: programs", command, OWN_RESULT, {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"})

    def hit_paths(self, checks):
        """To the instruction."""
        counts, allowed = counted(self.emulation), budget(self.machine)
        for name, most in allowed.items():
            found = difference(counts[name], most)
            checks.record(f"{self.machine.name}: {name}: {counts[name]} instructions", found is None, found or "")
        return f"malloc {counts['malloc']}, free {counts['free']} instructions"

    def large_pages(self, checks):
        return ", ".join(f"{pages // 1024} KiB: {self.c_tests(checks, pages, PAGED)}" for pages in self.machine.pages)

    def parts(self):
        parts = {"libraries": self.libraries, "Rust tests": self.rust_tests, "C tests": self.c_tests, "hit paths": self.hit_paths}
        if self.machine.pages:
            parts["large pages"] = self.large_pages
        if self.machine.debian:
            parts["programs"] = self.programs
        return parts


def emulated_target(machine, title, how, absent):
    emulated = Emulated(machine)
    return Target(machine.name, title, how, absent, parts=emulated.parts(), missing=emulated.missing, versions=emulated.versions)


LIMITS = ("qemu-user runs a process, not a system: no debugger, no seccomp, no limit of address space, and /proc tells of the emulator; "
          "`c-tests/emulated.list` has the tests that this leaves out")
register(
    emulated_target(AARCH64, "Linux on 64-bit Arm, glibc", "`make reach`: qemu-user, Debian 12's libraries and programs for arm64", LIMITS),
    emulated_target(RISCV64, "Linux on 64-bit RISC-V, glibc", "`make reach`: qemu-user, the cross compiler's libraries",
                    "as for 64-bit Arm; and no programs, which Debian 12 does not have for it; no larger pages, which Linux does not have for it"),
)
