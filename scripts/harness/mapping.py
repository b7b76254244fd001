"""Whether the loader really takes the library: without this, a mistake in its path would pass every test."""

import os
import subprocess
import sys


def require_loadable(library):
    probe = subprocess.run(["/bin/cat", "/proc/self/maps"], env=os.environ | {"LD_PRELOAD": str(library)}, capture_output=True,
                           text=True, check=False)
    if probe.returncode != 0 or "cannot be preloaded" in probe.stderr or os.path.realpath(library) not in probe.stdout:
        sys.exit(f"{library} cannot be preloaded into /bin/cat (exit {probe.returncode}):\n{probe.stderr}")
