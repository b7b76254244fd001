"""The workloads in C, bench/workloads/*.c: one allocation pattern each."""

import re
import subprocess

from harness.bench.scale import counted_scale, timed_scale, traced_scale
from harness.bench.workload import Workload
from harness.failure import Failure, tail
from harness.launcher import CHECKOUT

SOURCES = CHECKOUT / "bench" / "workloads"
BUILT = CHECKOUT / "target" / "bench" / "workloads"
# The compiler must neither remove a pair of malloc and free nor know what they return.
FLAGS = ("-std=gnu11", "-O2", "-fno-builtin-malloc", "-fno-builtin-free", "-fno-builtin-calloc", "-fno-builtin-realloc",
         "-Wall", "-Wextra", "-Werror", "-pthread")


def pattern_workloads(scale, sources=SOURCES):
    return [pattern_workload(source, scale) for source in sorted(sources.glob("*.c"))]


def pattern_workload(source, scale):
    program, name = compiled(source), source.stem
    timed, traced, counted = ((program, "--scale", choose(name, scale)) for choose in (timed_scale, traced_scale, counted_scale))
    does = first_sentence(source.read_text())
    return Workload(name, does, timed, BUILT, is_threaded=starts_threads(program), idles=True, traced_command=traced,
                    counted=Workload(name, does, counted, BUILT))


def starts_threads(program):
    return "pthread_create" in subprocess.run(["nm", "-u", program], capture_output=True, text=True, check=True).stdout


def compiled(source, *more, suffix=""):
    """The program, built again when the source or a header beside it is newer."""
    binary = BUILT / (source.stem + suffix)
    inputs = [source, *source.parent.glob("*.h"), *SOURCES.glob("*.h")]
    if binary.exists() and binary.stat().st_mtime > max(path.stat().st_mtime for path in inputs):
        return binary
    BUILT.mkdir(parents=True, exist_ok=True)
    command = ["cc", *FLAGS, *more, f"-I{SOURCES}", "-o", str(binary), str(source)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise Failure(f"{source.name} does not compile:\n{tail(done.stderr)}")
    return binary


def first_sentence(text):
    """What the comment at the top says, up to its first full stop; a leading "name:" is dropped."""
    comment = re.match(r"\s*(?:/\*+(.*?)\*/|((?://[^\n]*\n)+))", text, re.S)
    lines = (comment.group(1) or comment.group(2)).splitlines() if comment else []
    words = " ".join(re.sub(r"^\s*(\*|//)?", "", line).strip() for line in lines)
    sentence = re.split(r"\.(?:\s|$)", words.strip())[0]
    return re.sub(r"^[\w-]+:\s+", "", sentence).strip()
