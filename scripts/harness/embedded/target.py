"""The checks and the measurements on the emulated boards."""

from .board import BOARDS, COLOUR, Target
from .disassembly import compiled_atomics
from .host import EMBEDDED, FEATURES, NO_PANIC, alone

TARGETS = [
    Target("Cortex-M0", "thumbv6m-none-eabi", "arm", "microbit", has_swap=False),
    Target("Cortex-M4", "thumbv7em-none-eabihf", "arm", "mps2-an386", has_swap=True, twin=("Cortex-M7", "mps2-an500")),
    Target("Cortex-M33", "thumbv8m.main-none-eabihf", "arm", "mps2-an505", has_swap=True, memory="cortex-m33", resembles="Cortex-M4"),
    Target("RV32IMC", "riscv32imc-unknown-none-elf", "riscv", "virt", has_swap=False, processor="rv32,a=off,f=off,d=off", memory="riscv"),
    Target("RV32IMAC", "riscv32imac-unknown-none-elf", "riscv", "virt", has_swap=True, processor="rv32,f=off,d=off", memory="riscv",
           resembles="RV32IMC"),
    Target("ATmega1284P", "avr-none", "avr", "atmega1284p", has_swap=False),
    Target("ATmega328P", "avr-none", "avr", "atmega328p", has_swap=False, is_small=True, resembles="ATmega1284P"),
]
# What costs are measured at, and flash, which is what small programs are built for.
COST_LEVEL, SIZE_LEVEL = "3", "z"
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
WAITS, REFUSES = "everything,critical-section", "everything"
NEEDS_FEATURE = "needs_its_feature_critical_section"
# A slab of 128 slots may not cost more than one of 8: the handles differ, so constants and shifts do. RISC-V needs another instruction
# or two for each offset above 2 KiB, AVR shifts one bit at a time.
SCALE_TOLERANCE = {"arm": 4, "riscv": 8, "avr": 20}
# No critical section may be longer, whatever the number of bytes: instructions, on AVR cycles.
SECTION_MOST = {"arm": 80, "riscv": 80, "avr": 200}


def check_features(checks, board):
    for feature in ["", *(feature for feature in FEATURES if feature != "alloc")]:
        build = board.cargo("build", "--quiet", "--release", "-p", "tinyalloc-embedded", *alone(feature))
        checks.command(f"{board.target.name}: {feature or 'no feature'} alone", build, environment=board.environment)
    # Debian's compiler may be older than the engine wants, which firmware leaves out.
    build = board.cargo("build", "--quiet", "--release", "-p", "tinyalloc", "--ignore-rust-version", *alone("bytebuffer"))
    checks.command(f"{board.target.name}: tinyalloc without its engine", build, environment=board.environment)


def show(lines):
    for line in lines:
        if line.startswith("test ") or "bytes in order" in line:
            print(f"         {line}", flush=True)


def build_and_run(checks, board, name, program, features, package="firmware", environment=None):
    """The output of a program that ended well, line by line."""
    target = f"{board.target.name}: {name}"
    built, _ = checks.command(f"{target}: builds", board.build(package, program, features), folder=EMBEDDED,
                              environment=environment or board.environment)
    if not built:
        return []
    if board.target.architecture == "avr" and package == "firmware":
        check_atomics(checks, board, target, program)
    passed, output = checks.command(f"{target}: runs", board.emulate(program), ended_well=board.ended_well, timeout=180)
    if board.target.twin:
        processor, twin = board.target.twin
        checks.command(f"{processor}: {name}: runs", board.emulate(program, twin), timeout=180)
    # The serial port of simavr ends each line in a full stop, in colour.
    lines = [COLOUR.sub("", line).removesuffix("\r").removesuffix(board.line_end) for line in output.splitlines()] if passed else []
    show(lines)
    return lines


def check_atomics(checks, board, name, program):
    """LLVM miscompiles the atomics of AVR: the crate goes without, and so must a program that uses only it."""
    found = compiled_atomics(board.disassembled(program))
    checks.record(f"{name}: none of the compiler's atomics", found == [], "\n".join(found[:5]))


def check_programs(checks, board):
    locks = {"the lock that waits": WAITS}
    if board.target.has_swap:
        locks["the lock that refuses"] = REFUSES
    for lock, features in locks.items():
        suites = {"the test suite": "suite", "reports of other allocators": "reports"}
        if board.target.is_small:
            suites = {"the test suite for 2 KiB": "small"}
        contexts = {"an interrupt pushes while main pops": "stream", "an interrupt and main at the same ends": "contend"}
        for name, program in {**suites, **contexts}.items():
            build_and_run(checks, board, f"{name}, {lock}", program, features)
    if not board.target.has_swap:
        check_without_swap(checks, board)


def check_without_swap(checks, board):
    """What is shared needs the feature here; on AVR the ends of a queue do as well."""
    build = board.build("firmware", "stream", REFUSES)
    checks.refusal(f"{board.target.name}: what is shared does not link without a lock", build, NEEDS_FEATURE, folder=EMBEDDED,
                   environment=board.environment)
    name = f"{board.target.name}: the ends of a queue do not link without a lock"
    if board.target.architecture == "avr":
        checks.refusal(name, board.build("firmware", "alone", REFUSES), NEEDS_FEATURE, folder=EMBEDDED, environment=board.environment)
    else:
        build_and_run(checks, board, "what is not shared, without a lock", "alone", REFUSES)


def check_overflows(checks, board):
    """Sums that would pass 16 bits stop the program."""
    environment = {**board.environment, "CARGO_PROFILE_RELEASE_OVERFLOW_CHECKS": "true"}
    for name, program in {"the test suite": "suite", "reports of other allocators": "reports"}.items():
        build_and_run(checks, board, f"{name}, with overflow checks", program, WAITS, environment=environment)


def check_proof(checks, board, levels):
    for level in levels:
        checks.command(f"{board.target.name}: no panic path is left, at opt-level {level}", board.build("firmware", "proof", WAITS),
                       folder=EMBEDDED, environment=board.at_level(level))
    checks.refusal(f"{board.target.name}: a panic path would be found", board.build("firmware", "proof", f"{WAITS},panicking"), NO_PANIC,
                   folder=EMBEDDED, environment=board.environment)


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
                      others and max(others) <= smallest + SCALE_TOLERANCE[board.target.architecture], str(by_slots))


def check_sections(checks, board):
    lines = build_and_run(checks, board, "the critical sections", "sections", "everything,trace-sections")
    sections = [(what, int(length)) for what, length in rows(lines, "section")]
    longest = max((length for _, length in sections), default=None)
    checks.record(f"{board.target.name}: the longest critical section has {longest} {board.unit}",
                  longest is not None and longest <= SECTION_MOST[board.target.architecture], str(sections))
    return sections


def measure_parts(checks, board):
    """Flash and RAM that each part adds to a program that does nothing."""
    sizes = {}
    for part, (package, feature) in {"nothing": ("firmware", ""), **PARTS}.items():
        if feature in board.left_out():
            continue
        program = "footprint" if package == "firmware" else "footprint-of-peers"
        built, _ = checks.command(f"{board.target.name}: size: {part}", board.build(package, program, feature), folder=EMBEDDED,
                                  environment=board.at_level(SIZE_LEVEL))
        if built:
            sizes[part] = board.sizes(program)
    flash, ram = sizes.pop("nothing", (0, 0))
    return {part: (size[0] - flash, size[1] - ram) for part, size in sizes.items()}


def check_costs(checks, board):
    """Our rows of the cost table."""
    lines = build_and_run(checks, board, "the costs", "costs", WAITS)
    check_scale(checks, board, lines)
    return lines


def measure(checks, board):
    """Returns (costs, critical sections, sizes)."""
    ours = check_costs(checks, board)
    pools = "" if "uses-pool" in board.left_out() else "pools"
    theirs = build_and_run(checks, board, "the costs of other crates", "peers", pools, "peers")
    return rows(ours + theirs, "row"), check_sections(checks, board), measure_parts(checks, board)


def check_quickly(checks, tools, target):
    """Runs what needs core at one level of optimization: most of the time goes into building that."""
    board = BOARDS[target.architecture](tools, target)
    build_and_run(checks, board, "the clock", "clock", "")
    check_programs(checks, board)
    if not target.is_small:
        check_proof(checks, board, [COST_LEVEL])
        check_costs(checks, board)
        check_sections(checks, board)


def check_target(checks, tools, target):
    """Runs all checks on one board. Returns (costs, critical sections, sizes), nothing for one that is too small to measure."""
    board = BOARDS[target.architecture](tools, target)
    build_and_run(checks, board, "the clock", "clock", "")
    check_programs(checks, board)
    if target.is_small:
        return None
    check_features(checks, board)
    if target.architecture == "avr":
        check_overflows(checks, board)
    check_proof(checks, board, [COST_LEVEL, SIZE_LEVEL])
    return measure(checks, board)
