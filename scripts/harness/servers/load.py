"""Loads: what a service answered in how many seconds, and how long answers took."""

import csv
import re
import statistics
import time
from dataclasses import dataclass
from pathlib import Path

from harness.failure import Failure, tail

CONNECTIONS = 16
# What a load may take beyond its seconds.
LATE_SECONDS = 120
MILLISECONDS = {"us": 0.001, "ms": 1.0, "s": 1000.0, "m": 60000.0}


@dataclass(frozen=True)
class Load:
    """Answers in a second, and the milliseconds that half and 99 of 100 answers took at most."""

    throughput: float
    median_ms: float
    p99_ms: float


def wrk(session, address, seconds):
    """HTTP requests from connections that stay open; any answer but a good one is a failure."""
    output = session.helper("wrk", "--latency", "-t", 1, "-c", CONNECTIONS, "-d", f"{seconds}s", "--timeout", "20s", address, timeout=LATE_SECONDS + seconds)
    return load_of_wrk(output)


def load_of_wrk(output):
    wrong = re.search(r"Socket errors:.*|Non-2xx or 3xx responses: .*", output)
    rate = re.search(r"Requests/sec:\s+([\d.]+)", output)
    shares = {share: float(value) * MILLISECONDS[unit] for share, value, unit in re.findall(r"^\s+(50|99)%\s+([\d.]+)(us|ms|s|m)$", output, re.M)}
    if wrong or not rate or len(shares) != 2 or float(rate.group(1)) == 0:
        raise Failure(f"not all requests were answered well: {wrong.group() if wrong else tail(output)}")
    return Load(float(rate.group(1)), shares["50"], shares["99"])


def load_of_latencies(milliseconds, seconds):
    ordered = sorted(milliseconds)
    if not ordered:
        raise Failure("no request was answered")
    return Load(len(ordered) / seconds, ordered[len(ordered) // 2], ordered[min(len(ordered) - 1, len(ordered) * 99 // 100)])


def redis_benchmark(session, port, seconds):
    """Rounds of reads and writes of several types until the time is over: the mean rate, the median of latencies."""
    command = ("redis-benchmark", "-p", port, "--csv", "-c", CONNECTIONS, "-n", 20000, "-r", 20000, "-d", 400, "-t", "set,get,lpush,hset,spop")
    rows, end = [], time.monotonic() + seconds
    while not rows or time.monotonic() < end:
        rows += [row for row in csv.DictReader(session.helper(*command).splitlines()) if row.get("rps")]
    return Load(statistics.mean(float(row["rps"]) for row in rows), statistics.median(float(row["p50_latency_ms"]) for row in rows),
                statistics.median(float(row["p99_latency_ms"]) for row in rows))


def pgbench(session, port, programs, seconds, *more):
    """TPC-B-like transactions; each one's time is in a log."""
    log = session.folder / "transactions"
    session.helper(programs / "pgbench", "-h", "127.0.0.1", "-p", port, "-U", "postgres", "-T", seconds, "-c", 8, "-j", 2, "-l",
                   f"--log-prefix={log}", *more, "postgres", timeout=LATE_SECONDS + seconds)
    lines = [line for path in Path(session.folder).glob("transactions.*") for line in path.read_text().splitlines()]
    return load_of_latencies([int(line.split()[2]) / 1000 for line in lines], seconds)


def load_of_sysbench(output):
    rate = re.search(r"transactions:.*\(([\d.]+) per sec", output)
    rows = [(float(value), int(count)) for value, count in re.findall(r"^\s*([\d.]+) \|\**\s+(\d+)$", output, re.M)]
    if not rate or not rows:
        raise Failure(f"sysbench did nothing: {tail(output)}")
    return Load(float(rate.group(1)), share_of(rows, 0.5), share_of(rows, 0.99))


def share_of(rows, share):
    """The value below which that share of what a histogram counted lies."""
    wanted, counted = share * sum(count for _, count in rows), 0
    for value, count in rows:
        counted += count
        if counted >= wanted:
            return value
    return rows[-1][0]


def load_of_db_bench(output):
    rates = [float(rate) for rate in re.findall(r"micros/op\s+(\d+) ops/sec", output)]
    shares = [(float(half), float(most)) for half, most in re.findall(r"Percentiles: P50: ([\d.]+) .*?P99: ([\d.]+)", output)]
    if not rates or not shares:
        raise Failure(f"db_bench did nothing: {tail(output)}")
    return Load(rates[-1], shares[-1][0] / 1000, shares[-1][1] / 1000)
