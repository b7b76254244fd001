"""The allocators that tinyalloc is compared with, each as a library to preload."""

import os
import re
import shutil
import subprocess
import tomllib
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from harness.failure import Failure, tail
from harness.launcher import CHECKOUT
from harness.library import library_path, package_version
from harness.preloading import needed

SOURCES = CHECKOUT / "bench" / "peers"
BUILT = CHECKOUT / "target" / "bench" / "peers"
BUILD_SECONDS = 1200


@dataclass(frozen=True)
class SystemMalloc:
    """What a program gets when nothing is preloaded."""

    name: str = "glibc"

    def library(self):
        return None

    def version(self):
        return f"{package_version('libc6')} (Debian)"


@dataclass(frozen=True)
class PackagedPeer:
    """A library of the distribution."""

    name: str
    file: str
    package: str

    def library(self):
        path = library_path(self.file)
        if path is None:
            raise Failure(f"the package {self.package} is not installed; scripts/install-test-tools installs it")
        return path

    def version(self):
        return f"{package_version(self.package)} (Debian)"


@dataclass(frozen=True)
class CratePeer:
    """A crate that builds a static library, which is relinked as a shared one. `flags` are for the crate's C or C++ compiler;
    symbols that start with `prefix` lose it; `libraries` are linked too; `tools` are the programs that its build needs."""

    name: str
    crate: str
    archive: str
    flags: dict = field(default_factory=dict)
    prefix: str = ""
    version_symbol: str = ""
    libraries: tuple = ()
    tools: tuple = ()

    @cached_property
    def path(self):
        return BUILT / f"lib{self.name}.so"

    def library(self):
        if not self._is_fresh():
            self._build()
        return self.path

    def version(self):
        crate = f"{self.crate} {locked_version(self._source() / 'Cargo.lock', self.crate)}"
        said = f"{version_said(self.path, self.version_symbol)} ({crate})" if self.version_symbol else crate
        return ", ".join([said, *(f"`{name}={value}`" for name, value in needed(self.path).items())])

    def _source(self):
        return SOURCES / self.name

    def _is_fresh(self):
        inputs = [self._source() / "Cargo.toml", self._source() / "Cargo.lock", Path(__file__)]
        return self.path.exists() and self.path.stat().st_mtime > max(path.stat().st_mtime for path in inputs)

    def _build(self):
        for tool in self.tools:
            if not shutil.which(tool):
                raise Failure(f"{self.crate} needs {tool} to build; scripts/install-test-tools installs it")
        folder = BUILT / self.name
        folder.mkdir(parents=True, exist_ok=True)
        environment = {name: value for name, value in os.environ.items() if name not in ("LD_PRELOAD", "RUSTFLAGS", "CARGO_TARGET_DIR")}
        run("cargo", "build", "--release", "--locked", "--quiet", "--target-dir", folder, folder=self._source(),
            env=environment | self.flags)
        archives = sorted(folder.glob(f"release/build/{self.crate}-*/out/**/{self.archive}"), key=lambda path: path.stat().st_mtime)
        if not archives:
            raise Failure(f"{self.crate} built no {self.archive}")
        self._relink(archives[-1], folder)

    def _relink(self, archive, folder):
        if self.prefix:
            archive = without_prefix(archive, self.prefix, folder)
        fresh = self.path.with_suffix(f".{os.getpid()}")
        run("cc", "-shared", "-o", fresh, "-Wl,--whole-archive", archive, "-Wl,--no-whole-archive", "-Wl,-s", "-pthread", "-ldl", "-lm",
            *self.libraries, folder=folder)
        fresh.rename(self.path)


PEERS = (
    SystemMalloc(),
    CratePeer("mimalloc-3", "libmimalloc-sys", "libmimalloc.a", version_symbol="mi_version"),
    CratePeer("mimalloc-2", "libmimalloc-sys", "libmimalloc.a", version_symbol="mi_version"),
    # Exceptions off: it throws none, and would otherwise want the C++ library loaded.
    CratePeer("snmalloc", "snmalloc-sys", "libsnmallocshim-rust.a", {"CXXFLAGS": "-fno-exceptions"}, prefix="sn_",
              tools=("cmake", "g++")),
    CratePeer("rpmalloc", "rpmalloc-sys", "librpmalloc.a", {"CFLAGS": "-DENABLE_OVERRIDE=1"}),
    CratePeer("jemalloc", "tikv-jemalloc-sys", "libjemalloc_pic.a"),
    # The crate has Google's functions under their own names. Undefined, this macro gives them those of C and C++ too.
    CratePeer("tcmalloc-google", "libtcmalloc-sys", "libtcmalloc.a", {"CXXFLAGS": "-UTCMALLOC_INTERNAL_METHODS_ONLY"},
              libraries=("-lstdc++",), tools=("g++",)),
    PackagedPeer("tcmalloc", "libtcmalloc_minimal.so.4", "libtcmalloc-minimal4"),
    PackagedPeer("jemalloc-debian", "libjemalloc.so.2", "libjemalloc2"),
    PackagedPeer("mimalloc-debian", "libmimalloc.so.2", "libmimalloc2.0"),
)


def without_prefix(archive, prefix, folder):
    """A copy of the archive in which the functions called prefix_name are called name."""
    names = re.findall(rf" T {prefix}(\w+)$", run("nm", archive, folder=folder), re.M)
    renames = folder / "renames"
    renames.write_text("".join(f"{prefix}{name} {name}\n" for name in names if "rust" not in name))
    run("objcopy", f"--redefine-syms={renames}", archive, folder / "renamed.a", folder=folder)
    return folder / "renamed.a"


def locked_version(lock, crate):
    packages = tomllib.loads(lock.read_text())["package"]
    version = next(package["version"] for package in packages if package["name"] == crate)
    return re.sub(r"-[0-9]+-g?[0-9a-f]{20,}$", "", version)


def version_said(library, symbol):
    """30302 is 3.3.2."""
    code = f"import ctypes; print(ctypes.CDLL(None).{symbol}())"
    said = run("/usr/bin/python3", "-c", code, folder=BUILT, env=os.environ | {"LD_PRELOAD": str(library)})
    number = int(said)
    return f"{number // 10000}.{number // 100 % 100}.{number % 100}"


def run(*command, folder, env=None):
    words = [str(word) for word in command]
    try:
        done = subprocess.run(words, cwd=folder, env=env, capture_output=True, text=True, timeout=BUILD_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Failure(f"{words[0]}: {error}") from None
    if done.returncode != 0:
        raise Failure(f"{' '.join(words[:2])} failed: {tail(done.stderr, 8)}")
    return done.stdout
