"""The checks and the measurements on the emulated boards."""

from collections import namedtuple

from .checks import run
from .host import EMBEDDED, FEATURES, NO_PANIC, alone, target_folder

Target = namedtuple("Target", "name triple board has_swap")
TARGETS = [
    Target("Cortex-M0", "thumbv6m-none-eabi", "microbit", False),
    Target("Cortex-M4", "thumbv7em-none-eabihf", "mps2-an386", True),
]
# Flash is what small programs are built for.
SIZE_LEVEL = "z"
PARTS = {
    "the slab: allocate, get, free": ("firmware", "uses-tinyslab"),
    "`ByteBuffer`: write, read, clear": ("firmware", "uses-bytebuffer"),
    "`ByteBufferDeque`: push, pop": ("firmware", "uses-bytebuffer-deque"),
    "`SharedSlab`: allocate, free": ("firmware", "uses-shared-slab"),
    "`GlobalDeque<256>`: push, pop, from any context": ("firmware", "uses-queue"),
    "`GlobalDeque<256>`: push, pop, at its two ends": ("firmware", "uses-ends"),
    "`ByteBuffer` on `Slab1K32`: extend, take": ("firmware", "uses-global-alloc"),
    "embedded-alloc, linked list: allocate, free": ("peers", "uses-linked-list"),
    "embedded-alloc, TLSF: allocate, free": ("peers", "uses-tlsf"),
    "heapless pool: allocate, free": ("peers", "uses-pool"),
    "heapless spsc, 256: push, pop": ("peers", "uses-spsc"),
    "bbqueue, 256: push, pop": ("peers", "uses-bbqueue"),
}
# A slab of 128 slots may not cost more than one of 8: the handles differ, so constants and shifts do.
SCALE_TOLERANCE = 4
# No critical section may be longer, whatever the number of bytes.
SECTION_INSTRUCTIONS = 80


class Board:
    """Builds programs for a target and runs them."""

    def __init__(self, tools, target):
        self.tools = tools
        self.target = target
        name = f"CARGO_TARGET_{target.triple.upper().replace('-', '_')}"
        # The processor has exclusive loads and stores; heapless cannot try that out while it builds core.
        flags = ["-C", f"link-arg=-T{EMBEDDED / 'link.x'}", "-C", f"linker={tools.linker}", "--cfg", "arm_llsc"]
        self.environment = {"RUSTC": tools.rustc, "RUSTC_BOOTSTRAP": "1", f"{name}_RUSTFLAGS": " ".join(flags[: None if target.has_swap else -2]),
                            "CARGO_TARGET_DIR": str(target_folder("embedded"))}

    def cargo(self, *arguments):
        return ["cargo", *arguments, "--locked", "-Z", "build-std=core", "--target", self.target.triple]

    def build(self, package, program, features):
        return self.cargo("build", "--quiet", "--release", "-p", package, "--bin", program, "--features", features)

    def at_level(self, level):
        return {**self.environment, "CARGO_PROFILE_RELEASE_OPT_LEVEL": level}

    def binary(self, program):
        return target_folder("embedded") / self.target.triple / "release" / program

    def emulate(self, program):
        """An instruction takes 1,024 ns of the emulated clock: what the clock says are instructions."""
        return [self.tools.emulator, "-M", self.target.board, "-display", "none", "-monitor", "none", "-serial", "none",
                "-semihosting-config", "enable=on,target=native", "-icount", "shift=10,sleep=off", "-kernel", str(self.binary(program))]

    def sizes(self, program):
        """(flash, RAM) of a program, without its stack."""
        _, output = run([self.tools.readelf, "-SW", str(self.binary(program))])
        rows = [line.split("]", 1)[1].split() for line in output.splitlines() if "]" in line and " ." in line]
        bytes_of = {row[0]: int(row[4], 16) for row in rows if len(row) > 4}
        flash = sum(bytes_of.get(name, 0) for name in (".vectors", ".text", ".data"))
        return flash, sum(bytes_of.get(name, 0) for name in (".data", ".bss"))


def check_features(checks, board):
    for feature in ["", *(feature for feature in FEATURES if feature != "alloc")]:
        build = board.cargo("build", "--quiet", "--release", "-p", "tinyalloc-embedded", *alone(feature))
        checks.command(f"{board.target.name}: {feature or 'no feature'} alone", build, environment=board.environment)
    # Debian's compiler may be older than the engine wants, which firmware leaves out.
    build = board.cargo("build", "--quiet", "--release", "-p", "tinyalloc", "--ignore-rust-version", *alone("bytebuffer"))
    checks.command(f"{board.target.name}: tinyalloc without its engine", build, environment=board.environment)


def build_and_run(checks, board, name, program, features, package="firmware"):
    """The output of a program that ended well, line by line."""
    target = f"{board.target.name}: {name}"
    built, _ = checks.command(f"{target}: builds", board.build(package, program, features), folder=EMBEDDED, environment=board.environment)
    if not built:
        return []
    passed, output = checks.command(f"{target}: runs", board.emulate(program), timeout=120)
    lines = output.splitlines()
    for line in lines if passed else []:
        if line.startswith("test ") or "bytes in order" in line:
            print(f"         {line}", flush=True)
    return lines


def check_programs(checks, board):
    locks = {"the lock that waits": "everything,critical-section"}
    if board.target.has_swap:
        locks["the lock that refuses"] = "everything"
    for lock, features in locks.items():
        build_and_run(checks, board, f"the test suite, {lock}", "suite", features)
        build_and_run(checks, board, f"an interrupt pushes while main pops, {lock}", "stream", features)
    if not board.target.has_swap:
        build_and_run(checks, board, "what is not shared, without a lock", "alone", "everything")
        checks.refusal(f"{board.target.name}: what is shared does not link without a lock", board.build("firmware", "stream", "everything"),
                       "needs_its_feature_critical_section", folder=EMBEDDED, environment=board.environment)


def check_proof(checks, board):
    for level in ["3", SIZE_LEVEL]:
        checks.command(f"{board.target.name}: no panic path is left, at opt-level {level}",
                       board.build("firmware", "proof", "everything,critical-section"), folder=EMBEDDED, environment=board.at_level(level))
    checks.refusal(f"{board.target.name}: a panic path would be found",
                   board.build("firmware", "proof", "everything,critical-section,panicking"), NO_PANIC, folder=EMBEDDED,
                   environment=board.environment)


def rows(lines, kind):
    return [line.split("|")[1:] for line in lines if line.startswith(f"{kind}|")]


def check_scale(checks, board, lines):
    """The costs of each operation by the number of slots; they must not grow with it."""
    costs = {}
    for what, slots, fewest, most in rows(lines, "scale"):
        costs.setdefault(what, {})[int(slots)] = (int(fewest), int(most))
    for what, by_slots in costs.items():
        smallest, *others = (most for _, (_, most) in sorted(by_slots.items()))
        checks.record(f"{board.target.name}: {what}: the same for {', '.join(map(str, sorted(by_slots)))} slots",
                      others and max(others) <= smallest + SCALE_TOLERANCE, str(by_slots))


def check_sections(checks, board):
    lines = build_and_run(checks, board, "the critical sections", "sections", "everything,trace-sections")
    sections = [(what, int(length)) for what, length in rows(lines, "section")]
    longest = max((length for _, length in sections), default=None)
    checks.record(f"{board.target.name}: the longest critical section has {longest} instructions",
                  longest is not None and longest <= SECTION_INSTRUCTIONS, str(sections))
    return sections


def measure_parts(checks, board):
    """Flash and RAM that each part adds to a program that does nothing."""
    sizes = {}
    for part, (package, feature) in {"nothing": ("firmware", ""), **PARTS}.items():
        if feature == "uses-pool" and not board.target.has_swap:
            continue
        program = "footprint" if package == "firmware" else "footprint-of-peers"
        built, _ = checks.command(f"{board.target.name}: size: {part}", board.build(package, program, feature), folder=EMBEDDED,
                                  environment=board.at_level(SIZE_LEVEL))
        if built:
            sizes[part] = board.sizes(program)
    flash, ram = sizes.pop("nothing", (0, 0))
    return {part: (size[0] - flash, size[1] - ram) for part, size in sizes.items()}


def check_target(checks, tools, target):
    """Runs all checks on one board. Returns (costs, critical sections, sizes)."""
    board = Board(tools, target)
    check_features(checks, board)
    check_programs(checks, board)
    check_proof(checks, board)
    ours = build_and_run(checks, board, "the costs", "costs", "everything,critical-section")
    check_scale(checks, board, ours)
    theirs = build_and_run(checks, board, "the costs of other crates", "peers", "pools" if target.has_swap else "", "peers")
    return rows(ours + theirs, "row"), check_sections(checks, board), measure_parts(checks, board)
