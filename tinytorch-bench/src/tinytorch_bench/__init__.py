"""TinyMLPerf: honest measurement and competition for tinytorch.

The library in the order in which it is read: timing and samples, which take times and judge them; benchmark and run;
comparing; pareto and figures. `peers` compares with other frameworks, `competition` ranks.
"""

from tinytorch_bench.benchmark import Benchmark
from tinytorch_bench.comparing import Change, CompareError, Comparison, compare
from tinytorch_bench.pareto import Point, front, points
from tinytorch_bench.reading import FormatError
from tinytorch_bench.run import Row, Run, load
from tinytorch_bench.statistics import Ratio
from tinytorch_bench.timing import Timing

__version__ = "0.1.0"

__all__ = [
    "Benchmark",
    "Change",
    "CompareError",
    "Comparison",
    "FormatError",
    "Point",
    "Ratio",
    "Row",
    "Run",
    "Timing",
    "compare",
    "front",
    "load",
    "points",
]
