"""What threads cost each other is read from what objdump and the reader of traces write."""

import unittest
from platform import machine
from unittest.mock import patch

from harness.launcher import CHECKOUT
from harness.library import TINYALLOC
from harness.manycores import counting
from harness.manycores.counting import Count, read
from harness.manycores.document import short
from harness.manycores.library import code_listed, lock_code, lock_names
from harness.manycores.timing import EDITS, LOCK

LISTING = """
0000000000001000 <_ZN6engine4lock4Gate7come_in17h0E>:
    1000:\tlock cmpxchg %rsi,(%rdi)
    1005:\tlock cmpxchg %rbx,0x18(%rdi)
    100a:\tlock cmpxchg %ecx,(%rdi)
0000000000001100 <_ZN6engine4lock4Gate6go_out17h0E>:
    1100:\txchg   %rax,(%rdi)
    1103:\txchg   %al,0x9(%rdi)
0000000000001200 <_ZN6engine6remote4push17h0E>:
    1200:\tlock cmpxchg %rsi,(%rdi)
"""

OUTPUT = """at 5000 10 0
at 5010 4 3
at 9999000 7 2
call mmap 2
call futex 3
lock 5f00 4 1 400 8 2 300
"""


class Listing(unittest.TestCase):
    def test_a_lock_is_taken_and_released_by_its_first_word(self):
        takes, releases = code_listed(LISTING.splitlines())
        self.assertEqual(takes, (0x1000,))
        self.assertEqual(releases, (0x1100,))


class Sources(unittest.TestCase):
    def test_the_lock_has_once_what_is_timed(self):
        lock = (CHECKOUT / LOCK).read_text()
        self.assertEqual([lock.count(old) for old, _ in EDITS], [1] * len(EDITS))

    @unittest.skipUnless(TINYALLOC.exists() and machine() == "x86_64", "make all builds the library")
    def test_the_library_has_locks_that_are_found(self):
        takes, releases = lock_code(TINYALLOC)
        self.assertTrue(len(takes) > 1 and len(releases) == 1, (takes, releases))
        self.assertLessEqual({"space", "pool", "profile"}, set(lock_names(TINYALLOC).values()))


class Output(unittest.TestCase):
    def read(self):
        class Names:
            def __init__(self, library):
                pass

            def of(self, offset):
                return "free" if offset < 0x10000 else None

        with patch.object(counting, "Names", Names), patch.object(counting, "atomic_addresses", lambda library: {0x10}), \
                patch.object(counting, "lock_names", lambda library: {0xf00: "space"}):
            return read(OUTPUT, 0x5000, "libtinyalloc.so", Count("tinyalloc", "large", 2, 100))

    def test_the_allocators_lines_are_not_the_programs(self):
        count = self.read()
        self.assertEqual((count.instructions, count.atomics, count.lines, count.program_lines), (14, 4, 3, 2))

    def test_calls_for_memory_are_those_that_take_the_systems_lock(self):
        self.assertEqual(self.read().memory_calls, 2)

    def test_locks_have_names(self):
        lock, = self.read().locks
        self.assertEqual((lock.name, lock.takes, lock.refusals, lock.instructions), ("space", 4, 1, 400))

    def test_a_function_is_named_without_types(self):
        self.assertEqual(short("tinyalloc_alloc::region::runs::<impl tinyalloc_alloc::region::Region<M>>::take_run"), "runs::take_run")
        self.assertEqual(short("malloc"), "malloc")


if __name__ == "__main__":
    unittest.main()
