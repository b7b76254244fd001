"""The checks that need no emulator."""

import os
from pathlib import Path

from .checks import ROOT

EMBEDDED = ROOT / "embedded"
CRATE = ["-p", "tinyalloc-embedded"]
FEATURES = ["tinyslab", "bytebuffer", "bytebuffer-deque", "global-alloc", "global-alloc-custom", "critical-section", "embedded-io",
            "embedded-io-async", "defmt", "alloc"]
EXAMPLES = ["uart_packets", "sensor_log", "message_pool"]
LEVELS = ["1", "2", "3", "s", "z"]
NO_PANIC = "a_panic_path_is_left"


def alone(feature):
    return ["--no-default-features", *(["--features", feature] if feature else [])]


def target_folder(name):
    return Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / name


def check_features(checks):
    for feature in ["", *FEATURES]:
        for package in ["tinyalloc-embedded", "tinyalloc"]:
            checks.command(f"{package} with {feature or 'no feature'} alone",
                           ["cargo", "check", "--quiet", "--locked", "-p", package, *alone(feature)])


def check_tests(checks):
    # The workspace's own tests bring the lock that waits in; these have the one that refuses.
    checks.rust_tests("the lock that refuses", ["cargo", "test", "--quiet", "--locked", *CRATE])
    checks.rust_tests("loom's models", ["cargo", "test", "--quiet", "--locked", "--release", *CRATE, "--test", "loom_queue",
                                        "--target-dir", str(target_folder("loom"))],
                      environment={"RUSTFLAGS": "--cfg loom"})
    for example in EXAMPLES:
        checks.command(f"the example {example}", ["cargo", "run", "--quiet", "--locked", *CRATE, "--example", example])


def check_proof(checks):
    build = ["cargo", "build", "--quiet", "--locked", "--release", "-p", "firmware", "--bin", "proof"]
    folder = {"CARGO_TARGET_DIR": str(target_folder("embedded"))}
    for level in LEVELS:
        checks.command(f"no panic path is left, at opt-level {level}", [*build, "--features", "everything"], folder=EMBEDDED,
                       environment={**folder, "CARGO_PROFILE_RELEASE_OPT_LEVEL": level})
    checks.refusal("a panic path would be found", [*build, "--features", "everything,panicking"], NO_PANIC, folder=EMBEDDED,
                   environment=folder)


def check_host(checks):
    check_features(checks)
    check_tests(checks)
    check_proof(checks)
    checks.command("the format of the firmware", ["cargo", "fmt", "--all", "--check"], folder=EMBEDDED)
