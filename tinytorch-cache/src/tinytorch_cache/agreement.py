"""Agreement: whether a model says the same with a cache as without, and by how little it could have differed.

Both see the same tokens, those that were chosen without; what either would choose is compared at every step. Where
the two best scores are next to equal, rounding may decide: that is a near tie, and told.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from tinytorch.core.autograd import no_grad
from tinytorch.core.tensor import Tensor
from tinytorch.core.transformers import LanguageModel
from tinytorch.core.transformers.choosing import Choice
from tinytorch.core.transformers.prompts import Prompt, Tokens, padded_left

if TYPE_CHECKING:
    from tinytorch.core.transformers import Cache
    from tinytorch.types import Array

NEAR = 1e-5  # two best scores that are no further apart are a near tie


class Choices(NamedTuple):
    """What was chosen in one place, with and without."""

    step: int
    row: int
    expected: int
    found: int
    gap: float  # between the two best scores, without the cache


class Agreement(NamedTuple):
    """What a comparison has found."""

    tokens: int
    largest: float  # distance of a score from the one without the cache
    differences: list[Choices]
    near_ties: list[Choices]  # whether or not they differ

    @property
    def same(self) -> bool:
        """Whether all tokens are the same but for near ties."""
        return not set(self.differences) - set(self.near_ties)

    def __str__(self) -> str:
        told = f"{self.tokens} tokens, {len(self.differences)} of them others; scores within {self.largest:.1e}"
        return told + "".join(
            f"; near tie at step {each.step} of row {each.row}: {each.gap:.1e} apart" for each in self.near_ties
        )


def compare(
    model: LanguageModel, tokens: Tokens, max_new_tokens: int, cache: Cache, seed: int = 0, temperature: float = 0.0
) -> Agreement:
    """Write with an empty cache and without it, step by step; temperature 0 takes the best token, else both draw."""
    if cache.length:
        raise ValueError(f"compare: expected an empty cache, got one of {cache.length} tokens")
    prompt = padded_left(tokens, model.vocab_size)
    (rows, real), time = prompt.with_room(max_new_tokens), prompt.rows.shape[1]
    without, beside = (Choice(len(rows), temperature, None, None, seed) for _ in range(2))
    largest, differences, ties = 0.0, list[Choices](), list[Choices]()
    for length in range(time, time + max_new_tokens):
        expected = _scores(model, rows[:, :length], Prompt(rows, real), None)
        found = _scores(model, rows[:, cache.length : length], Prompt(rows, real), cache)
        largest = max(largest, float(np.abs(found - expected).max()))
        rows[:, length], other = without.of(expected), beside.of(found)
        two = np.sort(expected, axis=1)[:, -2:]
        for row, gap in enumerate((two[:, -1] - two[:, 0]).tolist()):
            choices = Choices(length - time, row, int(rows[row, length]), int(other[row]), gap)
            if choices.expected != choices.found:
                differences.append(choices)
            if gap <= NEAR:
                ties.append(choices)
    return Agreement(len(rows) * max_new_tokens, largest, differences, ties)


def _scores(model: Any, tokens: Array, prompt: Prompt, cache: Cache | None) -> Array:
    """The scores of the last token of every row: (batch, vocab)."""
    end = tokens.shape[1] + (0 if cache is None else cache.length)
    with no_grad():
        scores: Array = model(Tensor(tokens), None if prompt.real is None else prompt.real[:, :end], cache).array
    return scores[:, -1]
