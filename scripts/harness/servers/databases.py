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
from harness.servers.steady import RATE, steadily
from harness.session import free_port, wait_for_answer

# The user that has no rights.
ANOTHER = 65534


@dataclass
class Database:
    port: int
    pids: list = field(default_factory=list)
    programs: Path | None = None


def redis_load(session, redis, seconds):
    return load.redis_benchmark(session, redis.port, seconds)


def redis_steady(_session, redis, seconds):
    return steadily(lambda numbers: commanding(redis.port, numbers), seconds)


@contextmanager
def commanding(port, numbers):
    """Each time twenty commands, of strings, lists, hashes and sets of which all stay bounded."""
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection, connection.makefile("rb") as answers:

        def ask():
            commands = [command_of_redis(numbers) for _ in range(20)]
            connection.sendall(b"".join(b" ".join(words) + b"\r\n" for words in commands))
            for words in commands:
                answer = answers.readline()
                if answer.startswith(b"$") and (length := int(answer[1:])) >= 0:
                    answers.read(length + 2)
                elif not answer.startswith((b"+", b":", b"$")):
                    raise Failure(f"redis answered {answer!r} to {words[0]!r}")

        yield ask


def command_of_redis(numbers):
    key, value = numbers.randrange(20000), b"v" * (int(numbers.expovariate(1 / 400)) + 1)
    return numbers.choice((
        (b"SET", b"string:%d" % key, value),
        (b"GET", b"string:%d" % key),
        (b"DEL", b"string:%d" % key),
        (b"LPUSH", b"list:%d" % (key % 200), value),
        (b"LTRIM", b"list:%d" % (key % 200), b"0", b"50"),
        (b"HSET", b"hash:%d" % (key % 50), b"field:%d" % (key // 50), value),
        (b"SADD", b"set:%d" % (key % 50), b"%d" % key),
        (b"SPOP", b"set:%d" % (key % 50)),
    ))


@service("redis", redis_load, redis_steady, needs=("redis-server", "redis-benchmark"))
@contextmanager
def redis(session):
    """strings, lists, hashes, sets"""
    port = free_port()
    command = ("redis-server", "--port", port, "--bind", "127.0.0.1", "--dir", session.folder, "--save", "", "--daemonize", "no")
    with session.server(*command, port=port) as server:
        yield Database(port, [server.program_pid()])


def memcached_load(_session, memcached, seconds):
    """Four clients that set and get values of many sizes, and look at what they get."""
    latencies, failures, end = [], [], time.monotonic() + seconds

    def work(seed):
        try:
            with setting_and_getting(memcached.port, random.Random(seed)) as ask:
                while (begun := time.monotonic()) < end:
                    ask()
                    latencies.append((time.monotonic() - begun) * 1000)
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


def memcached_steady(_session, memcached, seconds):
    return steadily(lambda numbers: setting_and_getting(memcached.port, numbers), seconds, 10 * RATE)


@contextmanager
def setting_and_getting(port, numbers):
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection, connection.makefile("rb") as answers:

        def ask():
            key, bytes_ = numbers.randrange(20000), int(numbers.expovariate(1 / 800)) + 1
            value = b"%d." % key + b"v" * bytes_
            connection.sendall(b"set k%d 0 0 %d\r\n%s\r\nget k%d\r\n" % (key, len(value), value, key))
            stored, found = answers.readline(), answers.readline().split()
            if stored != b"STORED\r\n" or found[:1] not in ([b"VALUE"], [b"END"]):
                raise Failure(f"memcached answered {stored!r}")
            if found[0] == b"VALUE" and not answers.read(int(found[3]) + 2).startswith(b"%d." % key) or found[0] == b"VALUE" and not answers.readline():
                raise Failure("memcached returned another value")

        yield ask


@service("memcached", memcached_load, memcached_steady, needs=("memcached",))
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


def postgresql_load(session, postgres, seconds):
    return load.pgbench(session, postgres.port, postgres.programs, seconds)


def postgresql_steady(session, postgres, seconds):
    return load.pgbench(session, postgres.port, postgres.programs, seconds, "-R", RATE)


@service("postgresql", postgresql_load, postgresql_steady,
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
        wait_for_answer(lambda: session.helper(programs / "pg_isready", "-h", "127.0.0.1", "-p", port))
        session.helper(programs / "pgbench", "-h", "127.0.0.1", "-p", port, "-U", "postgres", "-i", "-q", "-s", 2, "postgres")
        yield Database(port, [server.program_pid()], programs)


def sysbench(session, port, *words, seconds=0):
    return session.helper("sysbench", "oltp_read_write", "--db-driver=mysql", "--mysql-host=127.0.0.1", f"--mysql-port={port}",
                          "--mysql-user=root", "--mysql-db=test", "--tables=4", "--table-size=5000", *words,
                          timeout=load.LATE_SECONDS + seconds)


def mariadb_load(session, mariadb, seconds, *more):
    words = ("--threads=8", f"--time={seconds}", "--histogram=on", *more, "run")
    return load.load_of_sysbench(sysbench(session, mariadb.port, *words, seconds=seconds))


def mariadb_steady(session, mariadb, seconds):
    return mariadb_load(session, mariadb, seconds, f"--rate={RATE}")


@service("mariadb", mariadb_load, mariadb_steady, needs=("mariadbd", "mariadb-install-db", "sysbench"))
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


DB_BENCH = ("db_bench", "--num=100000", "--value_size=400", "--write_buffer_size=4000000", "--cache_size=16000000")


def db_bench_load(session, database, seconds, *more):
    """Reads beside writes, of a database that is filled first."""
    output = session.folder / "logs" / "db_bench"
    command = (*DB_BENCH, f"--db={session.folder}/rocksdb", "--threads=4", "--histogram", f"--duration={seconds}",
               *(more or ("--benchmarks=fillrandom,readrandomwriterandom",)))
    with open(output, "wb") as file:
        launch = session.start(*command, stdout=file)
    try:
        database.pids.append(launch.program_pid())
        session.wait_until_mapped(launch)
        launch.process.wait(2 * seconds + load.LATE_SECONDS)
    except TimeoutExpired:
        raise Failure("db_bench did not end") from None
    finally:
        launch.end()
    if launch.ended().code != 0:
        raise Failure(f"db_bench ended with {launch.ended().code}")
    return load.load_of_db_bench(output.read_text(errors="replace"))


def db_bench_steady(session, database, seconds):
    """A thread that writes beside four that read, of a database that is there."""
    session.helper(*DB_BENCH, f"--db={session.folder}/rocksdb", "--benchmarks=fillrandom")
    rates = (f"--benchmark_read_rate_limit={100 * RATE}", f"--benchmark_write_rate_limit={20 * RATE * 400}")
    return db_bench_load(session, database, seconds, "--benchmarks=readwhilewriting", "--use_existing_db=1", *rates)


@service("rocksdb", db_bench_load, db_bench_steady, needs=("db_bench",))
@contextmanager
def rocksdb(_session):
    """db_bench: four threads that read and write"""
    yield Database(0)
