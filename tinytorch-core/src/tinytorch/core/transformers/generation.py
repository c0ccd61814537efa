"""Generation: text that continues text, a token at a time.

A model gives scores for the next token; one token is chosen, appended, and the model is asked again. Without a cache
every step computes all tokens anew; a plugin may bring a cache that keeps what a later step needs.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from tinytorch import plugins
from tinytorch.core.autograd import no_grad
from tinytorch.core.module import Module
from tinytorch.core.tensor import Tensor
from tinytorch.core.tensor.numbers import whole
from tinytorch.core.transformers.choosing import Choice
from tinytorch.core.transformers.prompts import Prompt, Tokens, listed, padded_left
from tinytorch.core.transformers.sight import Cache, KVShape, checked_mask

if TYPE_CHECKING:
    from tinytorch.types import Array


class LanguageModel(Module):
    """The base of models that score the next token: `forward(tokens, attention_mask, cache) -> (batch, time, n)`."""

    vocab_size: int
    max_length: int  # tokens that it can look at

    @property
    def kv_shape(self) -> KVShape | None:
        """What a cache has to keep for each token; None where the model hands nothing to a cache."""
        return None

    def stream(
        self,
        tokens: Tokens,
        max_new_tokens: int,
        temperature: float = 1.0,
        top_k: int | None = None,
        top_p: float | None = None,
        seed: int | None = None,
        eos: int | None = None,
        attention_mask: Tensor | Array | None = None,
        cache: Cache | str | None = None,
    ) -> Iterator[list[int]]:
        """Yield the next token of every row, again and again: at most max_new_tokens times, until all rows gave `eos`.

        `tokens` is (time,), (batch, time) or rows of different lengths, which are padded on the left; rows that are
        padded already, on either side, come with their attention_mask. A row that gave `eos` goes on giving it.
        Temperature 0 takes the best token; else one is drawn from the `top_k` best, or from the fewest whose
        probabilities reach `top_p` (Holtzman et al. 2020), or both. With a seed a row draws the same whatever rows are
        beside it.

        `cache` is a kind that an enabled plugin makes, "none", or a cache: what it holds is taken for the first tokens
        of the prompt. Without it the enabled plugins decide.
        """
        prompt = padded_left(tokens, self.vocab_size)
        if attention_mask is not None:
            prompt = prompt.masked(checked_mask("generate", attention_mask, prompt.rows.shape))
        choice = Choice(prompt.rows.shape[0], temperature, top_k, top_p, seed)
        count = whole("generate", "max_new_tokens", max_new_tokens, least=0)
        if eos is not None and not 0 <= whole("generate", "eos", eos) < self.vocab_size:
            raise IndexError(f"generate: eos {eos} is outside the vocabulary 0 ... {self.vocab_size - 1}")
        if prompt.rows.shape[1] + count > self.max_length:
            raise ValueError(
                f"generate: {prompt.rows.shape[1]} tokens and {count} new ones are more than the {self.max_length} "
                "that the model can look at"
            )
        return self._steps(prompt, count, choice, eos, self._cache(prompt, count, cache))

    def generate(self, tokens: Tokens, max_new_tokens: int, **options: Any) -> Tensor:
        """The new tokens of all rows, (batch, at most max_new_tokens), int64; the options are those of `stream`."""
        rows = listed(tokens)
        steps = list(self.stream(rows, max_new_tokens, **options))
        return Tensor(np.array(steps, np.int64).reshape(len(steps), len(rows)).T)

    def _cache(self, prompt: Prompt, count: int, cache: Cache | str | None) -> Cache | None:
        """The cache itself, or what the plugins in force make."""
        batch, time = prompt.rows.shape
        if cache is None or isinstance(cache, str):
            kind, ask = cache, plugins.hook().make_generation_cache
            cache = None if kind == "none" else ask(model=self, batch=batch, max_length=time + count, kind=kind)
            if cache is None and kind not in (None, "none"):
                raise ValueError(
                    f"generate: no enabled plugin makes a cache '{kind}' for this model; 'cache' makes some: "
                    "tinytorch.plugins.enable('cache'), pip install tinytorch-cache"
                )
        if cache is not None and cache.length >= time:
            raise ValueError(
                f"generate: the cache holds {cache.length} tokens, expected fewer than the prompt's {time}"
            )
        if cache is not None and np.any(prompt.last() < cache.length):
            raise ValueError(f"generate: the cache holds {cache.length} tokens, expected fewer than each row's own")
        return cache

    def _steps(
        self, prompt: Prompt, count: int, choice: Choice, eos: int | None, cache: Cache | None
    ) -> Iterator[list[int]]:
        (rows, real), last = prompt.with_room(count), prompt.last()
        modules, time, each = list(self.modules()), prompt.rows.shape[1], np.arange(rows.shape[0])
        ended = np.zeros(rows.shape[0], bool)
        for length in range(time, time + count):
            start = 0 if cache is None else cache.length
            mask = None if real is None else real[:, :length]
            scores = self._scores(rows[:, start:length], mask, cache, modules)
            chosen = choice.of(scores[each, last - start] if length == time else scores[:, -1])
            if eos is not None:
                chosen = np.where(ended, eos, chosen)
                ended |= chosen == eos
            rows[:, length] = chosen
            yield chosen.tolist()
            if ended.all():
                return

    def _scores(self, tokens: Array, mask: Array | None, cache: Cache | None, modules: list[Module]) -> Array:
        """The scores (batch, time, vocab), as in evaluation."""
        training = [module for module in modules if module.training]
        for module in training:
            module.training = False
        try:
            with no_grad():
                scores: Array = self(Tensor(tokens), mask, cache).array
        finally:
            for module in training:
                module.training = True
        return scores
