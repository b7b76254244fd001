"""A program on a pseudo-terminal: send what a person types, expect what they would see."""

import fcntl
import os
import pty
import re
import select
import struct
import termios
import time

from harness.failure import Failure, tail

EXPECT_SECONDS = 30
ROWS, COLUMNS = 50, 160
ESCAPES = re.compile(
    r"\x1b\[[0-9;?<>=!]*[ -/]*[@-~]"  # control sequences: colours, cursor
    r"|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)"  # titles
    r"|\x1b[PX^_].*?\x1b\\"
    r"|\x1b[()][A-Z0-9]|\x1b[=>78cDEHM]|\r|\x07"
)


class Terminal:
    def __init__(self, launch):
        """`launch` starts the program, given stdin, stdout and stderr."""
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
        self.launch = launch(stdin=slave, stdout=slave, stderr=slave)
        os.close(slave)
        self._raw = b""
        self._seen = 0
        self._started = None
        self._open = True

    def when_started(self, check):
        """Called with the pid once the program has first answered."""
        self._started = check

    def send(self, line):
        self.type(line + "\r")

    def type(self, keys):
        os.write(self._master, keys.encode())

    def expect(self, pattern, seconds=EXPECT_SECONDS):
        """Waits until the pattern appears after what was matched last; gives the match."""
        end = time.monotonic() + seconds
        while True:
            match = re.compile(pattern, re.S | re.M).search(self.transcript(), self._seen)
            if match:
                self._seen = match.end()
                self._tell_started()
                return match
            left = end - time.monotonic()
            if left <= 0 or not self._read(left):
                raise Failure(self._unexpected(pattern, left))

    def ask(self, line, pattern, seconds=EXPECT_SECONDS):
        self.send(line)
        return self.expect(pattern, seconds)

    def transcript(self):
        return ESCAPES.sub("", self._raw.decode("utf-8", "replace"))

    def wait_for_end(self, seconds=EXPECT_SECONDS):
        end = time.monotonic() + seconds
        while self._open and time.monotonic() < end:
            self._read(end - time.monotonic())
        if self._open:
            raise Failure(f"the program did not end when asked\n{tail(self.transcript())}")

    def close(self):
        self.launch.end()
        if self._master is not None:
            os.close(self._master)
        self._master, self._open = None, False

    def _read(self, seconds):
        """Reads what there is; False when the program has closed its terminal."""
        if not self._open:
            return False
        ready, _, _ = select.select([self._master], [], [], min(seconds, 0.5))
        if not ready:
            return True
        try:
            data = os.read(self._master, 65536)
        except OSError:
            data = b""
        self._raw += data
        self._open = bool(data)
        return self._open

    def _tell_started(self):
        if self._started:
            check, self._started = self._started, None
            check(self.launch.program_pid())

    def _unexpected(self, pattern, left):
        reason = "the terminal was closed" if left > 0 else "nothing came in time"
        return f"expected /{pattern}/ but {reason}; the terminal showed\n{tail(self.transcript())}"
