"""How much of each workload's full work a run does, in percent."""

# Where the work of most would take more or less than its share of a round.
SHARES = {"burst-idle": 400, "large-buffers": 60, "realloc-growth": 60, "short-threads": 60, "sleeping-threads": 40, "sparse-tables": 400}
# strace stops a program at every call: counting wants less work than timing.
TRACED_MOST = 10
# Under callgrind a program takes fifty times as long: what is counted is this part of what is timed.
COUNTED_SHARE = 15
# These begin so quickly that a fifteenth would be their beginning alone.
COUNTED_SHARES = {"burst-idle": 50, "leak-threads": 5, "short-threads": 3, "sleeping-threads": 2}


def timed_scale(workload, scale):
    return max(1, scale * SHARES.get(workload, 100) // 100)


def traced_scale(workload, scale):
    return min(TRACED_MOST, timed_scale(workload, scale))


def counted_scale(workload, scale):
    return max(1, timed_scale(workload, scale) // COUNTED_SHARES.get(workload, COUNTED_SHARE))
