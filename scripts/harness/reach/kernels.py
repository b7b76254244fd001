"""Other kernels than this machine's: the C tests in guests, whose processor is emulated as well."""

import platform
import re
from functools import partial

from harness.embedded.checks import OWN_RESULT, run
from harness.failure import Skip
from harness.launcher import CHECKOUT
from harness.reach import guest
from harness.reach.kernel import BACKPORT, RELEASE, Kernel
from harness.reach.suite import counted_tests, first_words
from harness.reach.target import Target, register

BOOTED = CHECKOUT / "scripts" / "booted"
LONGEST_SECONDS = 3 * 3600
NODES = 4
# What asks the kernel for something that not every one has.
ASKING = "^(hardening|large|limits|options)/"
# What passes blocks from one node to another, and what asks the kernel where they are.
PASSING = "^threads/.*(remote|free|end|exit)|of_their_node"
# So that the kernel moves no pages between nodes by itself.
STILL = ["sh", "-c", "echo 0 > /proc/sys/kernel/numa_balancing; exec \"$@\"", "sh"]


def missing():
    needed = guest.missing()
    return needed if platform.machine() == "x86_64" else [*needed, "an x86-64 machine"]


def versions(name):
    emulator = first_words([guest.EMULATOR, "--version"], r"version (\d+\.\d+)")
    try:
        return f"Linux {Kernel(name).release}, qemu {emulator}"
    except Skip as skip:
        return str(skip)


def build(checks, wanted):
    """What the guests run is compiled here: the emulated processor is slow."""
    built, output = checks.command("the libraries build", ["make", "--no-print-directory", "all"], timeout=3600)
    status, output = run(["c-tests/run", "--build-only", "--filter", wanted], timeout=3600) if built else (1, output)
    return checks.record("the C tests build", status == 0, output)


def c_tests(checks, name, wanted, options=(), before=()):
    title = f"Linux {name}: {wanted}"
    try:
        Kernel(name)
    except Skip as skip:
        checks.skip(title, str(skip))
        return str(skip)
    if not build(checks, wanted):
        return "not built"
    command = [BOOTED, "--kernel", name, "--timeout", LONGEST_SECONDS, *options, *before, "c-tests/run", "--verbose", "--timeout", "900", "--except",
               "c-tests/booted.list", "--filter", wanted]
    return counted_tests(checks, title, command, OWN_RESULT, {"C_TESTS_PATIENCE": "10"})


def refusals(checks, name):
    """What the kernel has of what the library asks for; the library asks by number, whatever the headers say."""
    status, output = run([str(BOOTED), "--kernel", name, "--timeout", "900", "python3", "-B", "scripts/harness/reach/asked.py"], timeout=1000)
    found = re.search(r"^it has: (.*)$", output, re.M)
    checks.record(f"Linux {name}: what the kernel has", status == 0 and found, output)
    return found.group(1) if found else "?"


def kernel_target(name, title, absent):
    parts = {"it has": partial(refusals, name=name), "C tests": partial(c_tests, name=name, wanted=ASKING),
             f"{NODES} NUMA nodes": partial(c_tests, name=name, wanted=PASSING, options=("--nodes", str(NODES)), before=STILL)}
    return Target(f"kernel-{name}", title, "`make reach`: Debian's kernel in qemu-system-x86_64, which emulates the processor, too (`scripts/booted`)",
                  absent, parts=parts, missing=missing, versions=partial(versions, name))


LIMITS = "the folders of the C tests that ask the kernel for little; `c-tests/booted.list` has a test that this leaves out; real times"
register(
    kernel_target(RELEASE, "Linux of Debian's release, glibc", LIMITS),
    kernel_target(BACKPORT, "Linux of Debian's backports, glibc", LIMITS),
)
