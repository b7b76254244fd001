"""Loads of a fixed rate: the same work for every allocator, however fast it answers, for as long as is wanted."""

import random
import ssl
import threading
import time
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from urllib.parse import urlsplit

from harness.failure import Failure
from harness.servers.load import load_of_latencies

RATE = 40
CLIENTS = 4
TIMEOUT_SECONDS = 20


def steadily(client, seconds, rate=RATE):
    """`client(numbers)` is a context whose value asks once: CLIENTS of them ask `rate` times a second together."""
    latencies, failures = [], []

    def work(seed):
        try:
            with client(random.Random(seed)) as ask:
                latencies.extend(asked(ask, seconds, CLIENTS / rate))
        except (OSError, HTTPException, Failure) as error:
            failures.append(f"{type(error).__name__}: {error}")

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise Failure(failures[0])
    return load_of_latencies(latencies, seconds)


def asked(ask, seconds, interval):
    """How many milliseconds each answer took, from when it was due."""
    begun, latencies = time.monotonic(), []
    for turn in range(int(seconds / interval)):
        due = begun + turn * interval
        time.sleep(max(0.0, due - time.monotonic()))
        ask()
        latencies.append((time.monotonic() - due) * 1000)
    return latencies


def requests(_session, web, seconds):
    """HTTP requests; any answer but a good one is a failure."""
    return steadily(lambda _numbers: requesting(web.address), seconds)


@contextmanager
def requesting(address):
    parts = urlsplit(address)
    if parts.scheme == "https":
        connection = HTTPSConnection(parts.hostname, parts.port, timeout=TIMEOUT_SECONDS, context=ssl._create_unverified_context())
    else:
        connection = HTTPConnection(parts.hostname, parts.port, timeout=TIMEOUT_SECONDS)

    def ask():
        connection.request("GET", parts.path)
        with connection.getresponse() as response:
            body = response.read()
            if response.status != 200 or not body:
                raise Failure(f"{address} answered {response.status} and {len(body)} bytes")

    try:
        yield ask
    finally:
        connection.close()
