"""Programs and libraries of another architecture, from Debian's packages: unpacked in a folder, not installed."""

import os
import re
import subprocess
from functools import cache

from harness.failure import Skip, tail

# What a shell script of the C tests calls, and what C++ needs.
BASE = ("libc6", "libc-bin", "libstdc++6", "libgcc-s1", "bash", "dash", "coreutils", "sed", "grep", "gawk", "mawk",
        "findutils", "diffutils")
PROGRAMS = ("python3", "libpython3.11-testsuite", "perl", "sqlite3", "redis-server", "redis-tools", "git")
# They would stand in for what runs the tests here.
LEFT_OUT = ("dpkg", "tar", "usrmerge", "debconf", "passwd", "login")
CONFIGURATION = """
Dir::State "{folder}/state";
Dir::State::status "{folder}/status";
Dir::Cache "{folder}/cache";
APT::Architecture "{architecture}";
APT::Architectures {{ "{architecture}"; }};
APT::Install-Recommends "false";
APT::Sandbox::User "";
Acquire::Languages "none";
#clear APT::Update::Post-Invoke;
#clear DPkg::Post-Invoke;
"""


class Packages:
    """The packages of an architecture, by an apt that knows of none that are installed."""

    def __init__(self, architecture, folder):
        self.architecture = architecture
        self.folder = folder / "apt"
        self.archives = self.folder / "cache" / "archives"

    def unpack(self, names, into, but=frozenset()):
        """Unpacks the packages, and those that they need, apart from the archives of `but`. Returns the archives."""
        archives = self.downloaded(names) - but
        into.mkdir(parents=True, exist_ok=True)
        for name in ("bin", "lib", "sbin"):
            (into / "usr" / name).mkdir(parents=True, exist_ok=True)
            if not (into / name).exists():
                (into / name).symlink_to(f"usr/{name}")
        for archive in sorted(archives):
            if archive.split("_")[0] not in LEFT_OUT:
                unpack_archive(self.archives / archive, into)
        return archives

    def downloaded(self, names):
        self.configure()
        found = self.apt("--simulate", "install", *names)
        if found.returncode != 0:
            self.apt("update")
            found = self.apt("--simulate", "install", *names)
        if found.returncode != 0 or self.apt("--download-only", "install", *names).returncode != 0:
            raise Skip(f"apt-get finds no packages for {self.architecture}: {tail(found.stderr, 3)}")
        return archives_installed(found.stdout)

    def configure(self):
        for path in (self.folder / "state" / "lists" / "partial", self.archives / "partial"):
            path.mkdir(parents=True, exist_ok=True)
        (self.folder / "status").touch()
        (self.folder / "apt.conf").write_text(CONFIGURATION.format(folder=self.folder, architecture=self.architecture))

    def apt(self, *words):
        environment = os.environ | {"APT_CONFIG": str(self.folder / "apt.conf"), "LC_ALL": "C"}
        return subprocess.run(["apt-get", "-qq", "-y", *words], env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              check=False)


def archives_installed(output):
    """The archives that apt would install: `Inst NAME (VERSION ORIGIN [ARCHITECTURE])`."""
    rows = re.findall(r"^Inst (\S+) \((\S+) .*\[(\S+)\]", output, re.M)
    return frozenset(f"{name}_{version.replace(':', '%3a')}_{architecture}.deb" for name, version, architecture in rows)


def unpack_archive(archive, into):
    """What a program needs when it runs. The links of a merged /usr stay links."""
    files = subprocess.Popen(["dpkg-deb", "--fsys-tarfile", str(archive)], stdout=subprocess.PIPE)
    subprocess.run(["tar", "-x", "--keep-directory-symlink", "--no-same-owner", "-C", str(into)], stdin=files.stdout, check=True)
    if files.wait() != 0:
        raise Skip(f"{archive} cannot be unpacked")


@cache
def packages_of(machine):
    return Packages(machine.debian, machine.folder)
