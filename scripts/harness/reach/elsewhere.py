"""Targets that other commands run."""

from harness.reach.target import Target, register

register(
    Target("x86-64", "Linux on x86-64, glibc", "`make check`, which continuous integration runs", "",
           "all of it"),
    Target("embedded", "Cortex-M, RISC-V and AVR, without a system", "`make embedded`: QEMU, simavr", "the engine: the embedded crate alone is for firmware",
           "see [EMBEDDED.md](EMBEDDED.md)"),
    Target("musl-static", "Linux on x86-64, musl, static programs in Rust", "`make musl`", "a shared library",
           "start, text, threads, messages"),
)
