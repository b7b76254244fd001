"""What noisy rounds allow to say: the least, whether it repeats, and in which interval the ratio of two programs lies."""

import math
from dataclasses import asdict, dataclass

# Two rounds this close to each other were disturbed by nothing, or by the same.
REPEATS_WITHIN = 0.01
CONFIDENCE = 0.95


@dataclass(frozen=True)
class Interval:
    """Of a ratio: the middle is the estimate."""

    low: float
    middle: float
    high: float

    def as_dict(self):
        return asdict(self)


def least_repeats(values, within=REPEATS_WITHIN):
    """Whether a second value is as low as the least."""
    lowest = sorted(values)[:2]
    return len(lowest) == 2 and lowest[1] <= lowest[0] * (1 + within)


def ratio_interval(own, other, confidence=CONFIDENCE):
    """Of own to other, from values of the same rounds; None where the rounds are too few for that confidence.

    Within a round both meet the same machine, so that the ratio of a round varies less than its values. The estimate is the one of Hodges
    and Lehmann for the logarithms of these ratios, the interval that of Wilcoxon's signed ranks: no distribution is assumed, and rounds
    that went astray do not widen it much.
    """
    logarithms = [math.log(mine / theirs) for mine, theirs in zip(own, other, strict=True) if mine > 0 and theirs > 0]
    means = sorted((first + second) / 2 for at, first in enumerate(logarithms) for second in logarithms[at:])
    place = walsh_place(len(logarithms), confidence)
    if place is None:
        return None
    return Interval(*(math.exp(value) for value in (means[place], middle(means), means[-1 - place])))


def middle(values):
    half = len(values) // 2
    return values[half] if len(values) % 2 else (values[half - 1] + values[half]) / 2


def walsh_place(count, confidence):
    """How many of the sorted means of pairs are beyond either end of the interval; None when even all of them are too narrow."""
    most = (1 - confidence) / 2 * 2**count
    reached, place = 0, 0
    for ways in ways_of_rank_sums(count):
        reached += ways
        if reached > most:
            break
        place += 1
    return place - 1 if place else None


def ways_of_rank_sums(count):
    """For 0, 1, 2, …: how many sets of the ranks 1 to count have that sum."""
    ways = [1] + [0] * (count * (count + 1) // 2)
    for rank in range(1, count + 1):
        for total in range(len(ways) - 1, rank - 1, -1):
            ways[total] += ways[total - rank]
    return ways
