"""Packages of another of Debian's suites than the machine's own."""

import os
import re
import subprocess

from harness.failure import Skip, tail
from harness.reach.packages import Packages


def mirror():
    """Where the machine has its packages of Debian from, and the name of its release."""
    command = ["apt-get", "indextargets", "--format", "$(REPO_URI) $(CODENAME)", "Created-By: Packages", "Origin: Debian"]
    done = subprocess.run(command, env=os.environ | {"LC_ALL": "C"}, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    found = re.search(r"^(\S+) ([a-z]+)$", done.stdout, re.M)
    if not found:
        raise Skip(f"no release of Debian is among apt's sources {tail(done.stderr, 3)}".strip())
    return found.groups()


class SuitePackages(Packages):
    """The packages of the last of these suites, and of the ones before it what it does not have."""

    def __init__(self, architecture, folder, suites):
        super().__init__(architecture, folder)
        self.suites = suites

    def configure(self):
        super().configure()
        sources = self.folder / "sources.list"
        sources.write_text("".join(f"deb {mirror()[0]} {suite} main\n" for suite in self.suites))
        with open(self.folder / "apt.conf", "a", encoding="utf-8") as configuration:
            configuration.write(f'Dir::Etc::sourcelist "{sources}";\nDir::Etc::sourceparts "-";\nDir::Etc::preferencesparts "-";\n'
                                f'Dir::Etc::trustedparts "/usr/share/keyrings";\nAPT::Default-Release "{self.suites[-1]}";\n')
