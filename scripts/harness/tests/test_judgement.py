"""Rounds are paired, a time is the least of its rounds, and a target is missed only beyond doubt."""

import unittest
from types import SimpleNamespace

from harness.bench.ratios import MET, MISSED, UNDECIDED, best_peer, judgements_of, ratios_of, verdict
from harness.bench.results import Results
from harness.bench.schedule import Plan, is_done, is_slow
from harness.intervals import Interval
from harness.launcher import Cost
from harness.measurement import HUGE_PAGES, SMALL_PAGES

WORKLOAD = SimpleNamespace(name="tree", does="", is_threaded=False)
# How slow the machine was in each of eight rounds.
MACHINE = (1.0, 1.4, 1.1, 1.5, 1.003, 1.3, 1.2, 1.0)


def results_of(rounds, faults=100, faults_without=100):
    """`rounds` has the seconds of each allocator by round; None where it did not run."""
    contestants = [SimpleNamespace(name=name, is_peer=name != "tinyalloc") for name in rounds]
    results = Results({}, contestants, {}, [WORKLOAD])
    for name, values in rounds.items():
        for turn, seconds in enumerate(values):
            if seconds is not None:
                results.add("tree", name, outcome(seconds, faults), turn)
        results.add("tree", name, outcome(1.0, faults_without), 0, SMALL_PAGES)
    return results


def outcome(seconds, faults):
    return SimpleNamespace(cost=Cost(user_seconds=seconds, wall_seconds=seconds, peak_kib=1000, page_faults=faults), checksum="0")


def scaled(ratio):
    return [ratio * each for each in MACHINE]


class Judgements(unittest.TestCase):
    def test_a_target_is_missed_or_met_only_if_everything_says_so(self):
        self.assertEqual(verdict(1.2, Interval(1.15, 1.2, 1.3), 1.1), MISSED)
        self.assertEqual(verdict(1.05, Interval(1.0, 1.05, 1.1), 1.1), MET)
        self.assertEqual(verdict(1.2, Interval(1.05, 1.2, 1.3), 1.1), UNDECIDED)
        self.assertEqual(verdict(1.05, Interval(1.15, 1.2, 1.3), 1.1), UNDECIDED)
        self.assertEqual(verdict(1.2, Interval(1.0, 1.05, 1.08), 1.1), UNDECIDED)
        self.assertEqual(verdict(1.2, None, 1.1), UNDECIDED)

    def test_times_are_the_least_and_all_else_is_the_median(self):
        results = results_of({"tinyalloc": (3.0, 1.0, 2.0)})
        self.assertEqual(results.figure("tree", "tinyalloc", "time"), 1.0)
        results.samples["tree"]["tinyalloc"][0]["peak"] = 1
        self.assertEqual(results.figure("tree", "tinyalloc", "peak"), 1000)
        self.assertIsNone(results.figure("tree", "tinyalloc", "instructions"))

    def test_a_slower_program_misses_however_the_machine_varies(self):
        results = results_of({"tinyalloc": scaled(1.2), "glibc": scaled(1.0), "other": scaled(2.0)})
        self.assertEqual(best_peer(results, "tree", "time"), ("glibc", 1.0))
        found = {each.target: each.verdict for each in judgements_of(results, WORKLOAD, "tinyalloc")}
        self.assertEqual(found, {"time at most 1.10 of the best peer": MISSED, "peak at most 1.25 of the best peer": MET,
                                 "no slower than glibc": MISSED})

    def test_only_rounds_of_both_are_compared(self):
        results = results_of({"tinyalloc": scaled(1.2), "glibc": [None, *scaled(1.0)[1:]]})
        self.assertAlmostEqual(results.interval("tree", "tinyalloc", "glibc", "time").low, 1.2)
        self.assertEqual(ratios_of(results, "tree", "tinyalloc")["time interval"][1].__round__(6), 1.2)
        results = results_of({"tinyalloc": scaled(1.2), "glibc": [None] * 3 + scaled(1.0)[3:]})
        self.assertIsNone(results.interval("tree", "tinyalloc", "glibc", "time"))

    def test_huge_pages_show_in_page_faults(self):
        self.assertTrue(results_of({"tinyalloc": (1.0,)}, faults=90).uses_huge_pages("tree"))
        self.assertFalse(results_of({"tinyalloc": (1.0,)}, faults=99).uses_huge_pages("tree"))

    def test_rounds_end_when_the_least_repeats_or_time_is_over(self):
        steady, once = results_of({"tinyalloc": (1.0, 1.5, 1.004)}), results_of({"tinyalloc": (1.0, 1.5, 1.3)})
        plan = Plan(most=24, enough=3, seconds=60)
        self.assertEqual([is_done(each, WORKLOAD, 3, plan, HUGE_PAGES) for each in (steady, once)], [True, False])
        self.assertFalse(is_done(steady, WORKLOAD, 2, plan, HUGE_PAGES))
        self.assertTrue(is_done(once, WORKLOAD, 1, plan, SMALL_PAGES), "its page faults are the same: so is its time")
        self.assertEqual([plan.goes_on(*each) for each in ((5, 100), (6, 100), (6, 10), (24, 10))], [True, False, True, False])

    def test_slow_runs_are_repeated_less(self):
        self.assertTrue(is_slow([{"wall": 2.0}] * 6))
        self.assertFalse(is_slow([{"wall": 2.0}] * 5))
        self.assertFalse(is_slow([{"wall": 2.0}] * 6 + [{"wall": 0.1}]))


if __name__ == "__main__":
    unittest.main()
