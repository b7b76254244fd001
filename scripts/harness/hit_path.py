"""The instructions that an allocator function executes when nothing is out of the ordinary, read from the built library."""

import re
import subprocess
from dataclasses import dataclass
from functools import cache

INSTRUCTION = re.compile(r"^\s*([0-9a-f]+):\t([^\s].*?)\s*$")
LONGEST_WALK = 300


@dataclass(frozen=True)
class HitPath:
    symbol: str
    instructions: tuple
    end: str

    def count(self):
        return len(self.instructions)

    def is_whole(self):
        """Whether the walk saw all that is executed: it reached a return and passed no call."""
        return self.end.startswith("ret") and not any(text.startswith("call") for text in self.instructions)


def hit_path(library, symbol):
    """Walks from the symbol to the first return. Conditional jumps lead to the exceptions, so none is taken; the others all are."""
    code, slots = disassembly(library), slot_targets(library)
    address = symbol_address(library, symbol)
    walked = []
    seen = set()
    while address in code and address not in seen and len(walked) < LONGEST_WALK:
        seen.add(address)
        text, following, slot = code[address]
        walked.append(text)
        if re.match(r"(repz |bnd |notrack )*(ret|ud2|hlt|int3|brk)", text):
            return HitPath(symbol, tuple(walked), text)
        target = slots.get(slot) if text.startswith("jmp *") else unconditional_target(text)
        address = following if target is None else target
    return HitPath(symbol, tuple(walked), "no return was reached")


def unconditional_target(text):
    jump = re.match(r"(?:bnd )?(?:jmp|b)\s+(?:0x)?([0-9a-f]+)\b", text)
    return int(jump.group(1), 16) if jump else None


def symbol_address(library, symbol):
    address = symbol_addresses(library).get(symbol)
    if address is None:
        raise LookupError(f"{library} does not export {symbol}")
    return address


def symbol_addresses(library):
    rows = [row.split() for row in tool("nm", "-D", "--defined-only", library).splitlines()]
    return {words[2].split("@")[0]: int(words[0], 16) for words in rows if len(words) == 3}


def disassembly(library):
    """Address to (instruction, address of the next one, address that its comment names)."""
    lines = tool("objdump", "-d", "--no-show-raw-insn", library).splitlines()
    rows = [match.groups() for match in map(INSTRUCTION.match, lines) if match]
    addresses = [int(address, 16) for address, _ in rows]
    return {address: (clean(text), following, named_address(text))
            for address, (_, text), following in zip(addresses, rows, [*addresses[1:], None], strict=True)}


def clean(text):
    return re.sub(r"\s+", " ", text.split("#")[0]).strip()


def named_address(text):
    comment = re.search(r"# ([0-9a-f]+) <", text)
    return int(comment.group(1), 16) if comment else None


def slot_targets(library):
    """Where the entries of the global offset table lead: address of the entry to address of the library's own function."""
    rows = re.findall(r"^([0-9a-f]+) \S+\s+(\S+)$", tool("objdump", "-R", library), re.M)
    targets = {int(slot, 16): slot_target(library, said) for slot, said in rows}
    return {slot: target for slot, target in targets.items() if target is not None}


def slot_target(library, said):
    absolute = re.fullmatch(r"\*ABS\*\+0x([0-9a-f]+)", said)
    return int(absolute.group(1), 16) if absolute else symbol_addresses(library).get(said.split("@")[0])


@cache
def tool(*command):
    return subprocess.run([str(word) for word in command], capture_output=True, text=True, check=True).stdout
