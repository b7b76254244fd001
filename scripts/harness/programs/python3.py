"""Python: its own test modules, and its REPL."""

import os
import re
import subprocess
import sys
import time
from functools import cache
from pathlib import Path

from harness.catalogue import program
from harness.failure import Skip

SYSTEM_PYTHON = Path("/usr/bin/python3")
PYTHON = str(SYSTEM_PYTHON) if SYSTEM_PYTHON.exists() else sys.executable
PROBE = "import ctypes, ssl, test.support, test.test_json"
TEST_SECONDS = 400


@cache
def python_with_tests():
    """The system's Python when it has its test modules, else the one that runs this."""
    for candidate in (PYTHON, sys.executable):
        if subprocess.run([candidate, "-c", PROBE], capture_output=True, check=False).returncode == 0:
            return os.path.realpath(candidate)
    raise Skip("no python3 with its test modules (package libpython3-testsuite)")


def run_tests(session, module, quick_patterns=()):
    """Runs a module of Python's own tests; some hundreds of checks, of which quick runs the most telling."""
    patterns = [word for pattern in session.size(quick_patterns, ()) for word in ("-m", pattern)]
    # What waits for a timeout waits for nothing that we care about.
    patterns += session.size(("-i", "*timeout*"), ())
    finished = session.run(python_with_tests(), "-m", "test", "-v", *patterns, module, keep=False, timeout=TEST_SECONDS)
    counts = re.findall(r"^Ran (\d+) tests?", finished.output + finished.errors, re.M)
    result = re.findall(r"^Tests? result: \w+|^Result: \w+", finished.output, re.M)
    session.keep(module, "\n".join(counts + result[-1:]))


def register_tests(module, *quick_patterns):
    def work(session):
        run_tests(session, module, quick_patterns)

    work.__doc__ = "Python's own test module"
    program(f"python3-{module}", needs=(PYTHON,))(work)


register_tests("test_json")
register_tests("test_threading", "ThreadTests", "ThreadJoinOnShutdown", "SubinterpThreadingTests", "TimerTests", "BarrierTests")
register_tests("test_subprocess", "ProcessTestCase", "RunFuncTestCase", "ContextManagerTests")
register_tests("test_ssl", "BasicSocketTests", "ContextTests", "MemoryBIOTests", "SSLObjectTests", "test_echo", "test_starttls",
               "test_session", "test_socketserver", "test_shared_ciphers", "test_pha_required", "test_read_write")
register_tests("test_ctypes")
register_tests("test_fork1")


@program("python3-repl", needs=(PYTHON,))
def python_repl(session):
    """an interactive session: imports, classes, completion, an exception, threads"""
    with session.terminal(PYTHON, "-q", env={"PYTHON_BASIC_REPL": "1", "NO_COLOR": "1"}) as repl:
        repl.expect(">>> ")
        repl.ask("import json, zlib, threading, sys, re, rlcompleter, readline", ">>> ")
        repl.ask("readline.parse_and_bind('tab: complete')", ">>> ")
        session.keep("sum", repl.ask("sum(len(str(n)) * n for n in range(200000))", r"^(\d+)\n.*?>>> ").group(1))
        repl.ask("class Tree:", r"\.\.\. ")
        repl.ask("    def __init__(self, depth): self.kids = [Tree(depth - 1) for _ in range(2)] if depth else []", r"\.\.\. ")
        repl.ask("", ">>> ")
        repl.ask("forest = [Tree(12) for _ in range(4)]", ">>> ")
        repl.ask("del forest", ">>> ")
        session.keep("error", repl.ask("{}['missing']", r"^(KeyError: \S+)\n.*?>>> ").group(1))
        repl.type("zlib.adle\t")
        repl.expect(r"zlib\.adler32\(")
        session.keep("completed", repl.ask("b'tiny')", r"^(\d+)\n.*?>>> ").group(1))
        repl.ask("results = []", ">>> ")
        repl.ask("ts = [threading.Thread(target=lambda: results.append(len(json.dumps(list(range(50000)))))) for _ in range(8)]",
                 ">>> ")
        repl.ask("for t in ts: t.start()", r"\.\.\. ")
        repl.ask("", ">>> ")
        repl.ask("for t in ts: t.join()", r"\.\.\. ")
        repl.ask("", ">>> ")
        session.keep("threads", repl.ask("sorted(results)", r"^(\[.*?\])\n.*?>>> ").group(1))
        repl.type("abandoned")
        repl.expect("abandoned")
        # Python misses an interrupt that comes just before it starts to wait for a key.
        time.sleep(0.2)
        repl.type("\x03")
        repl.expect("KeyboardInterrupt.*?>>> ")
        repl.send("exit()")
