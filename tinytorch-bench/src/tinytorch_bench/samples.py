"""What times in the order in which they were measured tell: two runs compared, outliers, drift, when they are steady.

Nothing here takes times to be normally distributed, and nothing drops one. Where neighbours in time are alike, there
are fewer independent times than times: intervals are made wider by that.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence

import numpy as np

from tinytorch.types import Array
from tinytorch_bench.statistics import Ratio

FEWEST = 4  # of each side: of three and three even all ratios enclose the true one in 90 % only
NORMAL = 1.959964  # the quantile for 95 %
EVEN = 0.03  # the spread of times up to which a run's own times tell how sure they are
TELLING = 40  # rounds from which on states show in the order of the times
BLOCKS, SCATTERED = 8, 18.48  # of the rounds; the quantile for 99 % of chi squared with 7 degrees of freedom
ALIKE = 2.6  # standard deviations of a correlation
OUTLYING = 3.5  # of the modified z-score (Iglewicz and Hoaglin 1993, 3.4)
TO_SIGMA = 0.6745  # of a median absolute deviation
TREND = 3.0  # standard deviations of Mann and Kendall's count
STEADY = 0.05  # between neighbouring groups of calls
GROUP = 5  # calls


def unpaired(ours: Sequence[float], theirs: Sequence[float]) -> Ratio:
    """Compare times (n,) and (m,) of two runs: the median of all n · m ratios, and its interval of 95 %.

    Hodges and Lehmann's estimate on logarithms. The interval is that of the rank sum (Hollander, Wolfe and Chicken,
    Nonparametric Statistical Methods, 4.3), its variance multiplied by (1 + r) / (1 - r) for times that follow each
    other with a correlation r (Bayley and Hammersley 1946).
    """
    n, m = len(ours), len(theirs)
    if min(n, m) < FEWEST:
        raise ValueError(f"unpaired: expected {FEWEST} times or more of each side, got {n} and {m}")
    logs = np.log(np.asarray(ours, np.float64)), np.log(np.asarray(theirs, np.float64))
    steps = np.sort(np.subtract.outer(*logs).reshape(-1))
    r = max(0.0, (n * correlation(logs[0]) + m * correlation(logs[1])) / (n + m))
    deviation = math.sqrt(n * m * (n + m + 1) / 12 * (1 + r) / max(1 - r, 0.05))
    k = max(1, math.floor(n * m / 2 - NORMAL * deviation))
    return Ratio(*np.exp([np.median(steps), steps[k - 1], steps[-k], steps[0], steps[-1]]).tolist())


def single(ours: Sequence[float], theirs: Sequence[float]) -> Ratio:
    """Compare the times (n,) and (m,) of one run and another, each of which is all that is known of its day.

    Where times spread by more than 3 % and their order shows states of the machine, or there are too few of them to
    show any, a state that holds for a whole run cannot be told from a change of the program. Then each run counts as
    one observation: the interval has 95 % of all ratios.
    """
    found = unpaired(ours, theirs)
    if max(spread(ours), spread(theirs)) <= EVEN or not (_stateful(ours) or _stateful(theirs)):
        return found
    low, high = np.quantile(np.divide.outer(np.asarray(ours), np.asarray(theirs)), [0.025, 0.975])
    return found._replace(low=float(low), high=float(high))


def _stateful(times: Sequence[float]) -> bool:
    """Whether times (n,) follow each other as independent ones would in one of 100 runs only, or are too few to say.

    Two signs: neighbours are alike, or eight parts of the run scatter (Kruskal and Wallis 1952, on ranks).
    """
    n, values = len(times), np.asarray(times, np.float64)
    if n < TELLING or correlation(values) * math.sqrt(n) > ALIKE:
        return True
    parts = np.array_split(values.argsort().argsort() - (n - 1) / 2, BLOCKS)
    return bool(12 / (n * (n + 1)) * sum(part.sum() ** 2 / len(part) for part in parts) > SCATTERED)


def spread(times: Sequence[float]) -> float:
    """How far times are from their median, as a part of it: a robust standard deviation of their logarithms."""
    logs = np.log(np.asarray(times, np.float64))
    return float(np.median(np.abs(logs - np.median(logs)))) / TO_SIGMA


def correlation(values: Array) -> float:
    """How alike neighbours in time are, by ranks: (n,) -> -1 ... 1."""
    _, places, counts = np.unique(values, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - counts / 2)[places] - len(values) / 2  # equal values share one, the mean of all is 0
    total = ranks @ ranks
    return float(ranks[1:] @ ranks[:-1] / total) if total else 0.0


def outliers(times: Sequence[float]) -> list[int]:
    """Give the places of times that are far from the others: a modified z-score above 3.5, on logarithms."""
    logs = np.log(np.asarray(times, np.float64))
    distances = np.abs(logs - np.median(logs))
    typical = max(float(np.median(distances)), 1e-3)  # a thousandth is no outlier, however even the others are
    return [int(place) for place in np.flatnonzero(TO_SIGMA * distances / typical > OUTLYING)]


def drift(times: Sequence[float]) -> float:
    """By what part times grow from the first to the last; 0 where no trend is shown.

    Shown by Mann and Kendall's test at three standard deviations, measured by Theil and Sen's slope.
    """
    n, logs = len(times), np.log(np.asarray(times, np.float64))
    first, second = np.triu_indices(n, 1)
    steps = logs[second] - logs[first]
    if abs(np.sign(steps).sum()) <= TREND * math.sqrt(n * (n - 1) * (2 * n + 5) / 18):
        return 0.0
    return math.exp(float(np.median(steps / (second - first))) * (n - 1)) - 1.0


def warm(times: Sequence[float]) -> int | None:
    """Find how many calls it took to become steady: the next five and the five after them differ by 5 % at most."""
    for start in range(len(times) - 2 * GROUP + 1):
        here, later = (statistics.median(times[start + at : start + at + GROUP]) for at in (0, GROUP))
        if abs(here / later - 1.0) <= STEADY and times[start] <= (1.0 + 2 * STEADY) * later:
            return start
    return None
