"""What a guest is started with."""

import subprocess
import sys
import unittest
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest import mock

from harness.failure import Skip
from harness.reach import guest
from harness.reach.guest import Guest, entry, script_of
from harness.reach.kernel import add_module


def module(folder, name, needed=""):
    path = Path(folder) / f"{name}.ko"
    path.write_bytes(b"\0depends=" + needed.encode() + b"\0")
    return path


class Modules(unittest.TestCase):
    def test_a_module_comes_after_what_it_needs(self):
        with TemporaryDirectory() as folder:
            files = {"share": module(folder, "share", "bus,built-in"), "bus": module(folder, "bus")}
            ordered = {}
            add_module("share", files, {"built_in"}, ordered)
            self.assertEqual(list(ordered), ["bus", "share"])

    def test_a_module_that_is_missing_is_named(self):
        with self.assertRaisesRegex(Skip, "no module share"):
            add_module("share", {}, set(), {})


class Started(unittest.TestCase):
    def test_every_node_has_a_processor_and_its_part_of_memory(self):
        words = Guest(None, nodes=4, processors=2, mebibytes=2048).nodes_of_memory()
        self.assertEqual([word for word in words if word.startswith("node,")], [f"node,nodeid={n},memdev=memory{n},cpus={n}-{n}" for n in range(4)])
        self.assertIn("memory-backend-ram,id=memory3,size=512M", words)

    def test_processors_that_are_left_over_are_of_the_last_node(self):
        words = Guest(None, nodes=2, processors=5).nodes_of_memory()
        self.assertEqual([word.split(",")[3] for word in words if word.startswith("node,")], ["cpus=0-1", "cpus=2-4"])

    def test_the_command_is_quoted_and_no_library_is_preloaded_into_the_shell(self):
        with mock.patch.dict("os.environ", {"LD_PRELOAD": "library", "WORD": "a b"}, clear=True):
            script = script_of(["printf", "%s", "c d"])
        self.assertIn("export WORD='a b'", script)
        self.assertNotIn("LD_PRELOAD", script)
        self.assertIn("exec printf %s 'c d'", script)

    def test_cpio_reads_the_archive(self):
        archive = entry("folder", 0o040755, b"") + entry("folder/file", 0o100644, b"content") + entry("TRAILER!!!", 0, b"")
        try:
            done = subprocess.run(["cpio", "-t", "--quiet"], input=archive, capture_output=True, check=True)
        except FileNotFoundError:
            self.skipTest("there is no cpio")
        self.assertEqual(done.stdout.split(), [b"folder", b"folder/file"])


class Asked(unittest.TestCase):
    def test_what_this_kernel_has_is_said_of_each_thing(self):
        done = subprocess.run([sys.executable, "-B", str(Path(guest.__file__).parent / "asked.py")], capture_output=True, text=True, check=True)
        self.assertRegex(done.stdout, r"^it has: .*guard markers.*, .*mseal.*, .*names of mappings")


if __name__ == "__main__":
    unittest.main()
