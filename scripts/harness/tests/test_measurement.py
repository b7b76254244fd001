"""The launcher runs programs with huge pages, or without any, whatever an allocator asks for."""

import re
import unittest

from harness.measurement import HUGE_PAGES, SMALL_PAGES, measure_once


def may_have_huge_pages(mode):
    _, status, _ = measure_once(("/bin/sh", "-c", "/bin/cat /proc/self/status"), None, mode=mode)
    return re.search(r"^THP_enabled:\s+(\d)$", status, re.M).group(1) == "1"


class Launcher(unittest.TestCase):
    def test_huge_pages_are_refused_to_programs_and_their_children(self):
        self.assertTrue(may_have_huge_pages(HUGE_PAGES))
        self.assertFalse(may_have_huge_pages(SMALL_PAGES))


if __name__ == "__main__":
    unittest.main()
