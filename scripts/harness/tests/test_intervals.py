"""The interval of a ratio holds the true one as often as it says, whatever the machine does meanwhile."""

import random
import unittest

from harness.intervals import least_repeats, ratio_interval, walsh_place, ways_of_rank_sums

TRIALS = 2000


def rounds(randoms, seconds, count, noise):
    """Two programs side by side on a machine that is up to half slower from round to round, and at times disturbs one of them alone."""
    pairs = []
    for _ in range(count):
        machine = randoms.uniform(1.0, 1.5)
        pairs.append(tuple(each * machine * randoms.lognormvariate(0, noise) * (3 if randoms.random() < 0.02 else 1) for each in seconds))
    return zip(*pairs, strict=True)


def covered(true, shown, count, noise=0.02):
    """In how many of the trials the interval of programs of the true ratio holds the shown one."""
    randoms = random.Random(20)
    intervals = [ratio_interval(*rounds(randoms, (true, 1.0), count, noise)) for _ in range(TRIALS)]
    return sum(each.low <= shown <= each.high for each in intervals) / TRIALS


class Intervals(unittest.TestCase):
    def test_the_true_ratio_is_inside_as_often_as_promised(self):
        for count in (8, 12, 20):
            for true in (1.0, 1.03, 0.5):
                with self.subTest(count=count, true=true):
                    share = covered(true, true, count)
                    self.assertGreater(share, 0.93)
                    self.assertLess(share, 0.985, "the interval is wider than it need be")

    def test_a_shifted_ratio_is_outside(self):
        self.assertLess(covered(1.06, 1.0, 12), 0.05)
        self.assertLess(covered(1.0, 1.03, 20), 0.1)

    def test_the_interval_is_that_of_the_printed_tables(self):
        # Critical values of the signed-rank test at 5 %, two-sided: 0 for 6 pairs, 2 for 7, 3 for 8, 8 for 10, 25 for 15, 52 for 20.
        self.assertEqual([walsh_place(count, 0.95) for count in (6, 7, 8, 10, 15, 20)], [0, 2, 3, 8, 25, 52])

    def test_too_few_rounds_have_no_interval(self):
        self.assertIsNone(ratio_interval([1.0] * 5, [1.0] * 5))
        self.assertIsNotNone(ratio_interval([1.0] * 6, [1.0] * 6))
        self.assertIsNone(ratio_interval([], []))

    def test_rounds_are_paired(self):
        machine = [1.0, 1.5, 1.2, 1.9, 1.1, 1.4, 1.7]
        interval = ratio_interval([1.1 * each for each in machine], machine)
        for value in (interval.low, interval.middle, interval.high):
            self.assertAlmostEqual(value, 1.1)
        self.assertGreater(ratio_interval([1.1 * each for each in machine], sorted(machine)).high, 1.2)

    def test_rank_sums_are_counted(self):
        self.assertEqual(ways_of_rank_sums(3), [1, 1, 1, 2, 1, 1, 1])

    def test_the_least_repeats_only_when_two_are_close(self):
        self.assertTrue(least_repeats([1.3, 1.0, 1.009]))
        self.assertFalse(least_repeats([1.3, 1.0, 1.02]))
        self.assertFalse(least_repeats([1.0]))
        self.assertFalse(least_repeats([]))


if __name__ == "__main__":
    unittest.main()
