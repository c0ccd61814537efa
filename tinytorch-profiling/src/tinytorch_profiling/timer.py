"""Times of a piece of code, and what they say together.

A single time says little: the machine is shared, and what disturbs it makes times longer, never shorter. So a timer
keeps every time, and shows the median, the spread and the tail, and how sure the median is.
"""

from __future__ import annotations

import inspect
import threading
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import wraps
from time import perf_counter
from types import TracebackType
from typing import TYPE_CHECKING, Any, ParamSpec, Self, TypeVar, cast

import numpy as np

from tinytorch.types import Array
from tinytorch.verify.timing import Interval, median
from tinytorch_profiling import units
from tinytorch_profiling.export import figures

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")

SHORTEST = 20e-6  # seconds: what is shorter is called several times for one time, so that the clock itself is no part


@dataclass(frozen=True)
class Timing:
    """Times in seconds, and what is said of them."""

    times: Array  # (runs,)
    number: int = 1  # calls in each time, which is their mean

    def __post_init__(self) -> None:
        if not len(self.times):
            raise ValueError("timer: nothing was timed yet")

    @property
    def median(self) -> float:
        """The time in the middle."""
        return float(np.median(self.times))

    @property
    def iqr(self) -> float:
        """The interquartile range: how far apart the middle half lies."""
        low, high = np.percentile(self.times, [25, 75])
        return float(high - low)

    @property
    def p90(self) -> float:
        """The time that nine of ten stay below."""
        return float(np.percentile(self.times, 90))

    @property
    def p99(self) -> float:
        """The time that 99 of 100 stay below."""
        return float(np.percentile(self.times, 99))

    @property
    def interval(self) -> Interval:
        """The median, and where it lies with 95 % confidence, by bootstrap (Efron 1979)."""
        return median(self.times, seed=0)

    @property
    def outliers(self) -> int:
        """How many times lie further from the middle half than 1.5 times its width (Tukey 1977)."""
        low, high = np.percentile(self.times, [25, 75])
        far = 1.5 * (high - low)
        return int(((self.times < low - far) | (self.times > high + far)).sum())

    def to_dict(self) -> dict[str, Any]:
        """Give all of it as plain data, in seconds."""
        _, low, high = self.interval
        return {
            "runs": len(self.times),
            "calls_in_each": self.number,
            "median": self.median,
            "interval": [low, high],
            "iqr": self.iqr,
            "p90": self.p90,
            "p99": self.p99,
            "outliers": self.outliers,
            "min": float(self.times.min()),
            "max": float(self.times.max()),
        }

    def figure(self) -> Figure:
        """Draw how the times are spread (extra `plot`)."""
        return figures.latency(self.times.tolist())

    def __str__(self) -> str:
        _, low, high = self.interval
        each = f" of {self.number} calls each" if self.number > 1 else ""
        return (
            f"{_told(self.median)} (median of {len(self.times)} runs{each}, 95 % {_told(low)} to {_told(high)}; "
            f"IQR {_told(self.iqr)}, p90 {_told(self.p90)}, p99 {_told(self.p99)}, {self.outliers} outliers)"
        )


class Timer:
    """Keeps the time of every block and of every call that it is put around, from any thread.

    >>> timer = Timer()
    >>> for _ in range(3):
    ...     with timer:
    ...         _ = sum(range(1000))
    >>> len(timer.times)
    3

    As a decorator, `@timer`, it times every call of a function. `measure` calls one until there are enough times.
    """

    def __init__(self, name: str = "") -> None:
        self.name = name
        self.times: list[float] = []
        self._begun = threading.local()  # blocks may lie in each other, and each thread has its own

    def __enter__(self) -> Self:
        if not hasattr(self._begun, "at"):
            self._begun.at = []
        self._begun.at.append(perf_counter())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        end = perf_counter()
        begun = self._begun.at.pop()
        if error is None:  # what was broken off took no whole time
            self.times.append(end - begun)

    def __call__(self, function: Callable[Arguments, Result]) -> Callable[Arguments, Result]:
        """Time every call of a function, of a coroutine function till it is done; raises TypeError for a generator."""
        if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
            raise TypeError(
                f"timer: a call of the generator '{function.__name__}' runs nothing of it; time the loop over it"
            )
        if inspect.iscoroutinefunction(function):
            return cast("Callable[Arguments, Result]", self._awaited(function))

        @wraps(function)
        def timed(*args: Arguments.args, **kwargs: Arguments.kwargs) -> Result:
            with self:
                return function(*args, **kwargs)

        return timed

    def _awaited(self, function: Callable[Arguments, Awaitable[Result]]) -> Callable[Arguments, Awaitable[Result]]:
        """Time a coroutine function; others of its thread may begin and end in between."""

        @wraps(function)
        async def timed(*args: Arguments.args, **kwargs: Arguments.kwargs) -> Result:
            begun = perf_counter()
            result = await function(*args, **kwargs)
            self.times.append(perf_counter() - begun)
            return result

        return timed

    @property
    def timing(self) -> Timing:
        """What the times say; raises ValueError where there are none yet."""
        return Timing(np.array(self.times))

    def __str__(self) -> str:
        told = str(self.timing) if self.times else "nothing was timed yet"
        return f"{self.name}: {told}" if self.name else told

    @staticmethod
    def measure(fn: Callable[[], object], warmup: int = 3, runs: int = 30) -> Timing:
        """Call a function some times to warm up, then once for each run; one of microseconds several times for a run.

        Raises ValueError for less than one run.
        """
        if runs < 1 or warmup < 0:
            raise ValueError(f"measure: expected runs of 1 or more and warmup of 0 or more, got {runs} and {warmup}")
        for _ in range(warmup):
            fn()
        number, first = _enough(fn)
        return Timing(np.array([first, *[_seconds(fn, number) for _ in range(runs - 1)]]), number)


def _enough(fn: Callable[[], object]) -> tuple[int, float]:
    """How many calls take long enough to be timed, and the time of a call when so many did."""
    number = 1
    while number * (each := _seconds(fn, number)) < SHORTEST:
        number = max(2 * number, int(SHORTEST / max(each, 1e-9)))
    return number, each


def _seconds(fn: Callable[[], object], number: int) -> float:
    """The mean of some calls."""
    begun = perf_counter()
    for _ in range(number):
        fn()
    return (perf_counter() - begun) / number


def _told(seconds: float) -> str:
    return units.time(1e9 * seconds)
