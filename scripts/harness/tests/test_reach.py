"""Rows are written where they belong, packages are named as apt names them, executed instructions are counted, exceptions name tests."""

import re
import subprocess
import sys
import unittest
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest.mock import patch

from harness.embedded.checks import Checks
from harness.failure import Failure
from harness.launcher import CHECKOUT
from harness.reach import document, windows
from harness.reach.document import BEGIN, END, line_of, rows_by_title, table_of
from harness.reach.emulated import LEFT_OUT
from harness.reach.hit_paths import difference, executed, instructions
from harness.reach.machine import AARCH64
from harness.reach.packages import archives_installed
from harness.reach.target import Row, Target

FUNCTIONS = {"main": 0x10000, "malloc": 0x500000, "free": 0x500100}


def quietly(function, *arguments):
    with redirect_stdout(StringIO()):
        return function(*arguments)


class Rows(unittest.TestCase):
    def test_a_target_without_its_tools_is_skipped_and_says_what_it_needs(self):
        target, checks, said = Target("x", "X", "somehow", "", parts={"all": lambda checks: "1"}, missing=lambda: ["a tool"]), Checks(), StringIO()
        with redirect_stdout(said):
            self.assertIsNone(target.run(checks))
        self.assertEqual(checks.summary(), "0 passed, 0 failed, 1 skipped")
        self.assertIn("needs a tool", said.getvalue())

    def test_a_target_that_is_only_compiled_has_no_row(self):
        with TemporaryDirectory() as folder:
            path = Path(folder) / "PLATFORMS.md"
            path.write_text(f"{BEGIN}\n\n{END}\n")
            with patch.object(document, "DOCUMENT", path), patch.object(document, "CHECKOUT", Path(folder)):
                quietly(document.write_platforms, [Target("x", "X", "somehow", ""), Target("y", "Y", "somehow", "", is_run=False)], {})
            self.assertEqual(len(rows_by_title(path.read_text())), 3)

    def test_only_the_parts_that_are_wanted_are_run(self):
        target = Target("x", "X", "somehow", "", parts={"one": lambda checks: "1", "two": lambda checks: "2"})
        self.assertEqual(quietly(target.run, Checks(), ["two"]).results, {"two": "2"})
        self.assertEqual(quietly(target.run, Checks()).results, {"one": "1", "two": "2"})

    def test_what_was_not_run_this_time_keeps_its_result(self):
        target = Target("x", "X", "somehow", "nothing", parts={part: lambda checks: "1" for part in ("one", "two", "three")})
        table = table_of([("X", "somehow", "1.0, yesterday", "one: 7 (2 skipped); two: 5, 1 failed; not run: three", "nothing")])
        kept = rows_by_title(table)["X"]
        self.assertEqual(line_of(target, None, kept), kept)
        versions, told = line_of(target, Row("1.1", {"two": "6"}), kept)[2:4]
        self.assertEqual(told, "one: 7 (2 skipped); two: 6; not run: three")
        self.assertTrue(versions.startswith("1.1, ") and versions.endswith(", by parts"))
        versions, told = line_of(target, Row("1.1", {"one": "8", "two": "6", "three": "4"}), kept)[2:4]
        self.assertEqual(told, "one: 8; two: 6; three: 4")
        self.assertFalse(versions.endswith("parts"))
        self.assertEqual(line_of(target, None, None)[3], "not run: one, two, three")


class Windows(unittest.TestCase):
    def test_what_is_run_under_wine_is_there(self):
        self.assertTrue(windows.c_tests())
        for name in windows.c_tests():
            self.assertTrue((CHECKOUT / "c-tests" / name).is_file(), name)
        for name in windows.RUST_API:
            self.assertTrue((CHECKOUT / "tests" / f"{name}.rs").is_file(), name)

    def test_ignored_tests_are_told_and_results_are_not(self):
        self.assertTrue(windows.TOLD.search("test a_promise ... ignored, there is no remap"))
        self.assertFalse(windows.TOLD.search("test result: ok. 1 passed; 0 failed; 0 ignored; 0 measured"))


class Packages(unittest.TestCase):
    def test_archives_are_named_as_apt_names_them(self):
        output = "NOTE: x\nInst git (1:2.39.5-0+deb12u3 Debian:12.11/stable [arm64])\nInst git-man (1:2.39 Debian:12/stable [all]) []\nConf git\n"
        self.assertEqual(archives_installed(output), {"git_1%3a2.39.5-0+deb12u3_arm64.deb", "git-man_1%3a2.39_all.deb"})


class HitPaths(unittest.TestCase):
    def test_addresses_are_read_off_the_emulators_notes(self):
        lines = ["Linking TBs 0x7f [0000000000000001] index 0\n", "Trace 0: 0x7f21 [0000000001009331/00000055029ac180/00000001/00000201] \n"]
        self.assertEqual(list(executed(lines)), [0x55029AC180])

    def test_the_last_call_counts_with_what_the_function_jumped_to(self):
        slow = [0x500000, *range(0x600000, 0x600100, 4)]
        hit = [0x500000, 0x500004, 0x500008, 0x700000]
        trace = [0x10000, *slow, 0x10004, 0x10008, *hit, 0x1000C, 0x500100, 0x500104, 0x10010]
        self.assertEqual(instructions(FUNCTIONS, trace), {"malloc": 4, "free": 2})

    def test_a_function_that_was_not_called_is_noticed(self):
        with self.assertRaises(Failure):
            instructions(FUNCTIONS, [0x10000, 0x500000, 0x10004])

    def test_a_budget_that_is_one_off_is_noticed(self):
        self.assertIsNone(difference(23, 23))
        self.assertIn("1 above", difference(24, 23))
        self.assertIn("lower the budget to 22", difference(22, 23))


class Machines(unittest.TestCase):
    def test_programs_are_told_by_their_header(self):
        magic, mask = AARCH64.magic()
        self.assertEqual((magic.count("\\x"), mask.count("\\x")), (20, 20))
        self.assertTrue(magic.startswith("\\x7f\\x45\\x4c\\x46\\x02\\x01") and magic.endswith("\\x02\\x00\\xb7\\x00"))


class Exceptions(unittest.TestCase):
    def test_tests_that_are_left_out_exist(self):
        tests = [*CHECKOUT.glob("crates/*/tests/*.rs"), *CHECKOUT.glob("tests/*.rs")]
        rust = "\n".join(path.read_text() for path in tests)
        for name in LEFT_OUT:
            self.assertTrue(re.search(rf"^fn {name}\(", rust, re.M), name)
        # These two name no exceptions.
        others = {CHECKOUT / "c-tests" / name for name in ("exports.list", "windows.list")}
        exceptions = set(CHECKOUT.glob("c-tests/*.list")) - others
        listed = subprocess.run([sys.executable, "c-tests/run", *(f"--except={path}" for path in exceptions), "--list"], cwd=CHECKOUT,
                                capture_output=True, text=True, check=False)
        self.assertEqual((listed.returncode, listed.stderr), (0, ""))


if __name__ == "__main__":
    unittest.main()
