"""Everyone who takes part in a run: tinyalloc, perhaps a second build of it, and the peers that can be had."""

import hashlib
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from harness.bench.peers import PEERS
from harness.failure import Failure, without_folders
from harness.launcher import CHECKOUT
from harness.library import TINYALLOC
from harness.mapping import require_loadable

OURS = "tinyalloc"
OURS_B = "tinyalloc-b"


@dataclass(frozen=True)
class Contestant:
    """A name to show, the library to preload (None: the system malloc), its version; `is_peer` when it is not ours."""

    name: str
    library: Path | None
    version: str
    is_peer: bool


def contestants(library, library_b, wanted):
    """Those who take part, and the reason for each peer that cannot."""
    ours = [Contestant(name, path, own_version(path), False) for name, path in ((OURS, library), (OURS_B, library_b)) if path]
    for contestant in ours:
        require_loadable(contestant.library)
    present, absent = [], {}
    for peer in PEERS:
        if wanted and peer.name not in wanted:
            continue
        try:
            present.append(prepared(peer))
        except Failure as failure:
            absent[peer.name] = without_folders(str(failure))
            print(f"{peer.name} cannot be had: {failure}", file=sys.stderr, flush=True)
    return [contestant for contestant in [*ours, *present] if not wanted or contestant.name in wanted], absent


def own_version(library):
    """The revision of the checkout for what was built there; of another library only its digest is known."""
    if library != TINYALLOC:
        return f"another build, {hashlib.sha256(library.read_bytes()).hexdigest()[:12]}"
    described = subprocess.run(["git", "describe", "--always", "--dirty=, with changes"], cwd=CHECKOUT, capture_output=True, text=True,
                               check=False)
    return described.stdout.strip() or "unknown revision"


def prepared(peer):
    print(f"preparing {peer.name}", file=sys.stderr, flush=True)
    library = peer.library()
    if library:
        require_preloads(peer.name, library)
    return Contestant(peer.name, library, peer.version(), True)


def require_preloads(name, library):
    try:
        require_loadable(library)
    except SystemExit as exit:
        raise Failure(f"{name}: {exit}") from None


def names():
    return [OURS, OURS_B, *(peer.name for peer in PEERS)]
