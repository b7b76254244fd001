"""What two C libraries answer is compared, and written where it belongs."""

import unittest
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest.mock import patch

from harness.glibc import questions
from harness.glibc.questions import BEGIN, DOCUMENT, END, Answers, program, rows, text_of, unlike
from harness.reach import suites
from harness.reach.suites import SuitePackages


def answers(version, own, ours):
    return Answers(version, {"size": own, "kind": "small"}, {"size": ours, "kind": "small"})


class Comparison(unittest.TestCase):
    def test_addresses_are_left_out(self):
        self.assertEqual(rows("double free\tSIGABRT: of 0x12ab\nsize\t24\n"), {"double free": "SIGABRT: of ADDRESS", "size": "24"})

    def test_what_changed_is_apart_from_what_stayed(self):
        text = text_of([answers("1", "24", "32"), answers("2", "25", "32")])
        self.assertIn("| size | 24 | 25 | 32 |", text.split("### What stayed")[0])
        self.assertIn("| kind | small |", text.split("the same here")[1])
        text = text_of([answers("1", "24", "32"), answers("2", "24", "32")])
        self.assertIn("| size | 24 | 32 |", text.split("### What stayed")[1])

    def test_answers_of_ours_that_follow_the_c_library_are_noticed(self):
        self.assertEqual(unlike([answers("1", "24", "32"), answers("2", "25", "32")]), [])
        self.assertEqual(unlike([answers("1", "24", "32"), answers("2", "25", "33")]), [("size", "2", "32", "33")])
        # A function that is left to the C library.
        self.assertEqual(unlike([answers("1", "not there", "not there"), answers("2", "there", "there")]), [])

    def test_the_tables_go_between_their_marks(self):
        self.assertEqual((DOCUMENT.read_text().count(BEGIN), DOCUMENT.read_text().count(END)), (1, 1))
        with TemporaryDirectory() as folder, redirect_stdout(StringIO()):
            path = Path(folder) / "GLIBC.md"
            path.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n")
            with patch.object(questions, "DOCUMENT", path), patch.object(questions, "CHECKOUT", Path(folder)):
                questions.write([answers("1", "24", "32")])
            text = path.read_text()
        self.assertTrue(text.startswith("before\n") and text.endswith("after\n") and "old" not in text)

    def test_the_program_builds_without_warnings(self):
        with TemporaryDirectory() as folder, patch.object(questions, "WARNINGS", (*questions.WARNINGS, "-Werror")):
            self.assertTrue(program(folder).exists())


class Suites(unittest.TestCase):
    def test_the_last_suite_is_taken_first(self):
        with TemporaryDirectory() as folder, patch.object(suites, "mirror", lambda: ("mirror:/debian", "stable")):
            packages = SuitePackages("amd64", Path(folder), ("sid", "experimental"))
            packages.configure()
            configuration = (packages.folder / "apt.conf").read_text()
            sources = (packages.folder / "sources.list").read_text()
        self.assertEqual(sources, "deb mirror:/debian sid main\ndeb mirror:/debian experimental main\n")
        self.assertIn('APT::Default-Release "experimental";', configuration)
        self.assertIn('Dir::Etc::sourceparts "-";', configuration)


if __name__ == "__main__":
    unittest.main()
