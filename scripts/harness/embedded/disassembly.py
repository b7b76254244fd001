"""What a disassembly shows of a compiler's mistakes."""

import re

# LLVM's atomic load or store on AVR: the status is kept in r0, which may hold a product, and the pair may be loaded over its own pointer.
ATOMIC = re.compile(r"\bin\tr0, 0x3f[^\n]*\n[^\n]*\tcli[^\n]*\n[^\n]*\t(?:ld|ldd|lds|st|std|sts)\t[^\n]*")


def compiled_atomics(disassembly):
    """The atomic loads and stores that LLVM made, as avr-objdump shows them."""
    return [match[0] for match in ATOMIC.finditer(disassembly)]
