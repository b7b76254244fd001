"""Which inputs of a fuzzing target are worth keeping, and what to call them.

An input covers the branches of the engine that it reaches in every run, and its outcomes: what it does, and what comes of it, in words
(fuzz/src/outcome.rs). A corpus is small if no input can be spared. An input is called after what it adds to the others: outcomes, or else
its rarest outcome and the function whose branches only it reaches.
"""

import os
import re
import subprocess
import tempfile
from collections import Counter
from pathlib import Path

# What varies between runs, by addresses and secrets, is nothing that an input covers.
RUNS = 3
OUTCOMES_IN_A_NAME = 2


def output_of(*command):
    return subprocess.run(list(map(str, command)), capture_output=True, text=True, check=True).stdout


def branches(binary):
    """The address behind each number that libFuzzer has for a branch."""
    found = re.search(r" __sancov_pcs\s+PROGBITS\s+(\w+)\s+\w+\s+(\w+)", output_of("readelf", "-SW", binary))
    start, size = (int(word, 16) for word in found.groups())
    relocations = re.findall(r"^(\w+)\s+\w+\s+R_\w+_RELATIVE\s+(\w+)", output_of("readelf", "-rW", binary), re.MULTILINE)
    places = {int(place, 16) - start: address for place, address in relocations}
    # An entry is an address and flags.
    return {place // 16: address for place, address in places.items() if 0 <= place < size and place % 16 == 0}


def engine_branches(binary):
    """The functions of those that lie in the project's own sources, by number."""
    addresses = branches(binary)
    with tempfile.NamedTemporaryFile("w") as listed:
        listed.write("\n".join(addresses.values()))
        listed.flush()
        lines = output_of("addr2line", "-C", "-f", "-e", binary, f"@{listed.name}").splitlines()
    places = zip(addresses, lines[::2], lines[1::2])
    return {number: function_words(name) for number, name, line in places if re.search(r"crates/[\w-]+/src/", line)}


def function_words(name):
    """`heap::Pool<M>::take_span::{{closure}}` as take-span."""
    while (plain := re.sub(r"<[^<>]*>", "", name)) != name:
        name = plain
    parts = [part for part in name.split("::") if re.fullmatch(r"\w+", part)]
    return parts[-1].replace("_", "-") if parts else "code-without-a-name"


def reached(binary, folder, input_bytes_max):
    """The branches that each input of a folder reaches, in one run."""
    with tempfile.TemporaryDirectory() as scratch:
        control = Path(scratch) / "control"
        arguments = ["-set_cover_merge=1", f"-max_len={input_bytes_max}", f"-merge_control_file={control}", scratch, folder]
        output_of(binary, *arguments)
        lines = control.read_text().splitlines()
    paths = [Path(line) for line in lines if line.startswith("/")]
    covered = (line.split() for line in lines if line.startswith("COV "))
    return {paths[int(number)]: frozenset(map(int, found)) for _, number, *found in covered}


def outcomes(binary, path):
    with tempfile.TemporaryDirectory() as scratch:
        words = Path(scratch) / "outcomes"
        environment = {**os.environ, "FUZZ_OUTCOMES": str(words)}
        subprocess.run([binary, path], env=environment, stdin=subprocess.DEVNULL, capture_output=True, check=True)
        return frozenset(words.read_text().split()) if words.exists() else frozenset()


def coverage(binary, folder, engine, input_bytes_max):
    runs = [reached(binary, folder, input_bytes_max) for _ in range(RUNS)]
    return {path: frozenset.intersection(*(run[path] for run in runs)) & engine.keys() | outcomes(binary, path) for path in runs[0]}


def small_cover(covered):
    """Inputs that cover together what all do, each with what it adds: the one that adds most comes first."""
    chosen, missing = {}, set().union(*covered.values())
    while missing:
        best = max(sorted(covered), key=lambda path: (len(covered[path] & missing), -path.stat().st_size))
        chosen[best] = covered[best] & missing
        missing -= covered[best]
    # What later ones made superfluous.
    for path in list(chosen):
        others = set().union(*(covered[other] for other in chosen if other != path))
        if covered[path] <= others:
            del chosen[path]
    return chosen


def rarest(words, covered):
    found_by = Counter(word for found in covered.values() for word in found)
    return sorted(words, key=lambda word: (found_by[word], word))


def names(covered, chosen, engine):
    named = {}
    for path, added in chosen.items():
        words = rarest((word for word in added if isinstance(word, str)), covered)[:OUTCOMES_IN_A_NAME]
        if not words:
            done = rarest((word for word in covered[path] if isinstance(word, str)), covered)[:1]
            functions = Counter(engine[branch] for branch in added)
            words = [*done, f"reaching-{max(sorted(functions), key=functions.get)}"]
        name = "-and-".join(words).replace("-and-reaching", "-reaching")
        alike = sum(re.sub(r"-\d+$", "", other) == name for other in named)
        named[f"{name}-{alike + 1}" if alike else name] = path
    return named


def small_corpus(binary, folder, input_bytes_max):
    """Inputs of a folder by the names that they should have."""
    engine = engine_branches(binary)
    covered = coverage(binary, folder, engine, input_bytes_max)
    return names(covered, small_cover(covered), engine)
