"""Runs programs as this machine runs its own, with the C library of another of Debian's releases."""

import json
import os
import shutil
import subprocess
from pathlib import Path

from harness.failure import Skip, tail
from harness.reach.machine import REACH
from harness.reach.suites import SuitePackages

ENTER = Path(__file__).resolve().parent / "enter.sh"
COMMANDS = ("unshare", "mount", "apt-get", "dpkg-deb")
ARCHITECTURE = "amd64"
# The compiler's own libraries use the C library's private parts, so that they come along; so do the headers, which tests include, and
# the names of functions, without which valgrind does not start.
PACKAGES = ("libc6", "libc-bin", "libc6-dev", "libc6-dbg", "libstdc++6", "libgcc-s1")
# Each with those that it is not whole without.
SUITES = {"trixie": ("trixie",), "sid": ("sid",), "experimental": ("sid", "experimental")}


class Glibc:
    """The C library of a suite of Debian's."""

    def __init__(self, suite):
        self.suite = suite
        self.folder = REACH / f"glibc-{suite}"

    def command(self, *words):
        """The words that run these words with it."""
        mountpoint = REACH / "root"
        mountpoint.mkdir(parents=True, exist_ok=True)
        users = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
        return ["unshare", *users, "--mount", str(ENTER), str(mountpoint), str(self.folder / "usr"), "", "", "", *map(str, words)]

    def prepare(self):
        """Unpacks it, once."""
        stamp = self.folder / "unpacked.json"
        if stamp.exists() and json.loads(stamp.read_text())["wanted"] == list(PACKAGES):
            return
        shutil.rmtree(self.folder, ignore_errors=True)
        packages = SuitePackages(ARCHITECTURE, REACH / "apt" / self.suite, SUITES[self.suite])
        archives = packages.unpack(PACKAGES, self.folder)
        stamp.write_text(json.dumps({"wanted": list(PACKAGES), "archives": sorted(archives)}))

    def version(self):
        """That of the package."""
        archives = json.loads((self.folder / "unpacked.json").read_text())["archives"]
        return next(name.split("_")[1] for name in archives if name.startswith("libc6_"))

    def missing(self):
        """What there must be for it to work; nothing if it does."""
        missing = [command for command in COMMANDS if not shutil.which(command)]
        return missing or self.refused()

    def refused(self):
        try:
            self.prepare()
        except Skip as skip:
            return [str(skip)]
        done = subprocess.run(self.command("true"), capture_output=True, text=True, check=False)
        return [] if done.returncode == 0 else [f"mount namespaces with overlayfs: {tail(done.stderr, 2)}"]
