"""What is read of the tools that load servers."""

import os
import unittest

from harness.failure import Failure, Skip
from harness.measurement import Allocator
from harness.servers import applications, databases, web  # noqa: F401  (they register their services)
from harness.servers.load import Load, load_of_db_bench, load_of_latencies, load_of_sysbench, load_of_wrk
from harness.servers.memory import descendants, proportional_kib
from harness.servers.report import row_of
from harness.servers.run import Run
from harness.servers.service import SERVICES, Service

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
            Service("x", "nothing", ("sh", "no-such-program", "/no/such/file*"), None, None).require()

    def test_a_row_has_medians(self):
        runs = [Run(Load(rate, 1.0, 2.0), [(0, 5.0), (1, rate)], 4.0) for rate in (10.0, 30.0, 20.0)]
        rows = row_of(Service("x", "", (), None, None), Allocator("a", None), runs)
        self.assertEqual(rows, [("x", "a", "20", "1.00", "2.00", "20.0", "4.0")])


class Memory(unittest.TestCase):
    def test_a_process_and_its_children_have_some(self):
        self.assertIn(os.getpid(), descendants(os.getpid()))
        self.assertGreater(proportional_kib(os.getpid()), 1000)
        self.assertEqual(proportional_kib(2**22 + 1), 0)
