"""Starts programs through measure.c, which preloads the library, measures, and leaves no process behind."""

import os
import signal
import subprocess
import time
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import ClassVar

from harness.preloading import needed

SCRIPTS = Path(__file__).resolve().parent.parent
CHECKOUT = SCRIPTS.parent
TOOLS_FOLDER = CHECKOUT / "target" / "test-tools"
SOURCE = Path(__file__).resolve().parent / "measure.c"


@dataclass(frozen=True)
class Cost:
    user_seconds: float = 0.0
    system_seconds: float = 0.0
    wall_seconds: float = 0.0
    peak_kib: int = 0
    page_faults: int = 0

    @property
    def cpu_seconds(self):
        return self.user_seconds + self.system_seconds

    def and_then(self, later):
        return Cost(
            self.user_seconds + later.user_seconds,
            self.system_seconds + later.system_seconds,
            self.wall_seconds + later.wall_seconds,
            max(self.peak_kib, later.peak_kib),
            self.page_faults + later.page_faults,
        )


@dataclass(frozen=True)
class Ended:
    """How a program ended: its exit code, or minus the number of the signal that killed it."""

    code: int
    cost: Cost


@cache
def launcher_binary():
    TOOLS_FOLDER.mkdir(parents=True, exist_ok=True)
    binary = TOOLS_FOLDER / "measure"
    if binary.exists() and binary.stat().st_mtime > SOURCE.stat().st_mtime:
        return binary
    fresh = TOOLS_FOLDER / f"measure.{os.getpid()}"
    compile_launcher(fresh)
    fresh.rename(binary)
    return binary


def compile_launcher(binary):
    command = ["cc", "-O1", "-o", str(binary), str(SOURCE)]
    static = subprocess.run([*command, "-static"], stderr=subprocess.DEVNULL, check=False)
    if static.returncode != 0:
        subprocess.run(command, check=True)


class Launch:
    """A program started under the launcher. `report` is a path that does not exist yet."""

    under_way: ClassVar[set] = set()

    def __init__(self, command, report, library, mode="pipes", env=None, **popen_options):
        self.report = Path(report)
        words = [launcher_binary(), self.report, library or "-", mode, *command]
        environment = (os.environ if env is None else env) | needed(library)
        self.process = subprocess.Popen([str(word) for word in words], env=environment, **popen_options)
        Launch.under_way.add(self)

    @classmethod
    def end_all(cls):
        for launch in list(cls.under_way):
            launch.end()

    def program_pid(self):
        """The pid of the program itself, as soon as it has one."""
        while not self._report_lines() and self.process.poll() is None:
            time.sleep(0.005)
        return int(self._report_lines()[0].split()[1])

    def signal_program(self, number):
        if self.process.poll() is None:
            os.kill(self.program_pid(), number)

    def end(self):
        """Ends the program and all that descends from it, now."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        self.process.wait()
        Launch.under_way.discard(self)

    def ended(self):
        """How the program ended. Call it once the launcher has been waited for."""
        self.process.wait()
        for line in self._report_lines():
            if line.startswith("cost "):
                return parse_cost(line)
        raise RuntimeError(f"no cost was reported in {self.report}")

    def _report_lines(self):
        return self.report.read_text().splitlines() if self.report.exists() else []


def parse_cost(line):
    status, user, system, wall, peak_kib, page_faults = (int(word) for word in line.split()[1:])
    cost = Cost(user / 1e6, system / 1e6, wall / 1e6, peak_kib, page_faults)
    return Ended(os.waitstatus_to_exitcode(status), cost)
