"""Choosing: one token from the scores of all, the best or one that is drawn."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from tinytorch.core.tensor.numbers import real, whole
from tinytorch.core.tensor.quiet import quiet
from tinytorch.core.tensor.random import stream as random_stream

if TYPE_CHECKING:
    from tinytorch.types import Array


class Choice:
    """How the next token is chosen from its scores."""

    def __init__(self, rows: int, temperature: float, top_k: int | None, top_p: float | None, seed: int | None) -> None:
        self.temperature = real("generate", "temperature", temperature)
        self.top_k = None if top_k is None else whole("generate", "top_k", top_k, least=1)
        self.top_p = 1.0 if top_p is None else real("generate", "top_p", top_p)
        if not 0.0 <= self.temperature < math.inf:
            raise ValueError(f"generate: expected a finite temperature of 0 or more, got {temperature}")
        if not 0.0 < self.top_p <= 1.0:
            raise ValueError(f"generate: expected top_p above 0 and at most 1, got {top_p}")
        first = int(random_stream(None).integers(1 << 32)) if seed is None else whole("generate", "seed", seed, least=0)
        self.generators = [np.random.default_rng((first, row)) for row in range(rows)]

    def of(self, scores: Array) -> Array:
        """One token a row: (batch, vocab) -> (batch,)."""
        best: Array = scores.argmax(axis=1)  # nan wins
        if not all(math.isfinite(row[at]) for row, at in zip(scores, best, strict=True)):
            raise FloatingPointError("generate: the model's scores are nan, or none of them is finite")
        if not self.temperature:
            return best
        return np.array([self._drawn(*each) for each in zip(scores, self.generators, strict=True)])

    def _drawn(self, scores: Array, generator: np.random.Generator) -> int:
        order = np.argsort(-scores, kind="stable")[: self.top_k]
        shifted = scores[order].astype(np.float64) - float(scores[order[0]])
        weights = np.exp(quiet().run(np.divide, shifted, self.temperature))  # next to 0 it gives -inf, of weight 0
        sums = np.cumsum(weights) / weights.sum()
        kept = int(np.searchsorted(sums, self.top_p - 1e-12)) + 1  # the fewest that reach it
        return int(order[np.searchsorted(sums[:kept], generator.random() * sums[:kept][-1], side="right")])
