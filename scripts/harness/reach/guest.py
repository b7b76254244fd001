"""A virtual machine with another kernel and this machine's files: what is written there is lost with it."""

import os
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from harness.failure import Failure, Skip, tail

EMULATOR = "qemu-system-x86_64"
INIT = Path(__file__).resolve().parent / "guest-init.sh"
ENTER = Path(__file__).resolve().parent / "guest-enter.sh"
# What the guest's own loader and shell must not be given.
LEFT_OUT = ("LD_PRELOAD", "TERM")
TIMED_OUT = 124
START_SECONDS = 150
STARTS_MAX = 4


class Guest:
    """`nodes` are NUMA nodes, of which each has its part of memory and of the processors."""

    def __init__(self, kernel, nodes=1, processors=2, mebibytes=2048, accelerated=False):
        self.kernel = kernel
        self.nodes = nodes
        self.processors = max(processors, nodes)
        self.mebibytes = mebibytes
        self.accelerated = accelerated

    def run(self, words, timeout, output=None):
        """Runs the command in the current folder, with the environment of this process. Returns its exit status."""
        with tempfile.TemporaryDirectory(prefix="tinyalloc-guest-") as name:
            folder = Path(name)
            exchange = folder / "exchange"
            exchange.mkdir()
            (exchange / "command").write_text(script_of(words))
            shutil.copy(ENTER, exchange)
            (folder / "initramfs").write_bytes(initramfs(self.kernel))
            deadline = time.monotonic() + timeout
            for _ in range(STARTS_MAX):
                if self.run_once(folder, exchange, deadline, output):
                    break
            else:
                raise Failure(f"the guest does not start: {console_of(folder)}")
            if time.monotonic() >= deadline:
                print(f"the guest was ended after {timeout} seconds", file=sys.stderr)
                return TIMED_OUT
            return status_of(exchange / "status", folder)

    def run_once(self, folder, exchange, deadline, output):
        """Whether it came as far as the command. On a busy machine a kernel may miss the interrupts of its timer, and wait for good."""
        process = subprocess.Popen(self.command(folder, exchange), stdin=subprocess.DEVNULL, stdout=output)
        try:
            until = min(deadline, time.monotonic() + START_SECONDS)
            while process.poll() is None and time.monotonic() < until:
                time.sleep(0.1)
                if (exchange / "started").exists():
                    until = deadline
            return (exchange / "started").exists() or time.monotonic() >= deadline
        finally:
            process.kill()
            process.wait()

    def command(self, folder, exchange):
        accelerator = ["-accel", "kvm", "-cpu", "host"] if self.accelerated else ["-accel", "tcg,thread=multi", "-cpu", "max"]
        return [EMULATOR, *accelerator, "-nodefaults", "-no-user-config", "-no-reboot", "-display", "none", "-net", "none",
                "-smp", str(self.processors), "-m", f"{self.mebibytes}M", *self.nodes_of_memory(),
                "-kernel", str(self.kernel.image), "-initrd", str(folder / "initramfs"),
                "-append", "console=ttyS0 panic=-1 quiet loglevel=4 mitigations=off no_timer_check rcupdate.rcu_cpu_stall_suppress=1",
                "-serial", f"file:{folder / 'console'}", "-chardev", "stdio,id=output,signal=off", "-serial", "chardev:output",
                *share("files", Path("/"), "readonly=on"), *share("exchange", exchange)]

    def nodes_of_memory(self):
        if self.nodes == 1:
            return []
        # Each node has its processors; what is left over is the last one's.
        each, words = self.processors // self.nodes, []
        for node in range(self.nodes):
            last = self.processors - 1 if node == self.nodes - 1 else (node + 1) * each - 1
            words += ["-object", f"memory-backend-ram,id=memory{node},size={self.mebibytes // self.nodes}M",
                      "-numa", f"node,nodeid={node},memdev=memory{node},cpus={node * each}-{last}"]
        return words


def missing():
    """What there must be for a guest."""
    commands = [command for command in (EMULATOR, "apt-get", "dpkg-deb") if not shutil.which(command)]
    return commands + ([] if static_busybox() else ["a static busybox"])


def static_busybox():
    found = shutil.which("busybox")
    content = Path(found).read_bytes() if found else b"/ld-linux"
    return None if b"/ld-linux" in content else content


def share(name, folder, *more):
    options = ",".join((f"local,id={name},path={folder}", "security_model=none", "multidevs=remap", *more))
    return ["-fsdev", options, "-device", f"virtio-9p-pci,fsdev={name},mount_tag={name}"]


def script_of(words):
    exported = [f"export {name}={shlex.quote(value)}" for name, value in os.environ.items() if name.isidentifier() and name not in LEFT_OUT]
    return "\n".join([*exported, "export TERM=dumb", f"cd {shlex.quote(os.getcwd())}", f"exec {shlex.join(map(str, words))}", ""])


def status_of(path, folder):
    if path.exists() and path.read_text().strip():
        return int(path.read_text())
    raise Failure(f"the guest ended early: {console_of(folder)}")


def console_of(folder):
    console = folder / "console"
    return tail(console.read_text(errors="replace")) if console.exists() else "it wrote nothing"


def initramfs(kernel):
    """What the kernel starts: a shell that loads modules, finds the files, and goes on there."""
    busybox = static_busybox()
    if not busybox:
        raise Skip("there is no static busybox (Debian: busybox-static)")
    folders = [(name, 0o040755, b"") for name in ("bin", "dev", "proc", "sys", "modules", "lower", "upper", "new")]
    modules = [(f"modules/{number:02}-{name}.ko", 0o100644, content) for number, (name, content) in enumerate(kernel.modules())]
    files = [("init", 0o100755, INIT.read_bytes()), ("bin/busybox", 0o100755, busybox), ("bin/sh", 0o120777, b"busybox"), *modules]
    return b"".join(entry(*row) for row in [*folders, *files, ("TRAILER!!!", 0, b"")])


def entry(name, mode, content):
    """Of an archive as cpio makes it: the format newc, cpio(5)."""
    encoded = name.encode() + b"\0"
    fields = (0, mode, 0, 0, 1, 0, len(content), 0, 0, 0, 0, len(encoded), 0)
    header = b"070701" + b"".join(b"%08X" % field for field in fields) + encoded
    return padded(header) + padded(content)


def padded(content):
    return content + b"\0" * (-len(content) % 4)
