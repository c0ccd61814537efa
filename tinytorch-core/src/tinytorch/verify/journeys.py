"""Journeys: whole trainings, from a seed to predictions and text, with the core alone and with plugins.

A journey with plugins must be the core's: bit for bit where all that the plugins implement is declared exact, and where
they implement nothing. Else losses may be apart by 1e-4 of the core's, and 100 times the largest declared rtol more
(`selections.tolerance`). Predictions and tokens must be the same in any case.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np

from tinytorch.core.optimizers import SGD, Adam, AdamW, RMSprop
from tinytorch.core.transformers import LanguageModel
from tinytorch.verify.report import Plan, Row, row
from tinytorch.verify.selections import Selection, called, tolerance, tried
from tinytorch.verify.trainings import (
    CONTEXT,
    Make,
    MakeOptimizer,
    Training,
    digits_cnn,
    digits_mlp,
    regression,
    seeded,
    tiny_gpt,
    xor,
)


@dataclass(frozen=True)
class Outcome:
    """What a journey led to."""

    losses: list[float]
    predictions: list[int]
    tokens: list[int]
    accuracy: float | None = None  # where there are predictions


@dataclass(frozen=True)
class Journey:
    """A training of so many steps, and what it must have learned to mean anything."""

    name: str
    make: Make
    steps: int
    share: float  # of the first loss, which the last ones must be below
    accuracy: float = 0.0

    def run(self, seed: int) -> Outcome:
        """Train, predict and generate."""

        def act(training: Training) -> Outcome:
            losses = [training.step() for _ in range(self.steps)]
            predictions = training.predictions()
            return Outcome(losses, predictions, _text(training, seed), _accuracy(training, predictions))

        return seeded(self.make, seed, act)

    def not_learned(self, outcome: Outcome) -> list[str]:
        """Say what the outcome lacks."""
        first, last = outcome.losses[0], float(np.mean(outcome.losses[-4:]))
        problems = []
        if not last < self.share * first:
            problems.append(f"learned nothing: the loss went from {first:.3g} to {last:.3g}")
        if outcome.accuracy is not None and not outcome.accuracy >= self.accuracy:
            problems.append(f"learned too little: accuracy {outcome.accuracy:.2f}, {self.accuracy:.2f} was expected")
        return problems


def _text(training: Training, seed: int) -> list[int]:
    """The tokens that a language model gives after the first of its vocabulary: the best ones, then drawn ones."""
    model = training.model
    if not isinstance(model, LanguageModel):
        return []
    written = [model.generate([0], CONTEXT - 1, temperature=t, seed=seed).tolist()[0] for t in (0.0, 0.8)]
    return [token for each in written for token in each]


def _accuracy(training: Training, predictions: list[int]) -> float | None:
    return None if training.test is None else float(np.mean(training.test[1].array == predictions))


def _optimizer(name: str, make: MakeOptimizer) -> Journey:
    return Journey(f"regression by {name}", partial(regression, make), 40, share=0.7)


JOURNEYS = (
    Journey("XOR by an MLP", xor, 40, share=0.3, accuracy=0.75),
    Journey("digits by an MLP", digits_mlp, 80, share=0.4, accuracy=0.8),
    Journey("digits by a CNN", digits_cnn, 40, share=0.95, accuracy=0.3),
    _optimizer("SGD", lambda params: SGD(params, lr=0.05)),
    _optimizer("SGD with Nesterov's momentum", lambda params: SGD(params, lr=0.02, momentum=0.9, nesterov=True)),
    _optimizer("Adam", lambda params: Adam(params, lr=0.1)),
    _optimizer("AdamW", lambda params: AdamW(params, lr=0.1)),
    _optimizer("RMSprop", lambda params: RMSprop(params, lr=0.05)),
    Journey("text by a GPT", tiny_gpt, 36, share=0.9),
)


def rows(plan: Plan) -> Iterator[Row]:
    """Give a row for each journey and selection of plugins; without plugins, one for each journey of the core."""
    tolerances = {selection: tolerance(selection) for selection in plan.selections}
    for journey in JOURNEYS:
        core, problems = _core(journey, plan.seed)
        if not plan.selections:
            yield _alone(journey, core, problems, plan.seed)
        for selection in plan.selections:
            yield _compared(journey, selection, core, problems, tolerances[selection], plan.seed)


def _core(journey: Journey, seed: int) -> tuple[Outcome | None, list[str]]:
    """Where the core alone arrives, and what is wrong with that whatever it is compared with."""
    outcome, problems = tried(lambda: journey.run(seed), ())
    return outcome, problems if outcome is None else [*problems, *journey.not_learned(outcome)]


def _alone(journey: Journey, core: Outcome | None, problems: list[str], seed: int) -> Row:
    if core is not None and _core(journey, seed)[0] != core:
        problems = [*problems, "gives something else when it is taken again"]
    learned = "" if core is None else f"the core alone, the same twice: {_learned(core)}"
    return row(journey.name, problems, learned, None if problems else 0.0)


def _learned(outcome: Outcome) -> str:
    accuracy = "" if outcome.accuracy is None else f", accuracy {outcome.accuracy:.2f}"
    return f"loss {outcome.losses[0]:.3g} to {outcome.losses[-1]:.3g}{accuracy}"


def _compared(
    journey: Journey, selection: Selection, core: Outcome | None, problems: list[str], limit: float, seed: int
) -> Row:
    name = f"{journey.name} with {called(selection)}"
    if core is None:
        return row(name, [f"the core alone {problem}" for problem in problems])
    mine, wrong = tried(lambda: journey.run(seed), selection)
    if mine is None:
        return row(name, wrong)
    apart = largest_difference(mine.losses, core.losses)
    found = [*(f"the core alone {problem}" for problem in problems), *wrong, *_differences(mine, core, apart, limit)]
    return row(name, found, _what(core), apart if math.isfinite(apart) else None)


def largest_difference(mine: list[float], core: list[float]) -> float:
    """Give the largest distance of two curves at a step, relative to the core's there; inf where one is not finite."""
    ours, theirs = np.array(core), np.array(mine)
    if not np.isfinite(theirs).all() or not np.isfinite(ours).all():
        return math.inf
    return float((np.abs(theirs - ours) / np.maximum(np.abs(ours), np.finfo(np.float32).tiny)).max(initial=0.0))


def _differences(mine: Outcome, core: Outcome, apart: float, limit: float) -> list[str]:
    """Say how an outcome is not the core's."""
    problems = []
    if not apart <= limit:
        allowed_here = f"up to {limit:.1e} is allowed" if limit else "bit for bit is declared"
        step = next(i for i, (a, b) in enumerate(zip(mine.losses, core.losses, strict=True)) if a != b)
        problems.append(
            f"losses differ by {apart:.1e} of the core's, {allowed_here}; first at step {step}: "
            f"{mine.losses[step]:.9g} instead of {core.losses[step]:.9g}"
        )
    for what in ("predictions", "tokens"):
        ours, theirs = getattr(core, what), getattr(mine, what)
        if ours != theirs:
            count = sum(a != b for a, b in zip(ours, theirs, strict=True))
            problems.append(f"{count} of {len(ours)} {what} differ")
    return problems


def _what(outcome: Outcome) -> str:
    parts = {what: len(getattr(outcome, what)) for what in ("losses", "predictions", "tokens")}
    return ", ".join(f"{count} {what}" for what, count in parts.items() if count)
