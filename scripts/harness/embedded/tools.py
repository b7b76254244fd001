"""The compiler, the linker and the emulator for the targets: Debian's packages."""

import os
import shutil
import subprocess
from collections import namedtuple
from pathlib import Path

from .checks import run

PACKAGES = {
    "rustc": "rustc-web",
    "the sources of core": "rust-web-src",
    "ld.lld": "lld-14",
    "qemu-system-arm": "qemu-system-arm",
    "readelf": "binutils",
}
SOURCES = "lib/rustlib/src/rust/library/core/src/lib.rs"
COMPILERS = ["/usr/bin/rustc", "/usr/bin/rustc-web"]

Tools = namedtuple("Tools", "rustc linker emulator readelf")


def compiler():
    """The packaged compiler, and whether the sources of core are beside it: ours builds core for the target."""
    for path in filter(Path.exists, map(Path, COMPILERS)):
        status, sysroot = run([str(path), "--print", "sysroot"])
        if status == 0:
            return str(path), (Path(sysroot.strip()) / SOURCES).exists()
    return None, False


def find_tools():
    """The tools, and the names of those that are missing."""
    rustc, has_sources = compiler()
    linker = shutil.which("ld.lld-14") or shutil.which("ld.lld")
    tools = Tools(rustc, linker, shutil.which("qemu-system-arm"), shutil.which("readelf"))
    found = dict(zip(PACKAGES, [rustc, has_sources, linker, tools.emulator, tools.readelf]))
    return tools, [name for name, is_there in found.items() if not is_there]


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
