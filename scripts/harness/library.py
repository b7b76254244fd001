"""Where the libraries are that are preloaded: tinyalloc's own and the packaged ones."""

import subprocess
import sys
from pathlib import Path

from harness.launcher import CHECKOUT

TINYALLOC = CHECKOUT / "target" / "release" / "libtinyalloc.so"
LIBRARY_FOLDERS = ("/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/usr/lib64", "/usr/lib", "/usr/local/lib")


def library_path(file):
    """Where the loader's folders have a library of this name; None when nowhere."""
    paths = (Path(folder) / file for folder in LIBRARY_FOLDERS)
    return next((path for path in paths if path.exists()), None)


def package_version(package):
    try:
        command = ["dpkg-query", "-W", "-f", "${Version}", package]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return "unknown version"


def existing_library(path=None):
    library = Path(path or TINYALLOC).absolute()
    if not library.exists():
        sys.exit(f"{library} does not exist; build it with make all")
    return library
