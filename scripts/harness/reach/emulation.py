"""Runs programs of another processor as this machine runs its own: what they start is emulated as well."""

import json
import shutil
import subprocess
from functools import cache
from pathlib import Path

from harness.failure import Skip, tail
from harness.reach.machine import REACH
from harness.reach.packages import BASE, PROGRAMS, packages_of

ENTER = Path(__file__).resolve().parent / "enter.sh"
# What a native compiler is called, and its tools.
NATIVE_NAMES = {"cc": "gcc", "gcc": "gcc", "c++": "g++", "g++": "g++"} | {
    name: name for name in ("ar", "as", "ld", "nm", "objcopy", "objdump", "ranlib", "readelf", "strip")}
COMMANDS = ("unshare", "mount", "apt-get", "dpkg-deb")


class Emulation:
    """`with_programs`: beside what tests need there are the programs of the matrix."""

    def __init__(self, machine, with_programs=False):
        self.machine = machine
        self.parts = ["base", "programs"] if with_programs and machine.debian else ["base"]

    def command(self, *words):
        """The words that run these words in there."""
        machine, mountpoint = self.machine, REACH / "root"
        mountpoint.mkdir(parents=True, exist_ok=True)
        lowest_last = ":".join(str(machine.folder / part / "usr") for part in reversed(self.parts))
        return ["unshare", "--user", "--map-root-user", "--mount", str(ENTER), str(mountpoint), lowest_last, *machine.magic(),
                shutil.which(machine.emulator) or machine.emulator, *map(str, words)]

    def prepare(self):
        """Unpacks what is in there, once."""
        for part in self.parts:
            prepare_part(self.machine, part)

    def missing_commands(self):
        wanted = [*COMMANDS, self.machine.emulator, self.machine.compiler, f"{self.machine.gnu}-g++", f"{self.machine.gnu}-objdump"]
        return [command for command in wanted if not shutil.which(command)]

    def missing(self):
        """What there must be for any of it to work; nothing if it does."""
        missing = self.missing_commands()
        if not missing and not has_target(self.machine):
            missing = [f"Rust's target {self.machine.triple}"]
        return missing or self.refused()

    def refused(self):
        """Whether the kernel lets programs of the machine run."""
        try:
            self.prepare()
        except Skip as skip:
            return [str(skip)]
        done = subprocess.run(self.command("true"), capture_output=True, text=True, check=False)
        return [] if done.returncode == 0 else [f"user namespaces with overlayfs and binfmt_misc (Linux 6.7): {tail(done.stderr, 2)}"]


@cache
def has_target(machine):
    """Whether Rust's standard library is there, beside the toolchain that the checkout names."""
    done = subprocess.run(["rustc", "--print", "target-libdir", "--target", machine.triple], cwd=REACH.parent.parent, capture_output=True,
                          text=True, check=False)
    return done.returncode == 0 and Path(done.stdout.strip()).is_dir()


def prepare_part(machine, part):
    """Unpacks the part, if that was not done before. Returns the archives of its packages."""
    folder, names = machine.folder / part, list(PROGRAMS if part == "programs" else BASE)
    stamp = folder / "unpacked.json"
    unpacked = json.loads(stamp.read_text()) if stamp.exists() else {}
    if unpacked.get("wanted") == names:
        return set(unpacked["archives"])
    shutil.rmtree(folder, ignore_errors=True)
    but = prepare_part(machine, "base") if part == "programs" else set()
    archives = packages_of(machine).unpack(names, folder, frozenset(but)) if machine.debian else set()
    if part == "base":
        link_tools(machine, folder / "usr")
    stamp.write_text(json.dumps({"wanted": names, "archives": sorted(archives)}))
    return archives


def link_tools(machine, usr):
    """The cross compiler is the native one there. Without packages of Debian's, the libraries are the compiler's."""
    links = {usr / "bin" / name: Path("/usr/bin") / f"{machine.gnu}-{tool}" for name, tool in NATIVE_NAMES.items()}
    if not machine.debian:
        libraries = Path("/usr") / machine.gnu / "lib"
        links |= {usr / "lib" / machine.gnu: libraries, usr / "lib" / machine.loader: libraries / machine.loader}
    for link, target in links.items():
        link.parent.mkdir(parents=True, exist_ok=True)
        link.unlink(missing_ok=True)
        link.symlink_to(target)
