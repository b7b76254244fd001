"""redis, memcached, PostgreSQL, MariaDB, RocksDB."""

import os
import random
import shutil
import socket
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from subprocess import TimeoutExpired

from harness.failure import Failure
from harness.servers import load
from harness.servers.service import newest, service
from harness.session import free_port

# The user that has no rights.
ANOTHER = 65534


@dataclass
class Database:
    port: int
    pids: list = field(default_factory=list)
    programs: Path | None = None


@service("redis", lambda session, redis, seconds: load.redis_benchmark(session, redis.port, seconds), needs=("redis-server", "redis-benchmark"))
@contextmanager
def redis(session):
    """strings, lists, hashes, sets"""
    port = free_port()
    command = ("redis-server", "--port", port, "--bind", "127.0.0.1", "--dir", session.folder, "--save", "", "--daemonize", "no")
    with session.server(*command, port=port) as server:
        yield Database(port, [server.program_pid()])


def memcached_load(_session, memcached, seconds):
    """Four clients that set and get values of many sizes, and look at what they get."""
    latencies, failures = [], []

    def work(seed):
        try:
            latencies.extend(ask(memcached.port, random.Random(seed), time.monotonic() + seconds))
        except (OSError, Failure) as error:
            failures.append(str(error))

    clients = [threading.Thread(target=work, args=(seed,)) for seed in range(4)]
    for client in clients:
        client.start()
    for client in clients:
        client.join()
    if failures:
        raise Failure(failures[0])
    return load.load_of_latencies(latencies, seconds)


def ask(port, numbers, end):
    latencies = []
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection, connection.makefile("rb") as answers:
        while (begun := time.monotonic()) < end:
            key, bytes_ = numbers.randrange(20000), int(numbers.expovariate(1 / 800)) + 1
            value = b"%d." % key + b"v" * bytes_
            connection.sendall(b"set k%d 0 0 %d\r\n%s\r\nget k%d\r\n" % (key, len(value), value, key))
            stored, found = answers.readline(), answers.readline().split()
            if stored != b"STORED\r\n" or found[:1] not in ([b"VALUE"], [b"END"]):
                raise Failure(f"memcached answered {stored!r}")
            if found[0] == b"VALUE" and not answers.read(int(found[3]) + 2).startswith(b"%d." % key) or found[0] == b"VALUE" and not answers.readline():
                raise Failure("memcached returned another value")
            latencies.append((time.monotonic() - begun) * 1000)
    return latencies


@service("memcached", memcached_load, needs=("memcached",))
@contextmanager
def memcached(session):
    """values of many sizes, 64 MiB of them, two threads"""
    port = free_port()
    user = ("-u", "root") if os.geteuid() == 0 else ()
    with session.server("memcached", "-l", "127.0.0.1", "-p", port, "-U", 0, "-m", 64, "-t", 2, *user, port=port) as server:
        yield Database(port, [server.program_pid()])


def as_another():
    """PostgreSQL refuses to run as root."""
    return ("setpriv", f"--reuid={ANOTHER}", f"--regid={ANOTHER}", "--clear-groups") if os.geteuid() == 0 else ()


@service("postgresql", lambda session, postgres, seconds: load.pgbench(session, postgres.port, postgres.programs, seconds),
         needs=("/usr/lib/postgresql/*/bin/postgres", "/usr/lib/postgresql/*/bin/pgbench", "setpriv"))
@contextmanager
def postgresql(session):
    """transactions of pgbench, eight clients"""
    programs, port, folder = Path(newest("/usr/lib/postgresql/*/bin")), free_port(), session.folder / "postgres"
    folder.mkdir()
    if os.geteuid() == 0:
        shutil.chown(folder, ANOTHER)
        session.folder.chmod(0o755)
    session.helper(*as_another(), programs / "initdb", "-D", folder, "-U", "postgres", "-A", "trust", "-N", "--locale=C")
    command = (*as_another(), programs / "postgres", "-D", folder, "-p", port, "-h", "127.0.0.1", "-k", folder, "-c", "fsync=off", "-c",
               "shared_buffers=32MB")
    with session.server(*command, port=port) as server:
        session.helper(programs / "pgbench", "-h", "127.0.0.1", "-p", port, "-U", "postgres", "-i", "-q", "-s", 2, "postgres")
        yield Database(port, [server.program_pid()], programs)


def sysbench(session, port, *words):
    return session.helper("sysbench", "oltp_read_write", "--db-driver=mysql", "--mysql-host=127.0.0.1", f"--mysql-port={port}",
                          "--mysql-user=root", "--mysql-db=test", "--tables=4", "--table-size=5000", *words)


def mariadb_load(session, mariadb, seconds):
    return load.load_of_sysbench(sysbench(session, mariadb.port, "--threads=8", f"--time={seconds}", "--histogram=on", "run"))


@service("mariadb", mariadb_load, needs=("mariadbd", "mariadb-install-db", "sysbench"))
@contextmanager
def mariadb(session):
    """sysbench's reads and writes, eight clients"""
    folder, port = session.folder / "mariadb", free_port()
    user = ("--user=root",) if os.geteuid() == 0 else ()
    own = ("--no-defaults", f"--datadir={folder}", *user)
    session.helper("mariadb-install-db", *own, "--auth-root-authentication-method=normal", "--skip-test-db")
    command = ("mariadbd", *own, f"--port={port}", "--bind-address=127.0.0.1", f"--socket={folder}/s", "--innodb-buffer-pool-size=32M",
               "--innodb-flush-log-at-trx-commit=0")
    with session.server(*command, port=port) as server:
        session.helper("mariadb", "--no-defaults", "-h", "127.0.0.1", "-P", port, "-u", "root", feed="CREATE DATABASE test;")
        sysbench(session, port, "prepare")
        yield Database(port, [server.program_pid()])


def db_bench_load(session, database, seconds):
    """Reads beside writes, of a database that is filled first."""
    output = session.folder / "logs" / "db_bench"
    command = ("db_bench", f"--db={session.folder}/rocksdb", "--benchmarks=fillrandom,readrandomwriterandom", "--num=100000", "--threads=4",
               "--value_size=400", "--histogram", f"--duration={seconds}", "--write_buffer_size=4000000", "--cache_size=16000000")
    with open(output, "wb") as file:
        launch = session.start(*command, stdout=file)
    try:
        database.pids.append(launch.program_pid())
        session.wait_until_mapped(launch)
        launch.process.wait(10 * seconds + 60)
    except TimeoutExpired:
        raise Failure("db_bench did not end") from None
    finally:
        launch.end()
    if launch.ended().code != 0:
        raise Failure(f"db_bench ended with {launch.ended().code}")
    return load.load_of_db_bench(output.read_text(errors="replace"))


@service("rocksdb", db_bench_load, needs=("db_bench",))
@contextmanager
def rocksdb(_session):
    """db_bench: four threads that read and write"""
    yield Database(0)
