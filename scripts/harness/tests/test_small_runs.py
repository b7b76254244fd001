"""Counts that leave their budget are noticed, on either side."""

import unittest

from harness.small_runs import ATOMICS, FAULTS, INSTRUCTIONS, QUANTITIES, SYSTEM_CALLS, TOLERANCES, difference


class SmallRuns(unittest.TestCase):
    def test_a_count_within_the_tolerance_keeps_its_budget(self):
        for quantity in QUANTITIES:
            self.assertIsNone(difference(quantity, 1_000_000, 1_000_000))
        self.assertIsNone(difference(FAULTS, 10_290, 10_000))
        self.assertIsNone(difference(INSTRUCTIONS, 980_001, 1_000_000))
        self.assertIsNone(difference(SYSTEM_CALLS, 15, 13))

    def test_more_and_less_are_noticed(self):
        self.assertIn("301 above", difference(FAULTS, 10_301, 10_000))
        self.assertIn("20,001 below", difference(INSTRUCTIONS, 979_999, 1_000_000))
        self.assertIn("3 above", difference(SYSTEM_CALLS, 16, 13))
        self.assertIn("21 above", difference(ATOMICS, 333, 312))

    def test_no_tolerance_hides_a_twentieth(self):
        self.assertTrue(all(each.part < 0.05 for each in TOLERANCES.values()))


if __name__ == "__main__":
    unittest.main()
