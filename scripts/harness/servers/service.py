"""The list of services, and what each is made of."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from glob import glob

from harness.failure import Skip


@dataclass(frozen=True)
class Service:
    """`serve(session)` is a context: the service listens in it, and its value is what the loads take.

    `load(session, value, seconds)` asks as fast as answers come, `steady` so often a second.
    """

    name: str
    does: str
    needs: tuple
    serve: Callable
    load: Callable
    steady: Callable
    # Takes the libraries of all allocators, before anything runs.
    prepare: Callable = lambda _libraries: None

    def require(self):
        missing = [need for need in self.needs if not (glob(need) if need.startswith("/") else shutil.which(need))]
        if missing:
            raise Skip(f"{', '.join(missing)} is not there (scripts/install-test-tools installs what it can)")


SERVICES: list[Service] = []


def service(name, load, steady, needs=(), **more):
    """Registers a context as a service; its documentation says what it does."""

    def register(serve):
        SERVICES.append(Service(name, serve.__doc__, tuple(needs), serve, load, steady, **more))
        return serve

    return register


def newest(pattern):
    """Of the files with a version in their names."""
    return sorted(glob(pattern))[-1]
