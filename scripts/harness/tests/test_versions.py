import re
import tomllib
import unittest

from harness.launcher import CHECKOUT

# Where the version is written once more, and how.
ALSO = {
    "command/Cargo.toml": r'^version = "(.*)"',
    "packaging/conan/conanfile.py": r'^    version = "(.*)"',
    "packaging/debian/changelog": r"^tinyalloc \(([^-)]*)",
    "packaging/homebrew/tinyalloc.rb": r"/tags/v(.*)\.tar\.gz",
    "packaging/nix/default.nix": r'^  version = "(.*)";',
    "packaging/vcpkg/vcpkg.json": r'^  "version": "(.*)"',
    "CHANGELOG.md": r"^## (\S+)",
}


class Versions(unittest.TestCase):
    def test_every_file_has_the_version_of_the_workspace(self):
        version = tomllib.loads((CHECKOUT / "Cargo.toml").read_text())["workspace"]["package"]["version"]
        for path, pattern in ALSO.items():
            with self.subTest(path):
                found = re.search(pattern, (CHECKOUT / path).read_text(), re.MULTILINE)
                self.assertEqual(found and found[1], version)

    def test_every_crate_of_the_workspace_is_asked_for_in_that_version(self):
        workspace = tomllib.loads((CHECKOUT / "Cargo.toml").read_text())["workspace"]
        asked = {name: given["version"] for name, given in workspace["dependencies"].items() if isinstance(given, dict) and "path" in given}
        self.assertEqual(set(asked.values()), {workspace["package"]["version"]}, asked)
        self.assertEqual({path.name for path in (CHECKOUT / "crates").iterdir()}, set(asked))
