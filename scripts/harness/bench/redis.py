"""A key-value server under load as a workload: the server is measured, its client is not."""

import os
import re
import shutil
import subprocess
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from harness import callgrind
from harness.bench.workload import Outcome, counts, traced
from harness.failure import Failure, tail
from harness.launcher import Ended, Launch
from harness.library import library_path
from harness.measurement import HUGE_PAGES

COMMANDS = 200_000
START_SECONDS = 20
LOAD_SECONDS = 200
IDLE_SECONDS = 1.0
CONFIGURATION = ("--port", "0", "--unixsocket", "socket", "--save", "", "--appendonly", "no", "--daemonize", "no",
                 "--enable-debug-command", "local", "--jemalloc-bg-thread", "no", "--proto-max-bulk-len", "64mb")


@dataclass(frozen=True)
class RedisWorkload:
    folder: Path
    scale: int
    name: str = "redis"
    command: tuple = ("redis-server", *CONFIGURATION)
    is_threaded: bool = False
    idles: bool = True
    counted: "RedisWorkload | None" = None

    @property
    def does(self):
        return f"a server takes {self._count():,} pipelined commands: strings, hashes, lists, sorted sets, deletes"

    def _count(self):
        return max(100, COMMANDS * self.scale // 100)

    def measure(self, library, pages=HUGE_PAGES):
        with self._server(replacement(library), mode=pages) as server:
            checksum = self._load(server.folder)
        return Outcome(server.ended.cost, checksum)

    def resting_kib(self, library):
        """The resident set a second after everything was deleted. It cannot trim another allocator than its own."""
        with self._server(replacement(library)) as server:
            self._load(server.folder)
            client(server.folder, "FLUSHALL", "SYNC")
            time.sleep(IDLE_SECONDS)
            status = Path(f"/proc/{server.launch.program_pid()}/status").read_text()
            return {"idle": int(re.search(r"^VmRSS:\s+(\d+) kB", status, re.M).group(1))}

    def system_calls(self, library):
        table = self.folder / f"trace-{os.getpid()}-{time.monotonic_ns()}"
        with self._server(None, traced(table, replacement(library))) as server:
            self._load(server.folder)
        return counts(table.read_text())

    def counts(self, library):
        less = self.counted or self
        with tempfile.TemporaryDirectory(prefix="counts-", dir=self.folder) as folder:
            with less._server(replacement(library), callgrind.counting(folder)) as server:
                less._load(server.folder)
            return callgrind.counts_in(folder)

    @contextmanager
    def _server(self, preload, prefix=(), mode=HUGE_PAGES):
        with tempfile.TemporaryDirectory(prefix="redis-", dir=self.folder) as folder:
            log = open(Path(folder) / "log", "wb")
            with log:
                launch = Launch((*prefix, *self.command), Path(folder) / "report", preload, mode, stdin=subprocess.DEVNULL,
                                stdout=log, stderr=log, cwd=folder)
            server = Server(launch, Path(folder))
            try:
                wait_until_it_answers(folder, launch)
                yield server
                client(folder, "SHUTDOWN", "NOSAVE")
                launch.process.wait(START_SECONDS)
            finally:
                launch.end()
            server.ended = launch.ended()
            if server.ended.code != 0:
                raise Failure(f"redis-server ended with {server.ended.code}: {tail((Path(folder) / 'log').read_text(), 8)}")

    def _load(self, folder):
        """Feeds all commands and gives the digest of what the server then holds."""
        said = client(folder, "--pipe", feed=self._commands)
        if "errors: 0," not in said:
            raise Failure(f"redis-server answered with errors: {tail(said, 5)}")
        return client(folder, "DEBUG", "DIGEST").strip()[:16]

    @cached_property
    def _commands(self):
        count = self._count()
        return b"".join(encoded(words) for number in range(count) for words in (command(number, count),))


@dataclass
class Server:
    """`ended` is known once the server has been shut down."""

    launch: Launch
    folder: Path
    ended: Ended | None = None


def command(number, count):
    """The same load every time: three in four commands write strings of 8 to 2,000 bytes, the others the structures."""
    mixed = number * 2654435761 % 2**32
    key, kind = mixed % (count // 4 + 1), mixed >> 8 & 15
    length = 8 + (mixed >> 12) % (2000 if kind == 0 else 120)
    if kind < 9:
        return ("SET", f"key:{key}", "v" * length)
    if kind < 11:
        return ("DEL", f"key:{key}")
    if kind < 13:
        return ("HSET", f"map:{key % 500}", f"field:{key}", "h" * length)
    if kind < 14:
        return ("RPUSH", f"list:{key % 200}", "l" * length)
    if kind < 15:
        return ("LPOP", f"list:{key % 200}")
    return ("ZADD", f"sorted:{key % 100}", str(mixed % 1009), f"member:{key}")


def encoded(words):
    return f"*{len(words)}\r\n{''.join(f'${len(word)}{chr(13)}{chr(10)}{word}{chr(13)}{chr(10)}' for word in words)}".encode()


def replacement(library):
    """What to preload. Where the server is linked with an allocator of its own, even the system malloc must be put before that."""
    if library is None and "malloc" in linked_libraries():
        return library_path("libc.so.6") or library_path("../../lib/libc.so.6")
    return library


def linked_libraries():
    server = shutil.which("redis-server")
    return subprocess.run(["ldd", server], capture_output=True, text=True, check=False).stdout


def client(folder, *words, feed=b""):
    done = subprocess.run(["redis-cli", "-s", Path(folder) / "socket", *words], input=feed, capture_output=True,
                          timeout=LOAD_SECONDS, check=False)
    return (done.stdout + done.stderr).decode(errors="replace")


def wait_until_it_answers(folder, launch):
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end and launch.process.poll() is None:
        if "PONG" in client(folder, "PING"):
            return
        time.sleep(0.01)
    raise Failure(f"redis-server did not start: {tail((Path(folder) / 'log').read_text(errors='replace'), 8)}")
