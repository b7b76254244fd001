"""The list of targets: what docs/PLATFORMS.md has a row of."""

from dataclasses import dataclass, field


@dataclass
class Row:
    """What a run of a target found out."""

    versions: str = ""
    results: dict = field(default_factory=dict)


class Target:
    """A platform. One that is run here has parts, each a function of its checks that says what passed; `missing` says what they need.
    One that is run elsewhere has none, and its row says by which command. One that is only compiled has no row."""

    def __init__(self, name, title, how, absent, passes="", parts=None, missing=lambda: [], versions=lambda: "", is_run=True):
        self.name = name
        self.is_run = is_run
        self.title = title
        self.how = how
        self.absent = absent
        self.passes = passes
        self.parts = parts or {}
        self.missing = missing
        self.versions = versions

    def run(self, checks, wanted=()):
        """The row; None if it was not run."""
        missing = self.missing() if self.parts else []
        if missing:
            checks.skip(self.title, f"needs {', '.join(missing)} (scripts/install-test-tools --reach installs what it can)")
            return None
        row = Row(self.versions())
        for part, run in self.parts.items():
            if not wanted or part in wanted:
                row.results[part] = run(checks)
        return row if row.results else None


TARGETS: list[Target] = []


def register(*targets):
    TARGETS.extend(targets)
