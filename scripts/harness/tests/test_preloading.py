"""A library is preloaded with the variables that it needs, and no other is."""

import os
import shutil
import tempfile
import unittest
from pathlib import Path

from harness.measurement import measure_once
from harness.preloading import NEEDED, preloading
from harness.startup import empty_library

GOOGLE = Path("libtcmalloc-google.so")


def tunables(library):
    return measure_once(("/bin/sh", "-c", "echo $GLIBC_TUNABLES"), library)[1].strip()


class Preloading(unittest.TestCase):
    def test_only_a_library_that_needs_variables_has_them(self):
        self.assertEqual(preloading(GOOGLE), {"LD_PRELOAD": str(GOOGLE)} | NEEDED["tcmalloc-google"])
        self.assertEqual(preloading(Path("libtinyalloc.so")), {"LD_PRELOAD": "libtinyalloc.so"})
        self.assertEqual(preloading(None), {})

    def test_a_program_has_them(self):
        with tempfile.TemporaryDirectory() as folder:
            library = shutil.copy(empty_library(), Path(folder) / GOOGLE.name)
            self.assertEqual(tunables(library), "glibc.pthread.rseq=0")
        self.assertEqual(tunables(None), os.environ.get("GLIBC_TUNABLES", ""))


if __name__ == "__main__":
    unittest.main()
