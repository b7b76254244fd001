"""What was measured last, kept in a file: a run of some services leaves what is known of the others."""

import json
from dataclasses import asdict

from harness.launcher import CHECKOUT
from harness.servers.load import Load
from harness.servers.run import Run

FOLDER = CHECKOUT / "target" / "bench" / "servers"


def keep(kind, runs, folder=FOLDER):
    """What is kept by now: these runs, and older ones of other services or with other allocators."""
    known = kept(kind, folder) | runs
    folder.mkdir(parents=True, exist_ok=True)
    rows = [[service, allocator, [asdict(run) for run in found]] for (service, allocator), found in known.items()]
    (folder / f"{kind}.json").write_text(json.dumps(rows))
    return known


def kept(kind, folder=FOLDER):
    file = folder / f"{kind}.json"
    rows = json.loads(file.read_text()) if file.exists() else []
    return {(service, allocator): [Run(**run | {"load": Load(**run["load"])}) for run in found] for service, allocator, found in rows}


def alike(known, runs):
    """What was measured as these runs were: as often, and for as long."""
    shapes = {shape(found) for found in runs.values()}
    return {key: found for key, found in known.items() if shape(found) in shapes}


def shape(runs):
    return len(runs), runs[0].seconds
