"""Linux with musl: the library preloaded into programs of Debian's musl-gcc, linked with them, and in static programs."""

import re
import shutil
import subprocess
from pathlib import Path

from harness.embedded.checks import OWN_RESULT
from harness.launcher import CHECKOUT
from harness.reach.machine import REACH
from harness.reach.suite import counted_tests, first_words
from harness.reach.target import Target, register

TRIPLE = "x86_64-unknown-linux-musl"
FOLDER = REACH / "musl"
LIBRARIES = CHECKOUT / "target" / TRIPLE / "release"
LISTS = CHECKOUT / "c-tests"
LOADER = Path("/lib/ld-musl-x86_64.so.1")
# The kernel's headers, which musl-gcc does not look for.
KERNEL_HEADERS = {"linux": "/usr/include/linux", "asm-generic": "/usr/include/asm-generic", "asm": "/usr/include/x86_64-linux-gnu/asm"}
# musl-gcc links static programs without the index of unwind tables. What musl's own libc.so does not have, the preloaded library has.
LINKED_WITH = "-Wl,--eh-frame-hdr -Wl,--unresolved-symbols=ignore-in-object-files -Wl,-z,lazy"
# What needs no other library than the C library: all of it in one file.
STATIC = "^(fork|hardening|large|memory|misuse|patterns|proof|semantics|signals|threads)/.*[.]c$|^mistakes/default/"
# Names of glibc's.
NOT_FOR_MUSL = re.compile("__libc_|__posix_|dlopen$")


def missing():
    commands = [command for command in ("musl-gcc", "readelf") if not shutil.which(command)]
    done = subprocess.run(["rustc", "--print", "target-libdir", "--target", TRIPLE], cwd=CHECKOUT, capture_output=True, text=True, check=False)
    has_target = done.returncode == 0 and Path(done.stdout.strip()).is_dir()
    return commands + ([] if has_target else [f"Rust's target {TRIPLE}"])


def versions():
    musl = subprocess.run([str(LOADER)], capture_output=True, text=True, check=False).stderr
    found = re.search(r"^Version (\S+)", musl, re.M)
    return f"musl {found.group(1) if found else '?'}, gcc {first_words(['musl-gcc', '--version'], r'([0-9.]+)$')}, " \
           f"Rust {first_words(['rustc', '--version'], r'rustc ([^ ]+)')}"


def compiler(name, *options):
    """A script that compiles a C test for musl, with these options besides."""
    headers = FOLDER / "include"
    headers.mkdir(parents=True, exist_ok=True)
    for link, target in KERNEL_HEADERS.items():
        (headers / link).unlink(missing_ok=True)
        (headers / link).symlink_to(target)
    script = FOLDER / name
    words = ["musl-gcc", "-include", str(LISTS / "musl.h"), "-isystem", str(headers), LINKED_WITH, *options]
    text = f'#!/bin/sh\nexec {" ".join(words)} "$@"\n'
    if not script.exists() or script.read_text() != text:
        # The runner keeps what it compiled, whatever compiled it.
        shutil.rmtree(FOLDER / f"c-tests-{name}", ignore_errors=True)
    script.write_text(text)
    script.chmod(0o755)
    return str(script)


def symbols_header():
    """Static programs have no dlsym: they look into a table of what the archive exports."""
    names = [name for name in (LISTS / "exports.list").read_text().split() if not NOT_FOR_MUSL.match(name)]
    lines = [f'extern char exported_{name}[] __asm__("{name}");' for name in names]
    rows = [f'    {{"{name}", exported_{name}}},' for name in names]
    header = FOLDER / "static.h"
    header.write_text("\n".join([
        "#include <dlfcn.h>", "#include <string.h>", *lines, "static const struct { const char *name; char *address; } exported[] = {", *rows, "};",
        "__attribute__((unused)) static void *exported_as(const char *name)", "{",
        "    for (size_t i = 0; i < sizeof exported / sizeof exported[0]; i++)",
        "        if (strcmp(exported[i].name, name) == 0) return exported[i].address;",
        "    return NULL;", "}", "#define dlsym(handle, name) exported_as(name)", ""]))
    return str(header)


def libraries(checks):
    """Both, as `make all` builds them. The shared one names no C library: it takes the one that the process has."""
    built, _ = checks.command("musl: the libraries build", ["make", "--no-print-directory", "all", f"TRIPLE={TRIPLE}"], timeout=3600)
    if not built:
        return "none"
    dynamic = subprocess.run(["readelf", "-d", str(LIBRARIES / "libtinyalloc.so")], capture_output=True, text=True, check=False).stdout
    checks.record("musl: the shared library needs no other one", "SONAME" in dynamic and "NEEDED" not in dynamic, dynamic)
    return "both"


def c_tests(checks):
    return run_c_tests(checks, "C tests", FOLDER / "c-tests-cc", compiler("cc"), [])


def static_programs(checks):
    return run_c_tests(checks, "C tests in static programs", FOLDER / "c-tests-cc-static", compiler("cc-static", "-static", "-include", symbols_header()),
                       ["--mode", "static", "--filter", STATIC, "--except", LISTS / "musl-static.list"])


def run_c_tests(checks, name, build, given, options):
    command = ["c-tests/run", "--lib", LIBRARIES, "--build", build, "--except", LISTS / "musl.list", "--verbose", *options]
    return counted_tests(checks, f"musl: {name}", command, OWN_RESULT, {"CC": given})


register(Target("musl", "Linux on x86-64, musl", "`make reach`: Debian's musl and musl-gcc",
                "C++, which Debian does not have for musl; opening the library late (`dlopen`), which musl refuses; "
                "`c-tests/musl.list` has the tests that this leaves out",
                parts={"libraries": libraries, "C tests": c_tests, "static programs": static_programs}, missing=missing, versions=versions))
