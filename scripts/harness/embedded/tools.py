"""The compiler, the linkers and the emulators for the targets: Debian's packages, and the linker that comes with Rust."""

import os
import shutil
import subprocess
from collections import namedtuple
from pathlib import Path

from .checks import run

SOURCES = "lib/rustlib/src/rust/library/core/src/lib.rs"
COMPILERS = ["/usr/bin/rustc", "/usr/bin/rustc-web"]
AVR_LIBC = "/usr/lib/avr/include/avr/io.h"

# Of each tool, the package that brings it.
PACKAGES = {
    "rustc": "rustc-web",
    "the sources of core": "rust-web-src",
    "rust-lld or ld.lld": "lld-14",
    "readelf": "binutils",
    "qemu-system-arm": "qemu-system-arm",
    "qemu-system-riscv32": "qemu-system-misc",
    "avr-gcc": "gcc-avr",
    "avr-libc": "avr-libc",
    "simavr": "simavr",
}
FOR_ALL = ["rustc", "the sources of core", "readelf"]
# What the targets of an architecture need besides.
FOR_ARCHITECTURE = {
    "arm": ["rust-lld or ld.lld", "qemu-system-arm"],
    "riscv": ["rust-lld or ld.lld", "qemu-system-riscv32"],
    "avr": ["avr-gcc", "avr-libc", "simavr"],
}

Tools = namedtuple("Tools", "rustc linker readelf qemu_arm qemu_riscv avr_gcc avr_objdump simavr")


def compiler():
    """The packaged compiler, and whether the sources of core are beside it: ours builds core for the target."""
    for path in filter(Path.exists, map(Path, COMPILERS)):
        status, sysroot = run([str(path), "--print", "sysroot"])
        if status == 0:
            return str(path), (Path(sysroot.strip()) / SOURCES).exists()
    return None, False


def find_linker():
    """The linker of the toolchain, which users have as well; it shortens calls on RISC-V, as those of old packages do not."""
    status, libraries = run(["rustc", "--print", "target-libdir"])
    bundled = Path(libraries.strip()).parent / "bin" / "rust-lld"
    if status == 0 and bundled.exists():
        return str(bundled)
    return shutil.which("ld.lld") or shutil.which("ld.lld-14")


def find_tools():
    """The tools, and the names of those that are missing."""
    rustc, has_sources = compiler()
    emulators = [shutil.which(name) for name in ("qemu-system-arm", "qemu-system-riscv32", "avr-gcc", "avr-objdump", "simavr")]
    tools = Tools(rustc, find_linker(), shutil.which("readelf"), *emulators)
    found = dict(zip(PACKAGES, [rustc, has_sources, tools.linker, tools.readelf, tools.qemu_arm, tools.qemu_riscv, tools.avr_gcc,
                                Path(AVR_LIBC).exists(), tools.simavr]))
    return tools, [name for name, is_there in found.items() if not is_there]


def needed(architecture, missing):
    """Which of the missing tools the targets of an architecture need."""
    return [name for name in [*FOR_ALL, *FOR_ARCHITECTURE[architecture]] if name in missing]


def apt(*arguments):
    as_root = [] if os.geteuid() == 0 else ["sudo", "-n"]
    environment = ["env", "DEBIAN_FRONTEND=noninteractive"]
    command = [*as_root, *environment, "apt-get", "-qq", "-o", "DPkg::Lock::Timeout=300", *arguments]
    return subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, check=False).returncode == 0


def install_tools():
    missing = find_tools()[1]
    if not missing or not shutil.which("apt-get"):
        return
    packages = [PACKAGES[name] for name in missing]
    print("installing:", *packages, flush=True)
    install = ["install", "-y", "--no-install-recommends", *packages]
    if not apt(*install):
        apt("update")
        apt(*install)
