"""The files of bench/results: what whole runs measured, as tables for people and as JSON for programs."""

import json

from harness.launcher import CHECKOUT

RESULTS = CHECKOUT / "bench" / "results"


def publish_text(name, text, folder=RESULTS):
    write(folder / f"{name}.md", text.strip())


def publish_data(name, data, folder=RESULTS):
    write(folder / f"{name}.json", json.dumps(data, indent=1))


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text + "\n")
    print(f"wrote {path.relative_to(CHECKOUT) if path.is_relative_to(CHECKOUT) else path}")
