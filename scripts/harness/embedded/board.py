"""The emulated boards: how programs are built for them, and how they run."""

import re
from dataclasses import dataclass

from .checks import run
from .host import EMBEDDED, target_folder

COLOUR = re.compile(r"\x1b\[[0-9;]*m")


@dataclass(frozen=True)
class Target:
    """A processor, and the board on which it is emulated."""

    name: str
    triple: str
    architecture: str
    board: str
    # Whether the processor has compare-and-swap.
    has_swap: bool
    # The processor as QEMU names it, where the board can have several.
    processor: str = ""
    memory: str = "cortex-m"
    # Another processor with the same instructions: its name and its board.
    twin: tuple = ()
    # Another target shows what this one would, where there is little time.
    resembles: str = ""
    # Too little memory for the whole suite and the measurements.
    is_small: bool = False


class Board:
    """Builds programs for a target. Which flags, and how they run, depends on the architecture."""

    unit = "instructions"
    line_end = ""

    def __init__(self, tools, target):
        self.tools = tools
        self.target = target
        variable = f"CARGO_TARGET_{re.sub('[-.]', '_', target.triple.upper())}_RUSTFLAGS"
        flags = ["--cfg", f'board="{target.board}"', *self.flags()]
        self.environment = {"RUSTC": tools.rustc, "RUSTC_BOOTSTRAP": "1", variable: " ".join(flags),
                            "CARGO_TARGET_DIR": str(self.folder())}

    def folder(self):
        return target_folder("embedded")

    def cargo(self, *arguments):
        return ["cargo", *arguments, "--locked", "-Z", "build-std=core", "--target", self.target.triple]

    def build(self, package, program, features):
        return self.cargo("build", "--quiet", "--release", "-p", package, "--bin", program, "--features", features)

    def at_level(self, level):
        return {**self.environment, "CARGO_PROFILE_RELEASE_OPT_LEVEL": level}

    def binary(self, program):
        return self.folder() / self.target.triple / "release" / program

    def left_out(self):
        """What of other crates is not there: heapless has its pools where it has exclusive loads and stores, or wide atomics."""
        return [] if self.target.has_swap and self.target.architecture == "arm" else ["uses-pool"]

    def sizes(self, program):
        """(flash, RAM) of a program, without its stack."""
        _, output = run([self.tools.readelf, "-SW", str(self.binary(program))])
        rows = [line.split("]", 1)[1].split() for line in output.splitlines() if "]" in line and " ." in line]
        bytes_of = {row[0]: int(row[4], 16) for row in rows if len(row) > 4}
        flash = sum(bytes_of.get(name, 0) for name in (".vectors", ".text", ".data"))
        return flash, sum(bytes_of.get(name, 0) for name in (".data", ".bss"))

    def what_heapless_asks(self):
        """What heapless cannot try out while core is being built, and does not know of new targets."""
        if self.target.has_swap and self.target.architecture == "arm":
            return ["--cfg", "arm_llsc"]
        return [] if self.target.has_swap or self.target.triple == "thumbv6m-none-eabi" else ["--cfg", "has_atomic_load_store"]


class QemuBoard(Board):
    """A Cortex-M or a RISC-V in QEMU, which ends with the program's exit status."""

    def flags(self):
        memory = EMBEDDED / "memory" / f"{self.target.memory}.x"
        flags = ["-C", f"linker={self.tools.linker}", "-C", f"link-arg=-T{memory}", "-C", f"link-arg=-T{EMBEDDED / 'link.x'}"]
        return [*flags, *self.what_heapless_asks()]

    def emulate(self, program, board=None):
        """An instruction takes 1,024 ns of the emulated clock: what the clock says are instructions."""
        emulator = self.tools.qemu_arm if self.target.architecture == "arm" else self.tools.qemu_riscv
        processor = ["-cpu", self.target.processor, "-bios", "none"] if self.target.processor else []
        return [emulator, "-M", board or self.target.board, *processor, "-display", "none", "-monitor", "none", "-serial", "none",
                "-semihosting-config", "enable=on,target=native", "-icount", "shift=10,sleep=off", "-kernel", str(self.binary(program))]

    def ended_well(self, status, output):
        return status == 0


class AvrBoard(Board):
    """An ATmega in simavr, which counts cycles. Its exit status says nothing: the program's last line does."""

    unit = "cycles"
    line_end = "."

    def flags(self):
        script = EMBEDDED / "memory" / "avr.x"
        return ["-C", f"target-cpu={self.target.board}", "-C", f"linker={self.tools.avr_gcc}", "-C", f"link-arg={script}",
                *self.what_heapless_asks()]

    def folder(self):
        return target_folder("embedded") / self.target.board

    def binary(self, program):
        return super().binary(f"{program}.elf")

    def left_out(self):
        """LLVM miscompiles the atomics of bbqueue."""
        return ["uses-pool", "uses-bbqueue"]

    def disassembled(self, program):
        return run([self.tools.avr_objdump, "-d", str(self.binary(program))])[1]

    def emulate(self, program):
        return [self.tools.simavr, "-m", self.target.board, "-f", "16000000", str(self.binary(program))]

    def ended_well(self, status, output):
        return status == 0 and "exit 0." in [COLOUR.sub("", line) for line in output.splitlines()]


BOARDS = {"arm": QemuBoard, "riscv": QemuBoard, "avr": AvrBoard}
