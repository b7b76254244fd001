"""Counts are read from what callgrind and objdump write."""

import unittest

from harness.callgrind import Counts, atomics_listed, parsed
from harness.failure import Failure

LISTING = """
/usr/lib/liballocator.so:     file format elf64-x86-64

0000000000001000 <allocate>:
    1000:\tmov    0x8(%rdi),%rax
    1004:\tlock cmpxchg %rcx,(%rdx)
    1009:\txchg   %rax,0x10(%rdi)
    100d:\txchg   %ax,%ax
    100f:\tcall   1100 <lock@plt>
    1014:\txacquire lock incl (%rdi)
    1018:\tdata16 lock orb $0x1,(%rdi)
    101d:\txchg   %rax,%rbx
    1020:\tcs nopw 0x0(%rax,%rax,1)
"""

COUNTS = """# callgrind format
version: 1
creator: callgrind-3.19.0
pid: 100
cmd:  program
part: 1

positions: instr
events: Ir Dr Dw I1mr D1mr D1mw ILmr DLmr DLmw
summary: 1000 300 200 1 2 3 4 5 6

ob=/usr/lib/liballocator.so
fl=???
fn=allocate
0x1000 40 40 0 1 4
0x1004 40 40 40 1 1
cob=/usr/lib/libother.so
cfi=???
cfn=other
calls=40 0x1009
0x1004 5000 280 160 2 1 0 2
0x1014 2

fn=other
ob=/usr/lib/libother.so
0x1004 700 7

ob=/usr/lib/liballocator.so
0x1009 3 3 3

totals: 1000 300 200 1 2 3 4 5 6
"""


def addresses_of(path):
    return atomics_listed(LISTING.splitlines()) if path == "/usr/lib/liballocator.so" else frozenset()


class Callgrind(unittest.TestCase):
    def test_locks_and_exchanges_with_memory_are_atomic(self):
        self.assertEqual(atomics_listed(LISTING.splitlines()), {0x1004, 0x1009, 0x1014, 0x1018})

    def test_executions_count_where_they_happen_and_once(self):
        self.assertEqual(parsed(COUNTS.splitlines(keepends=True), addresses_of).atomics, 40 + 2 + 3)

    def test_one_object_counts_for_itself(self):
        lines = COUNTS.splitlines(keepends=True)
        self.assertEqual(parsed(lines, addresses_of, "/usr/lib/liballocator.so"), Counts(40 + 40 + 2 + 3, atomics=40 + 2 + 3))
        self.assertEqual(parsed(lines, addresses_of, "/usr/lib/libother.so"), Counts(700))
        self.assertEqual(parsed(lines, addresses_of, "/usr/lib/libthird.so"), Counts(0))

    def test_another_listing_is_another_count(self):
        self.assertEqual(parsed(COUNTS.splitlines(keepends=True), lambda path: frozenset([0x1000])).atomics, 40)
        self.assertEqual(parsed(COUNTS.splitlines(keepends=True), lambda path: frozenset()).atomics, 0)

    def test_totals_are_instructions_and_misses_of_both_levels(self):
        found = parsed(COUNTS.splitlines(keepends=True), addresses_of)
        self.assertEqual((found.instructions, found.first_level_misses, found.last_level_misses), (1000, 1 + 2 + 3, 4 + 5 + 6))

    def test_processes_add_up(self):
        self.assertEqual(Counts(1, 2, 3, 4) + Counts(10, 20, 30, 40), Counts(11, 22, 33, 44))

    def test_a_file_without_totals_is_a_failure(self):
        with self.assertRaises(Failure):
            parsed(COUNTS.splitlines(keepends=True)[:-2], addresses_of)


if __name__ == "__main__":
    unittest.main()
