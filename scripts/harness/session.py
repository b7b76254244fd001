"""One run of one program's work: a folder of its own, the library to preload, what was printed, what it cost."""

import difflib
import os
import re
import shlex
import signal
import socket
import subprocess
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from harness.failure import Failure, Skip, tail
from harness.launcher import Cost, Launch
from harness.terminal import Terminal

TIMEOUT_SECONDS = 120
SERVER_START_SECONDS = 20
SERVER_END_SECONDS = 10
COMPLAINT = re.compile(r"\btinyalloc: .*|.*cannot be preloaded.*")
INHERITED = ("PATH", "LANG", "TZ", "USER", "LOGNAME")


@dataclass(frozen=True)
class Finished:
    code: int
    output: str
    errors: str


class Session:
    def __init__(self, folder, library=None, thorough=False):
        self.folder = Path(folder)
        self.library = library
        self.thorough = thorough
        self.cost = Cost()
        self.kept = []
        self._launches = 0
        (self.folder / "home").mkdir()
        (self.folder / "logs").mkdir()

    def size(self, quick, thorough):
        return thorough if self.thorough else quick

    def write(self, name, text):
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def keep(self, label, text):
        """What must be the same with and without the library."""
        self.kept.append(f"== {label}\n{text.rstrip()}")

    def environment(self, extra=None):
        kept = {name: os.environ[name] for name in INHERITED if name in os.environ}
        own = {"HOME": str(self.folder / "home"), "LC_ALL": "C.UTF-8", "TERM": "xterm", "PAGER": "cat"}
        return kept | own | {"TMPDIR": str(self.folder / "home")} | (extra or {})

    def run(self, *command, feed="", expect=0, clean=None, keep=True, preload=True, cwd=None, env=None,
            timeout=TIMEOUT_SECONDS):
        """Runs the command to its end; its output and exit code are kept for the comparison."""
        finished = self._finish(command, feed, preload, cwd, env, timeout)
        label = " ".join(str(word) for word in command[:4])
        self._complain_about(label, finished.errors)
        if finished.code != expect:
            raise Failure(describe(command, finished, expect))
        if keep:
            output = finished.output.replace(str(self.folder), "FOLDER")
            shown = label.replace(str(self.folder), "FOLDER")
            self.keep(shown, clean(output) if clean else output)
        return finished

    def helper(self, *command, cwd=None, env=None, feed=None, timeout=TIMEOUT_SECONDS):
        """Runs something the test needs, on the system malloc, not measured."""
        try:
            done = subprocess.run([str(word) for word in command], cwd=cwd or self.folder, env=self.environment(env),
                                  input=feed, capture_output=True, text=True, timeout=timeout, check=False)
        except subprocess.TimeoutExpired:
            raise Failure(f"{command[0]} did not end in {timeout} s") from None
        if done.returncode != 0:
            raise Skip(f"the helper {command[0]} failed: {tail(done.stderr, 5)}")
        return done.stdout

    @contextmanager
    def server(self, *command, port, env=None, end_signal=signal.SIGTERM, end_codes=(0,), preload=True):
        """A server, from when it listens until it is ended by its pid; under the library, unless it has its allocator in it."""
        output = self.folder / "logs" / f"server-{self._launches}"
        with open(output, "wb") as log:
            launch = self._launch(command, preload, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=self.environment(env),
                                  cwd=self.folder)
        try:
            wait_for_port(port, launch, output)
            if preload:
                self.require_mapped(launch.program_pid())
            yield launch
            launch.signal_program(end_signal)
            wait_for_end(launch, output)
        finally:
            launch.end()
        self.cost = self.cost.and_then(launch.ended().cost)
        self._complain_about(command[0], output.read_text(errors="replace"))
        if launch.ended().code not in (*end_codes, -end_signal):
            raise Failure(f"{command[0]} {how_it_ended(launch.ended().code)}:\n{tail(output.read_text(errors='replace'))}")

    @contextmanager
    def terminal(self, *command, env=None, preload=True, cwd=None):
        """An interactive program on a pseudo-terminal. The body must bring it to its end."""
        terminal = Terminal(lambda **options: self._launch(command, preload, mode="terminal", cwd=cwd or self.folder,
                                                           env=self.environment(env), **options))
        try:
            if preload:
                terminal.when_started(self.require_mapped)
            yield terminal
            terminal.wait_for_end()
        except Failure as failure:
            terminal.close()
            raise Failure(f"{failure}\nand {command[0]} {how_it_ended(terminal.launch.ended().code)}") from None
        finally:
            terminal.close()
            self._complain_about(command[0], terminal.transcript())
        self.cost = self.cost.and_then(terminal.launch.ended().cost)
        code = terminal.launch.ended().code
        if code != 0:
            raise Failure(f"{command[0]} {how_it_ended(code)}:\n{tail(terminal.transcript())}")

    def start(self, *command, stdout=subprocess.DEVNULL):
        """A preloaded program that goes on while the test does something else; the caller ends it."""
        return self._launch(command, True, stdin=subprocess.DEVNULL, stdout=stdout, stderr=subprocess.DEVNULL,
                            env=self.environment(), cwd=self.folder)

    def require_mapped(self, pid):
        """The library really is in that process."""
        if self.library is None:
            return
        maps = read_or_empty(f"/proc/{pid}/maps")
        if maps and os.path.realpath(self.library) not in maps:
            raise Failure(f"{self.library} is not mapped in process {pid} ({read_or_empty(f'/proc/{pid}/comm').strip()})")

    def wait_until_mapped(self, launch):
        """As `require_mapped`, of a program that has only just begun: its loader maps one library after the other."""
        end = time.monotonic() + SERVER_START_SECONDS
        while True:
            try:
                return self.require_mapped(launch.program_pid())
            except Failure:
                if time.monotonic() > end:
                    raise
                time.sleep(0.01)

    def _finish(self, command, feed, preload, cwd, env, timeout):
        launch = self._launch(command, preload, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              env=self.environment(env), cwd=cwd or self.folder)
        try:
            output, errors = launch.process.communicate(feed.encode(), timeout=timeout)
        except subprocess.TimeoutExpired:
            launch.end()
            output, errors = launch.process.communicate()
            raise Failure(f"{shlex.join(map(str, command))} did not end in {timeout} s\n{tail(decode(errors))}") from None
        finally:
            launch.end()
        ended = launch.ended()
        self.cost = self.cost.and_then(ended.cost)
        return Finished(ended.code, decode(output), decode(errors))

    def _launch(self, command, preload, mode="pipes", **options):
        self._launches += 1
        report = self.folder / "logs" / f"report-{self._launches}"
        return Launch(command, report, self.library if preload else None, mode, **options)

    def _complain_about(self, what, errors):
        complaint = COMPLAINT.search(errors) if self.library else None
        if complaint:
            raise Failure(f"{what} printed: {complaint.group().strip()}\n{tail(errors, 10)}")


def decode(data):
    return data.decode("utf-8", "replace")


def read_or_empty(path):
    try:
        return Path(path).read_text(errors="replace")
    except OSError:
        return ""


def how_it_ended(code):
    return f"ended with signal {signal.Signals(-code).name}" if code < 0 else f"ended with code {code}"


def describe(command, finished, expect):
    shown = f"{shlex.join(map(str, command))}\n{how_it_ended(finished.code)} instead of {expect}"
    return f"{shown}\n-- stderr\n{tail(finished.errors)}\n-- stdout\n{tail(finished.output, 12)}"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for_port(port, launch, output):
    end = time.monotonic() + SERVER_START_SECONDS
    while time.monotonic() < end and launch.process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            time.sleep(0.02)
    how = "did not listen on its port" if launch.process.poll() is None else f"{how_it_ended(launch.ended().code)} before it listened"
    raise Failure(f"the server {how}:\n{tail(output.read_text(errors='replace'))}".rstrip(":\n"))


def wait_for_answer(ask):
    """Of a server that listens before it is ready: `ask` raises Skip until then."""
    end = time.monotonic() + SERVER_START_SECONDS
    while True:
        try:
            return ask()
        except Skip as refused:
            if time.monotonic() > end:
                raise Failure(f"the server was not ready in {SERVER_START_SECONDS} s: {refused}") from None
            time.sleep(0.05)


def wait_for_end(launch, output):
    try:
        launch.process.wait(SERVER_END_SECONDS)
    except subprocess.TimeoutExpired:
        raise Failure(f"the server did not end when asked:\n{tail(output.read_text(errors='replace'))}") from None


def difference(expected, actual):
    rows = difflib.unified_diff("\n".join(expected).splitlines(), "\n".join(actual).splitlines(), "system malloc", "preloaded",
                                lineterm="", n=1)
    return "\n".join(list(rows)[:40])
