"""Processors that this machine emulates."""

from dataclasses import dataclass

from harness.launcher import CHECKOUT

REACH = CHECKOUT / "target" / "reach"


@dataclass(frozen=True)
class Machine:
    """`gnu` begins the names of the cross tools, and names the folder of libraries; `debian` is Debian 12's architecture, if it is one;
    `number` is that of ELF headers. `pages` are the sizes that Linux may have beside 4 KiB there."""

    name: str
    gnu: str
    loader: str
    number: int
    debian: str = ""
    pages: tuple[int, ...] = ()

    @property
    def triple(self):
        return f"{'riscv64gc' if self.name == 'riscv64' else self.name}-unknown-linux-gnu"

    @property
    def emulator(self):
        return f"qemu-{self.name}-static"

    @property
    def compiler(self):
        return f"{self.gnu}-gcc"

    @property
    def folder(self):
        """Where its programs are unpacked."""
        return REACH / self.name

    @property
    def libraries(self):
        return CHECKOUT / "target" / self.triple / "release"

    def magic(self):
        """The begin of its programs' files, and the bits of it that count, as binfmt_misc takes them."""
        header = [0x7F, *b"ELF", 2, 1, 1, 0, *[0] * 8, 2, 0, self.number, 0]
        mask = [*[0xFF] * 7, 0, *[0xFF] * 8, 0xFE, 0xFF, 0xFF, 0xFF]
        return escaped(header), escaped(mask)


def escaped(numbers):
    return "".join(f"\\x{number:02x}" for number in numbers)


AARCH64 = Machine("aarch64", "aarch64-linux-gnu", "ld-linux-aarch64.so.1", 183, "arm64", pages=(16384, 65536))
RISCV64 = Machine("riscv64", "riscv64-linux-gnu", "ld-linux-riscv64-lp64d.so.1", 243)
MACHINES = {machine.name: machine for machine in (AARCH64, RISCV64)}
