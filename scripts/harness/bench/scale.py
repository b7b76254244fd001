"""How much of each workload's full work a run does, in percent."""

# Those that would take more than their share of a round.
SHARES = {"realloc-growth": 60, "short-threads": 60}
# strace stops a program at every call: counting wants less work than timing.
TRACED_MOST = 10


def timed_scale(workload, scale):
    return max(1, scale * SHARES.get(workload, 100) // 100)


def traced_scale(workload, scale):
    return min(TRACED_MOST, timed_scale(workload, scale))
