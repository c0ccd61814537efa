"""Machines made up: clocks that go on by themselves while something is called, with the noise that real ones have."""

import numpy as np

from tinytorch_bench.energy import Meter
from tinytorch_bench.run import Row, Run
from tinytorch_bench.timing import Side, Timing, interleaved

MACHINE = {
    "processor": "made up",
    "processors": 1,
    "system": "none",
    "python": "3.11.7",
    "numpy": "2.4.6",
    "tinytorch": "0.1.0",
    "blas": "none",
    "threads": 1,
    "plugins": [],
}


class Clock:
    """A machine of one day: how fast it is, how that drifts and wanders, how calls jitter, what interrupts them."""

    def __init__(self, seed, jitter=0.02, drift=0.3, wander=0.05, spikes=0.02):
        self.random, self.now = np.random.default_rng(seed), 0.0
        self.jitter, self.spikes = jitter, spikes
        self.speed = self.random.lognormal(0.0, 0.2)  # of the day
        self.trend = drift * self.random.uniform(-1.0, 1.0)  # in a second, which is more than a run takes
        self.steps = wander * self.random.standard_normal(4096)

    def __call__(self):
        return self.now

    def work(self, seconds):
        """Make something that takes so long on a quiet machine."""

        def call():
            slow = self.speed * np.exp(self.trend * self.now + self._wandered())
            noise = np.exp(self.jitter * self.random.standard_normal())
            if self.random.random() < self.spikes:
                noise += self.random.exponential(3.0)
            self.now += seconds * slow * noise

        return call

    def _wandered(self):
        """A state that holds for about a twentieth of a second, some rounds, common to everything that runs."""
        times = self.now * 20.0
        first, part = int(times) % 4095, times % 1.0
        return (1.0 - part) * self.steps[first] + part * self.steps[first + 1]


def timing(clock, rounds=40, seconds=0.005):
    """Take times by this clock, beside a yardstick of a millisecond."""
    return Timing(rounds, seconds, 0, clock, clock.work(1e-3), Meter((), "not measured"))


def run_of(clock, rounds=40, **models):
    """A stored run of models that take so many seconds each."""
    taken, yard = interleaved({name: Side(clock.work(each)) for name, each in models.items()}, timing(clock, rounds))
    rows = [Row(name, "data", 100, {}, each.seconds, each.warm_up, [], None, []) for name, each in taken.items()]
    settings = {"batch": 1, "rounds": rounds, "seconds": 0.005}
    return Run("2026-03-01T12:00:00+00:00", MACHINE, settings, {"version": 1, "seconds": yard}, "none", [], rows)
