"""The atomics that LLVM makes on AVR are found, the stack pointer and critical sections are not taken for them."""

import unittest

from harness.embedded.disassembly import compiled_atomics

LOADED_OVER_ITS_POINTER = """
     38c:\t0f b6       \tin\tr0, 0x3f\t; 63
     38e:\tf8 94       \tcli
     390:\te0 81       \tld\tr30, Z
     392:\tf1 81       \tldd\tr31, Z+1\t; 0x01
     394:\t0f be       \tout\t0x3f, r0\t; 63
"""
STORED = """
     1ca:\t0f b6       \tin\tr0, 0x3f\t; 63
     1cc:\tf8 94       \tcli
     1ce:\t90 93 24 04 \tsts\t0x0424, r25\t; 0x800424
     1d2:\t0f be       \tout\t0x3f, r0\t; 63
"""
STACK_POINTER = """
     2b4:\t0f b6       \tin\tr0, 0x3f\t; 63
     2b6:\tf8 94       \tcli
     2b8:\tde bf       \tout\t0x3e, r29\t; 62
     2ba:\t0f be       \tout\t0x3f, r0\t; 63
"""
CRITICAL_SECTION = """
     348:\t2f b7       \tin\tr18, 0x3f\t; 63
     34a:\tf8 94       \tcli
     34c:\t80 91 14 04 \tlds\tr24, 0x0414\t; 0x800414
"""


class Disassembly(unittest.TestCase):
    def test_loads_and_stores_of_the_compiler_are_found(self):
        self.assertEqual(len(compiled_atomics(LOADED_OVER_ITS_POINTER + STACK_POINTER + STORED)), 2)

    def test_nothing_else_is(self):
        self.assertEqual(compiled_atomics(STACK_POINTER + CRITICAL_SECTION), [])


if __name__ == "__main__":
    unittest.main()
