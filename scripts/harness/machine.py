"""What the figures were measured on, and when."""

import os
import platform
import re
from datetime import date
from pathlib import Path


def machine_kind():
    return f"{machine()}, {today()}"


def today():
    return date.today().isoformat()


def machine():
    kernel = ".".join(platform.release().split(".")[:2])
    libc = " ".join(platform.libc_ver())
    return f"{os.cpu_count()} cores, {processor()}, {platform.system()} {kernel}, {libc}"


def processor():
    names = re.findall(r"^model name\s*: (.*)$", Path("/proc/cpuinfo").read_text(), re.M)
    return re.sub(r"\s*(@.*|\d+-Core Processor|Processor|CPU)\s*$", "", names[0]).strip() if names else platform.machine()
