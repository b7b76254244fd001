"""Kernels of Debian's packages: unpacked in a folder, not installed."""

import lzma
import os
import re
import shutil
import subprocess
from pathlib import Path

from harness.failure import Skip, tail
from harness.reach.machine import REACH
from harness.reach.packages import CONFIGURATION
from harness.reach.suites import mirror

KERNELS = REACH / "kernels"
METAPACKAGE = "linux-image-amd64"
# The machine's own release, and the newest kernel that its users are offered.
RELEASE, BACKPORT = "release", "backport"
NAMES = (RELEASE, BACKPORT)
# What a guest loads, each with what it needs: a share of the host's files, and what is written over them.
WANTED_MODULES = ("virtio_pci", "9pnet_virtio", "9p", "overlay")
UNPACKED = ("./boot/vmlinuz-*", "./lib/modules/*/modules.builtin", *(
    f"./lib/modules/*/kernel/{folder}/*" for folder in ("drivers/virtio", "fs/9p", "fs/fscache", "fs/netfs", "fs/overlayfs", "net/9p")))


class Kernel:
    """A package by its file, or by the name of where Debian has it."""

    def __init__(self, given):
        self.package = package_called(given) if given in NAMES else Path(given).absolute()
        if not self.package.is_file():
            raise Skip(f"{self.package} is not there")
        self.folder = KERNELS / self.package.stem
        if not self.folder.exists():
            unpack(self.package, self.folder)

    @property
    def image(self):
        return next(self.folder.glob("boot/vmlinuz-*"))

    @property
    def release(self):
        return self.image.name.removeprefix("vmlinuz-")

    def modules(self):
        """What is not built in, as (name, content), each after those that it needs."""
        files = {module_name(path): path for path in self.folder.glob("lib/modules/*/kernel/**/*.ko*")}
        built_in = {module_name(Path(line)) for line in next(self.folder.glob("lib/modules/*/modules.builtin")).read_text().split()}
        ordered = {}
        for name in WANTED_MODULES:
            add_module(name, files, built_in, ordered)
        return list(ordered.items())


def module_name(path):
    return path.name.split(".ko")[0].replace("-", "_")


def add_module(name, files, built_in, ordered):
    if name in ordered or name in built_in:
        return
    if name not in files:
        raise Skip(f"the kernel's package has no module {name}")
    content = files[name].read_bytes()
    content = lzma.decompress(content) if files[name].suffix == ".xz" else content
    for needed in re.search(rb"\0depends=([^\0]*)\0", content).group(1).decode().split(","):
        if needed:
            add_module(needed.replace("-", "_"), files, built_in, ordered)
    ordered[name] = content


def unpack(package, folder):
    aside = folder.with_name(f"{folder.name}-{os.getpid()}")
    aside.mkdir(parents=True)
    files = subprocess.Popen(["dpkg-deb", "--fsys-tarfile", str(package)], stdout=subprocess.PIPE)
    # A kernel has not all of the folders.
    subprocess.run(["tar", "-x", "--no-same-owner", "--wildcards", "-C", str(aside), *UNPACKED], stdin=files.stdout,
                   stderr=subprocess.DEVNULL, check=False)
    if files.wait() != 0 or not list(aside.glob("boot/vmlinuz-*")):
        shutil.rmtree(aside)
        raise Skip(f"{package} has no kernel")
    aside.rename(folder)


def package_called(name):
    """The newest package there, downloaded unless it was before. Without a network, the one that was."""
    folder = KERNELS / name
    folder.mkdir(parents=True, exist_ok=True)
    here = sorted(folder.glob("*.deb"), key=lambda path: path.stat().st_mtime)
    if here:
        return here[-1]
    apt = Apt(folder) if name == BACKPORT else Apt()
    package = re.search(r"Depends: (linux-image-\S+)", apt.output("apt-cache", "depends", METAPACKAGE))
    if not package:
        raise Skip(f"apt-cache knows of no {METAPACKAGE} ({name})")
    apt.output("apt-get", "-qq", "download", package.group(1), folder=folder)
    return next(folder.glob("*.deb"))


class Apt:
    """The machine's own apt; or one that knows of the backports alone, with what it needs for that in a folder."""

    def __init__(self, folder=None):
        self.environment = os.environ | {"LC_ALL": "C"}
        if folder:
            self.know_backports(folder / "apt")

    def know_backports(self, folder):
        uri, release = mirror()
        for path in (folder / "state" / "lists" / "partial", folder / "cache" / "archives" / "partial"):
            path.mkdir(parents=True, exist_ok=True)
        (folder / "status").touch()
        (folder / "sources.list").write_text(f"deb {uri} {release}-backports main\n")
        (folder / "apt.conf").write_text(CONFIGURATION.format(folder=folder, architecture="amd64") + (
            f'Dir::Etc::sourcelist "{folder / "sources.list"}";\nDir::Etc::sourceparts "-";\n'
            'Dir::Etc::trustedparts "/usr/share/keyrings";\n'))
        self.environment["APT_CONFIG"] = str(folder / "apt.conf")
        self.output("apt-get", "-qq", "update")

    def output(self, *words, folder=None):
        done = subprocess.run(words, env=self.environment, cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise Skip(f"{' '.join(words)} fails: {tail(done.stderr, 3)}")
        return done.stdout
