"""The libraries that are compared: tinyalloc's own and the packaged ones."""

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from harness.launcher import CHECKOUT

TINYALLOC = CHECKOUT / "target" / "release" / "libtinyalloc.so"
LIBRARY_FOLDERS = ("/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/usr/lib64", "/usr/lib", "/usr/local/lib")


@dataclass(frozen=True)
class Peer:
    """Another allocator and the package it comes in."""

    name: str
    file: str
    package: str

    def path(self):
        paths = (Path(folder) / self.file for folder in LIBRARY_FOLDERS)
        return next((path for path in paths if path.exists()), None)

    def version(self):
        return package_version(self.package)


PEERS = (
    Peer("jemalloc", "libjemalloc.so.2", "libjemalloc2"),
    Peer("tcmalloc", "libtcmalloc_minimal.so.4", "libtcmalloc-minimal4"),
    Peer("mimalloc", "libmimalloc.so.2", "libmimalloc2.0"),
)


def package_version(package):
    try:
        command = ["dpkg-query", "-W", "-f", "${Version}", package]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return "unknown version"


def allocator_name(library):
    """libtinyalloc.so is tinyalloc."""
    return library.name.removeprefix("lib").split(".")[0]


def existing_library(path=None):
    library = Path(path or TINYALLOC).absolute()
    if not library.exists():
        sys.exit(f"{library} does not exist; build it with make all")
    return library
