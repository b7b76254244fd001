"""A server in Rust, bench/server: its allocator is linked with it as `#[global_allocator]`, not preloaded."""

import os
import subprocess
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from http.client import HTTPConnection
from urllib.parse import urlsplit

from harness.failure import Failure, tail
from harness.launcher import CHECKOUT
from harness.preloading import allocator_name
from harness.servers.applications import listening, load
from harness.servers.service import service
from harness.servers.steady import requests

PACKAGE = CHECKOUT / "bench" / "server"
BUILT = CHECKOUT / "target" / "bench" / "server"
BUILD_SECONDS = 1200
ANSWER_SECONDS = 20


@dataclass(frozen=True)
class Build:
    """A program of the package, by the end of its name, and the type of its allocator. A library is preloaded only into the system's."""

    name: str
    type: str
    is_preloaded: bool = False

    def is_of(self, answer):
        return answer.rpartition("::")[2] == self.type


CRATES = {"tinyalloc": "TinyAlloc", "jemalloc": "Jemalloc", "mimalloc": "MiMalloc"}


def build_for(library):
    """The program with the crate of the library's allocator. Without a crate, it is that which takes what is preloaded."""
    name = allocator_name(library) if library else None
    return Build(name, CRATES[name]) if name in CRATES else Build("system", "System", is_preloaded=library is not None)


@cache
def program(name):
    """Where it is once it is built. The crate of tinyalloc is that of the checkout."""
    features = ("--features", name) if name in CRATES else ()
    command = ("cargo", "build", "--release", "--locked", "--quiet", "--target-dir", BUILT, "--no-default-features", *features, "--bin", f"server-{name}")
    environment = {name: value for name, value in os.environ.items() if name not in ("LD_PRELOAD", "RUSTFLAGS", "CARGO_TARGET_DIR")}
    try:
        done = subprocess.run(command, cwd=PACKAGE, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=BUILD_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Failure(f"the server was not built with {name}: {error}") from None
    if done.returncode != 0:
        raise Failure(f"the server cannot be built with {name}:\n{tail(done.stderr)}")
    return BUILT / "release" / f"server-{name}"


def build_all(libraries):
    """What cannot be built says so when it is to run."""
    for library in libraries:
        with suppress(Failure):
            program(build_for(library).name)


def allocator_of(address):
    connection = HTTPConnection(urlsplit(address).netloc, timeout=ANSWER_SECONDS)
    try:
        connection.request("GET", "/allocator")
        return connection.getresponse().read().decode()
    finally:
        connection.close()


def require_allocator(answer, build):
    if not build.is_of(answer):
        raise Failure(f"the server has {answer}, not {build.type}, as its allocator")


@service("tokio", load, requests, needs=("cargo", "wrk"), prepare=build_all)
@contextmanager
def tokio(session):
    """Rust: JSON made and parsed, buffers kept, some answers compressed, on two threads; the allocator is linked"""
    build = build_for(session.library)
    with listening(session, program(build.name), preload=build.is_preloaded) as web:
        require_allocator(allocator_of(web.address), build)
        yield web
