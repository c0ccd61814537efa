"""Generation: text that continues text, a token at a time.

A model gives scores for the next token; one token is chosen, appended, and the model is asked again. Without a cache
every step computes all tokens anew; a plugin may bring a cache that keeps what a later step needs.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from tinytorch import plugins
from tinytorch.core.autograd import no_grad
from tinytorch.core.module import Module
from tinytorch.core.tensor import Tensor
from tinytorch.core.tensor.numbers import real, whole
from tinytorch.core.tensor.promotion import tensors_only
from tinytorch.core.tensor.quiet import quiet
from tinytorch.core.tensor.random import stream as random_stream

if TYPE_CHECKING:
    from tinytorch.core.transformers.blocks import Cache
    from tinytorch.types import Array

    Tokens = Tensor | Sequence[int] | Sequence[Sequence[int]]


class LanguageModel(Module):
    """The base of models that score the next token: `forward(tokens, padding, cache) -> (batch, time, vocab)`."""

    vocab_size: int
    max_length: int  # tokens that it can look at

    def checked_time(self, tokens: Tensor, cache: Cache | None) -> int:
        """How many tokens a row has; raises for other shapes, or for more than the model can look at."""
        name, room = type(self).__name__, self.max_length - (0 if cache is None else cache.length)
        if tensors_only(name, tokens)[0].ndim != 2 or tokens.shape[1] > room:
            raise ValueError(f"{name}: expected (batch, at most {room}) tokens, got shape {tokens.shape}")
        return tokens.shape[1]

    def stream(
        self,
        tokens: Tokens,
        max_new_tokens: int,
        temperature: float = 1.0,
        top_k: int | None = None,
        top_p: float | None = None,
        seed: int | None = None,
        eos: int | None = None,
    ) -> Iterator[list[int]]:
        """Yield the next token of every row, again and again: at most max_new_tokens times, until all rows gave `eos`.

        `tokens` is (time,), (batch, time) or rows of different lengths, which are padded on the left. A row that gave
        `eos` goes on giving it. Temperature 0 takes the best token; else one is drawn from the `top_k` best, or from
        the fewest whose probabilities reach `top_p` (Holtzman et al. 2020), or both. With a seed a row draws the same
        whatever rows are beside it.
        """
        rows, padding = _padded_left(tokens, self.vocab_size)
        choice = _Choice(rows.shape[0], temperature, top_k, top_p, seed)
        count = whole("generate", "max_new_tokens", max_new_tokens, least=0)
        if eos is not None and not 0 <= whole("generate", "eos", eos) < self.vocab_size:
            raise IndexError(f"generate: eos {eos} is outside the vocabulary 0 ... {self.vocab_size - 1}")
        if rows.shape[1] + count > self.max_length:
            raise ValueError(
                f"generate: {rows.shape[1]} tokens and {count} new ones are more than the {self.max_length} "
                "that the model can look at"
            )
        return self._steps(rows, padding, count, choice, eos)

    def generate(self, tokens: Tokens, max_new_tokens: int, **options: Any) -> Tensor:
        """The new tokens of all rows, (batch, at most max_new_tokens), int64; the options are those of `stream`."""
        rows = _rows(tokens)
        steps = list(self.stream(rows, max_new_tokens, **options))
        return Tensor(np.array(steps, np.int64).reshape(len(steps), len(rows)).T)

    def _steps(
        self, rows: Array, padding: Array | None, count: int, choice: _Choice, eos: int | None
    ) -> Iterator[list[int]]:
        cache = plugins.hook().make_generation_cache(model=self, batch=rows.shape[0], max_length=rows.shape[1] + count)
        fresh, ended = rows, np.zeros(rows.shape[0], bool)
        for _ in range(count):
            chosen = choice.of(self._scores(fresh, padding, cache))
            if eos is not None:
                chosen = np.where(ended, eos, chosen)
                ended |= chosen == eos
            yield chosen.tolist()
            if ended.all():
                return
            rows = np.concatenate([rows, chosen[:, None]], axis=1)
            fresh = rows if cache is None else rows[:, -1:]

    def _scores(self, tokens: Array, padding: Array | None, cache: Cache | None) -> Array:
        """The last token's scores, (batch, vocab), as in evaluation."""
        training = [module for module in self.modules() if module.training]
        self.eval()
        try:
            with no_grad():
                scores: Array = self(Tensor(tokens), padding, cache).array[:, -1]
        finally:
            for module in training:
                module.training = True
        return scores


class _Choice:
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
        if not np.isfinite(scores.max(axis=1)).all():  # nan wins
            raise FloatingPointError("generate: the model's scores are nan, or none of them is finite")
        if not self.temperature:
            return np.asarray(scores.argmax(axis=1))
        return np.array([self._drawn(*each) for each in zip(scores, self.generators, strict=True)])

    def _drawn(self, scores: Array, generator: np.random.Generator) -> int:
        order = np.argsort(-scores, kind="stable")[: self.top_k]
        shifted = scores[order].astype(np.float64) - float(scores[order[0]])
        weights = np.exp(quiet().run(np.divide, shifted, self.temperature))  # next to 0 it gives -inf, of weight 0
        sums = np.cumsum(weights) / weights.sum()
        kept = int(np.searchsorted(sums, self.top_p - 1e-12)) + 1  # the fewest that reach it
        return int(order[np.searchsorted(sums[:kept], generator.random() * sums[:kept][-1], side="right")])


def _padded_left(tokens: Tokens, vocab_size: int) -> tuple[Array, Array | None]:
    """Rows of equal length, (batch, time), and how many places at the beginning of each are empty, if any are."""
    rows = _rows(tokens)
    longest = max(len(row) for row in rows)
    if not all(len(row) for row in rows):
        raise ValueError("generate: expected at least one token in every row, got none")
    for row in rows:
        if min(row) < 0 or max(row) >= vocab_size:
            wrong = min(row) if min(row) < 0 else max(row)
            raise IndexError(f"generate: token {wrong} is outside the vocabulary 0 ... {vocab_size - 1}")
    padding = np.array([longest - len(row) for row in rows])
    padded = np.array([[0] * (longest - len(row)) + row for row in rows], np.int64)
    return padded, padding if padding.any() else None


def _plain(tokens: Any) -> Any:
    """Tensors and arrays as lists."""
    return tokens.tolist() if isinstance(tokens, (Tensor, np.ndarray, np.generic)) else tokens


def _rows(tokens: Any) -> list[list[int]]:
    """Every row as plain integers."""
    plain = _plain(tokens)
    if not isinstance(plain, Iterable) or isinstance(plain, (str, bytes)):
        raise TypeError(f"generate: expected tokens as a list, got {type(plain).__name__}; encode text first")
    rows = [_plain(row) for row in plain]
    if not rows or not isinstance(rows[0], (list, tuple)):
        rows = [rows]
    try:
        return [[whole("generate", "a token", token) for token in row] for row in rows]
    except TypeError as error:
        raise TypeError(f"generate: expected tokens as integers or rows of them, got {tokens!r:.60}") from error
