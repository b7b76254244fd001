"""The instructions that an allocator function executes when nothing is out of the ordinary, read from the built library."""

import re
import subprocess
from dataclasses import dataclass

INSTRUCTION = re.compile(r"^\s*([0-9a-f]+):\t([^\s].*?)\s*$")
LONGEST_WALK = 300


@dataclass(frozen=True)
class HitPath:
    symbol: str
    instructions: tuple
    end: str

    def count(self):
        return len(self.instructions)


def hit_path(library, symbol):
    """Walks from the symbol to the first return. Conditional jumps lead to the exceptions, so none is taken; the others all are."""
    code = disassembly(library)
    address = symbol_address(library, symbol)
    walked = []
    seen = set()
    while address in code and address not in seen and len(walked) < LONGEST_WALK:
        seen.add(address)
        text, following = code[address]
        walked.append(text)
        if re.match(r"(repz |bnd |notrack )*(ret|ud2|hlt|int3|brk)", text):
            return HitPath(symbol, tuple(walked), text)
        target = unconditional_target(text)
        address = following if target is None else target
    return HitPath(symbol, tuple(walked), "no return was reached")


def unconditional_target(text):
    jump = re.match(r"(?:bnd )?(?:jmp|b)\s+(?:0x)?([0-9a-f]+)\b", text)
    return int(jump.group(1), 16) if jump else None


def symbol_address(library, symbol):
    for row in tool("nm", "-D", "--defined-only", library).splitlines():
        words = row.split()
        if len(words) == 3 and words[2].split("@")[0] == symbol:
            return int(words[0], 16)
    raise LookupError(f"{library} does not export {symbol}")


def disassembly(library):
    """Address to (instruction, address of the next one)."""
    lines = tool("objdump", "-d", "--no-show-raw-insn", library).splitlines()
    rows = [match.groups() for match in map(INSTRUCTION.match, lines) if match]
    addresses = [int(address, 16) for address, _ in rows]
    return {address: (clean(text), following)
            for address, (_, text), following in zip(addresses, rows, [*addresses[1:], None], strict=True)}


def clean(text):
    return re.sub(r"\s+", " ", text.split("#")[0]).strip()


def tool(*command):
    return subprocess.run([str(word) for word in command], capture_output=True, text=True, check=True).stdout
