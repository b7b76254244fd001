"""What is read of the tools that load servers, and how the server in Rust gets its allocator."""

import os
import random
import tempfile
import threading
import tomllib
import unittest
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

from harness.failure import Failure, Skip
from harness.measurement import Allocator
from harness.servers import applications, databases, rust, web  # noqa: F401  (they register their services)
from harness.servers.load import Load, load_of_db_bench, load_of_latencies, load_of_sysbench, load_of_wrk
from harness.servers.memory import descendants, proportional_kib
from harness.servers.report import memory_row, refusals, speed_row
from harness.servers.results import alike, keep, kept
from harness.servers.run import Run, run_service, run_together
from harness.servers.service import SERVICES, Service
from harness.servers.steady import CLIENTS, asked, requesting, steadily
from harness.session import Session, free_port, wait_for_answer

WRK = """
  Latency Distribution
     50%  812.00us
     75%    1.10ms
     99%    0.02s
  1000 requests in 1.00s, 1.00MB read
Requests/sec:    998.50
"""
SYSBENCH = """
Latency histogram (values are in milliseconds)
       value  ------------- distribution ------------- count
        1.000 |****************************************  98
        5.000 |**                                        1
        9.500 |*                                         1
SQL statistics:
    transactions:                        100    (49.80 per sec.)
"""
DB_BENCH = """
fillrandom   :       5.000 micros/op 190000 ops/sec 1 seconds
Percentiles: P50: 1.00 P75: 2.00 P99: 4.00 P99.9: 5.00 P99.99: 6.00
readrandomwriterandom :      20.000 micros/op 150000 ops/sec 1 seconds
Percentiles: P50: 10.50 P75: 20.00 P99: 40.00 P99.9: 50.00 P99.99: 60.00
"""

NOTHING = Service("x", "", (), None, None, None)


class Loads(unittest.TestCase):
    def test_wrk(self):
        load = load_of_wrk(WRK)
        self.assertEqual((load.throughput, load.median_ms, load.p99_ms), (998.5, 0.812, 20.0))

    def test_an_answer_that_is_not_good_is_a_failure(self):
        for line in ("  Non-2xx or 3xx responses: 3", "  Socket errors: connect 0, read 1, write 0, timeout 0"):
            with self.assertRaisesRegex(Failure, line.strip()[:10]):
                load_of_wrk(WRK + line)
        with self.assertRaises(Failure):
            load_of_wrk(WRK.replace("998.50", "0.00"))

    def test_sysbench(self):
        self.assertEqual(load_of_sysbench(SYSBENCH), Load(49.8, 1.0, 5.0))

    def test_db_bench_says_it_of_the_last_part(self):
        self.assertEqual(load_of_db_bench(DB_BENCH), Load(150000.0, 0.0105, 0.04))

    def test_latencies(self):
        self.assertEqual(load_of_latencies(range(1, 101), 10), Load(10.0, 51, 100))
        with self.assertRaises(Failure):
            load_of_latencies([], 1)


class Services(unittest.TestCase):
    def test_each_says_what_it_does(self):
        self.assertEqual(len({service.name for service in SERVICES}), len(SERVICES))
        for service in SERVICES:
            self.assertTrue(service.does, service.name)

    def test_what_is_missing_is_named(self):
        with self.assertRaisesRegex(Skip, "no-such-program, /no/such/file"):
            Service("x", "nothing", ("sh", "no-such-program", "/no/such/file*"), None, None, None).require()

    def test_a_row_has_medians(self):
        runs = [Run(Load(rate, 1.0, 2.0), [(0, 5.0), (1, rate)], 4.0) for rate in (10.0, 30.0, 20.0)]
        self.assertEqual(speed_row(NOTHING, Allocator("a", None), runs), ("x", "a", "20", "1.00", "2.00", "20.0", "4.0"))

    def test_a_row_of_memory_has_a_minute_at_each_end(self):
        run = Run(Load(40.0, 1.0, 2.0), [(second, second) for second in range(0, 610, 10)], 0.0, 600)
        self.assertEqual(memory_row(NOTHING, Allocator("a", None), [run]), ("x", "a", "30.0", "570.0", "600.0", "–", "2.0"))

    def test_what_could_not_be_measured_says_why_once(self):
        refused = {("x", "a"): Failure("it ended\nlong story"), ("x", "b"): Failure("it ended"), ("y", "a"): Skip("it is not there")}
        self.assertEqual(refusals(refused), ["x was not measured with a, b: it ended.", "y was not measured with a: it is not there."])

    def test_what_was_measured_last_is_kept(self):
        with tempfile.TemporaryDirectory() as folder:
            first, second = [Run(Load(1.0, 2.0, 3.0), [(0, 1.0)], 4.0, 5)], [Run(Load(6.0, 7.0, 8.0))]
            keep("speed", {("x", "a"): second, ("y", "a"): second}, Path(folder))
            known = keep("speed", {("x", "a"): first}, Path(folder))
            self.assertEqual(known, {("x", "a"): first, ("y", "a"): second})
            self.assertEqual(kept("speed", Path(folder))["x", "a"][0].load, first[0].load)
            self.assertEqual(kept("memory", Path(folder)), {})
            self.assertEqual(alike(known, {("x", "a"): first}), {("x", "a"): first})
            self.assertEqual(alike(known, {("x", "a"): first * 2}), {})

    def test_services_run_together_and_start_one_after_the_other(self):
        starting, started, most = [], threading.Barrier(3, timeout=20), []

        @contextmanager
        def serve(_session):
            starting.append(1)
            most.append(len(starting))
            starting.pop()
            yield type("Served", (), {"pids": [os.getpid()]})

        def ask(_session, _served, _seconds):
            started.wait()
            return Load(1.0, 1.0, 1.0)

        def fail(session, served, seconds):
            ask(session, served, seconds)
            raise Failure("it answered badly")

        services = [Service(name, "", (), serve, None, load) for name, load in (("x", ask), ("y", ask), ("z", fail))]
        runs, refused = run_together(services, [Allocator("a", None)], 1, 0)
        self.assertEqual((sorted(runs), list(refused), most), ([("x", "a"), ("y", "a")], [("z", "a")], [1, 1, 1]))


    def test_a_load_that_fails_fails_the_service(self):
        @contextmanager
        def serve(_session):
            yield type("Served", (), {"pids": [os.getpid()]})

        def ask(session, _served, _seconds):
            session.helper("false")

        with self.assertRaisesRegex(Failure, "the helper false failed"):
            run_service(Service("x", "", (), serve, ask, ask), None, 1, 0)


class Steady(unittest.TestCase):
    def test_the_rate_is_held_however_fast_answers_are(self):
        asks = []

        @contextmanager
        def client(_numbers):
            yield lambda: asks.append(1)

        self.assertEqual(steadily(client, 1, 40).throughput, 40.0)
        self.assertEqual(len(asks), 40)

    def test_a_late_answer_counts_from_when_it_was_due(self):
        late = iter([threading.Event(), None, None])

        def ask():
            if event := next(late):
                event.wait(0.1)

        self.assertGreater(asked(ask, 0.03, 0.01)[1], 50)

    def test_what_fails_in_one_client_fails_all(self):
        @contextmanager
        def client(numbers):
            def ask():
                if numbers.random() == random.Random(CLIENTS - 1).random():
                    raise Failure("not this one")

            yield ask

        with self.assertRaisesRegex(Failure, "not this one"):
            steadily(client, 0.2)

    def test_an_answer_over_http_must_be_good(self):
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                self.send_response(int(self.path[1:4]))
                self.send_header("Content-Length", self.path[4:])
                self.end_headers()
                self.wfile.write(b"x" * int(self.path[4:]))

            def log_message(self, *_):
                pass

        with HTTPServer(("127.0.0.1", 0), Handler) as server:
            threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
            address = f"http://127.0.0.1:{server.server_port}"
            with requesting(f"{address}/2005") as ask:
                ask()
                ask()
            for path, said in (("/5005", "500 and 5"), ("/2000", "200 and 0")):
                with requesting(address + path) as ask, self.assertRaisesRegex(Failure, said):
                    ask()
            server.shutdown()


class Linked(unittest.TestCase):
    def test_an_allocator_with_a_crate_is_linked(self):
        for file, name in (("libtinyalloc.so", "tinyalloc"), ("libjemalloc.so.2", "jemalloc"), ("libmimalloc.so.2", "mimalloc")):
            build = rust.build_for(Path("/lib") / file)
            self.assertEqual((build.name, build.is_preloaded), (name, False))

    def test_without_a_crate_it_is_preloaded(self):
        build = rust.build_for(Path("/lib/libtcmalloc_minimal.so.4"))
        self.assertEqual((build.name, build.is_preloaded), ("system", True))

    def test_glibc_is_what_the_system_has(self):
        build = rust.build_for(None)
        self.assertEqual((build.name, build.is_preloaded), ("system", False))

    def test_another_allocator_is_a_failure(self):
        tinyalloc = rust.build_for("libtinyalloc.so")
        rust.require_allocator("tinyalloc::rust::global_alloc::TinyAlloc", tinyalloc)
        for answer in ("std::alloc::System", "tinyalloc::TinyAllocator", ""):
            with self.assertRaisesRegex(Failure, "not TinyAlloc"):
                rust.require_allocator(answer, tinyalloc)

    def test_each_is_the_global_allocator_of_its_program(self):
        manifest = tomllib.loads((rust.PACKAGE / "Cargo.toml").read_text())
        self.assertEqual(manifest["features"]["default"], ["tinyalloc"])
        programs = {program["name"]: program for program in manifest["bin"]}
        self.assertEqual(set(programs), {f"server-{name}" for name in (*rust.CRATES, "system")})
        for name, type_ in (*rust.CRATES.items(), ("system", "System")):
            program = programs[f"server-{name}"]
            self.assertEqual(program.get("required-features", []), [name] if name in rust.CRATES else [])
            self.assertIn(f"#[global_allocator]\nstatic GLOBAL: {type_} = {type_};", (rust.PACKAGE / program["path"]).read_text())


class Starting(unittest.TestCase):
    def test_a_server_that_ends_before_it_listens_says_how(self):
        for words, how in ((("false",), "ended with code 1"), (("sh", "-c", "kill -SEGV $$"), "ended with signal SIGSEGV")):
            with tempfile.TemporaryDirectory() as folder, self.assertRaisesRegex(Failure, f"^the server {how} before it listened$"):
                with Session(folder).server(*words, port=free_port()):
                    pass

    def test_an_answer_is_waited_for(self):
        refused = [Skip("it starts up")] * 2

        def ask():
            if refused:
                raise refused.pop()
            return "ready"

        self.assertEqual(wait_for_answer(ask), "ready")


class Memory(unittest.TestCase):
    def test_a_process_and_its_children_have_some(self):
        self.assertIn(os.getpid(), descendants(os.getpid()))
        self.assertGreater(proportional_kib(os.getpid()), 1000)
        self.assertEqual(proportional_kib(2**22 + 1), 0)
