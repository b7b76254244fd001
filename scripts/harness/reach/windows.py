"""Windows on x86-64 under wine: the mapper, the engine, and what is built on them, as far as wine goes."""

import re
import shutil
import subprocess
from pathlib import Path

from harness.embedded.checks import RUST_RESULT, run
from harness.launcher import CHECKOUT
from harness.reach.machine import REACH
from harness.reach.target import Target, register

TRIPLE = "x86_64-pc-windows-gnu"
COMPILER = "x86_64-w64-mingw32-gcc"
TOOLS = ("wine", COMPILER, "x86_64-w64-mingw32-dlltool")
FOLDER = REACH / "windows"
PREFIX = FOLDER / "prefix"
SYSTEM = PREFIX / "drive_c" / "windows" / "system32"
RANDOM_NUMBERS = "bcryptprimitives.dll"
HOURS = 3600
TOLD = re.compile(r"^test (?!result).* (FAILED$|ignored)|panicked at|^error")
FEATURES = "allocator-api2-02,allocator-api2-04,testing"
RUST_API = ("windows", "global_allocator", "options", "counted", "heap_collections", "heap_drop", "heap_misuse", "heap_threads",
            "testing_tinyalloc")
LIST = CHECKOUT / "c-tests" / "windows.list"
LIBRARIES = CHECKOUT / "target" / TRIPLE / "release"
C_FLAGS = ("-std=gnu11", "-O1", "-fno-builtin", "-D__USE_MINGW_ANSI_STDIO=1", "-w")
C_TEST_SECONDS = 120
# No debugger for what faults on purpose, and no offers to install other runtimes.
OVERRIDES = "winedbg.exe=d;mscoree=;mshtml="


def environment(**more):
    # Tests take a while unless they are optimised.
    return {"WINEPREFIX": str(PREFIX), "WINEDEBUG": "-all", "WINEDLLOVERRIDES": OVERRIDES,
            f"CARGO_TARGET_{TRIPLE.upper().replace('-', '_')}_RUNNER": "wine", "CARGO_PROFILE_DEV_OPT_LEVEL": "1",
            "CARGO_PROFILE_DEV_DEBUG": "0", **more}


def missing():
    tools = [tool for tool in TOOLS if shutil.which(tool) is None]
    listed = subprocess.run(["rustup", "target", "list", "--installed"], capture_output=True, text=True, check=False) if shutil.which("rustup") else None
    return tools + ([] if listed and TRIPLE in listed.stdout.split() else [f"rustup target add {TRIPLE}"])


def versions():
    return f"wine {first_words(['wine', '--version'])}, gcc {first_words([COMPILER, '-dumpfullversion'])}, Rust {first_words(['rustc', '--version'])}"


def first_words(command):
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    found = re.search(r"\d+[-.\w]*", done.stdout)
    return found.group(0) if found else "?"


def prepare():
    """A folder where Windows programs run."""
    if not SYSTEM.exists():
        FOLDER.mkdir(parents=True, exist_ok=True)
        run(["wine", "wineboot", "--init"], environment=environment())
    library = SYSTEM / RANDOM_NUMBERS
    if not library.exists():
        source = Path(__file__).with_name("bcryptprimitives.c")
        subprocess.run([COMPILER, "-shared", "-O2", "-o", str(library), str(source), "-ladvapi32"], check=True)


def rust_tests(checks, name, *arguments):
    prepare()
    command = ["cargo", "test", "--locked", "--no-fail-fast", "--target", TRIPLE, *arguments]
    status, output = run(command, environment=environment(), timeout=2 * HOURS)
    passed, failed, skipped = (sum(int(row[column]) for row in RUST_RESULT.findall(output)) for column in range(3))
    print(*(line for line in output.splitlines() if TOLD.search(line)), sep="\n", flush=True)
    checks.record(f"windows: {name}: {passed} passed, {failed} failed, {skipped} skipped", status == 0 and passed > 0, output)
    checks.passed += max(passed - 1, 0)
    checks.failed += max(failed - 1, 0)
    checks.skipped += skipped
    return f"{passed}" + (f" ({skipped} skipped)" if skipped else "") + (f", {failed} failed" if failed else "")


def mapper(checks):
    """The mapper and the locks."""
    return rust_tests(checks, "mapper", "-p", "tinyalloc-sys", "--lib", "--tests")


def engine(checks):
    return rust_tests(checks, "engine", "-p", "tinyalloc-alloc", "--lib", "--tests")


def rust_api(checks):
    """The global allocator, heaps, statistics, options: the tests of the crate that are not about files of Linux or of this checkout."""
    tests = [word for name in RUST_API for word in ("--test", name)]
    return rust_tests(checks, "Rust API", "-p", "tinyalloc", "--features", FEATURES, "--lib", *tests)


def library(checks):
    """tinyalloc.dll and its import library, and the C tests of the list."""
    prepare()
    built, _ = checks.command("windows: the library builds", ["make", "--no-print-directory", "windows"], timeout=HOURS)
    if not built:
        return "none"
    names = c_tests()
    return f"{sum(c_test(checks, name) for name in names)} of {len(names)} C tests"


def c_tests():
    return [line for line in LIST.read_text().splitlines() if line and not line.startswith("#")]


def c_test(checks, name):
    """Built as a C program of Windows with the import library, and run beside the DLL, and beside one of its own if there is NAME.dll.c."""
    folder = FOLDER / "c-tests"
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copy(LIBRARIES / "tinyalloc.dll", folder)
    program = folder / (name.replace("/", "-").removesuffix(".c") + ".exe")
    source = CHECKOUT / "c-tests" / name
    status, output = compiled(program, source)
    its_library = source.with_suffix(".dll.c")
    if status == 0 and its_library.exists():
        status, output = compiled(folder / f"{source.stem}.dll", its_library, "-shared")
    if status == 0:
        status, output = run(["wine", program.name], folder=folder, environment=environment(), timeout=C_TEST_SECONDS)
    return checks.record(f"windows: {name}", status == 0, output)


def compiled(to, source, *flags):
    command = [COMPILER, *C_FLAGS, *flags, "-I", "c-tests/windows", "-I", "include", "-o", to, source, LIBRARIES / "libtinyalloc.dll.a",
               "-l:libpthread.a"]
    return run([str(word) for word in command])


ABSENT = ("any Windows but wine; stacks in reports, the heap profile, the background thread, heaps in files, a replacement of the C "
          "runtime's malloc: [PORTING.md](PORTING.md#windows)")
register(
    Target("windows", "Windows on x86-64", "`make reach`: wine, mingw-w64", ABSENT,
           parts={"mapper": mapper, "engine": engine, "Rust API": rust_api, "C API": library}, missing=missing, versions=versions),
)
