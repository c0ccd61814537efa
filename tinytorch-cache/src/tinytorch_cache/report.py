"""A report on a model's caches: bytes by formula and as measured, tokens a second against length, agreement.

What is written is chosen greedily after one token. Memory is traced in a pass of its own, since tracing slows.
"""

from __future__ import annotations

import statistics
import time
import tracemalloc
from typing import Any, NamedTuple

from tinytorch.core.transformers import LanguageModel
from tinytorch_cache import choice
from tinytorch_cache.agreement import Agreement, compare
from tinytorch_cache.kvcache import KVCache, kv_bytes
from tinytorch_cache.quantized import QuantizedCache
from tinytorch_cache.sliding import SlidingWindowCache

FIRST = 16  # the shortest length that is told; then twice as long, and so on
COMPARED = 64  # tokens that are compared with those written without a cache


class Rate(NamedTuple):
    """How fast tokens come when so many are there already: the median of those since half of them."""

    length: int
    tokens_per_second: float


class Row(NamedTuple):
    """What one kind of cache takes and gives; None where there is no cache."""

    kind: str
    formula_bytes: int | None
    measured_bytes: int | None
    rates: list[Rate]
    agreement: Agreement | None

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        told = self.agreement
        near = None if told is None else [each._asdict() for each in told.near_ties]
        other = None if told is None else [each._asdict() for each in told.differences]
        return {
            **self._asdict(),
            "rates": [each._asdict() for each in self.rates],
            "agreement": None if told is None else {**told._asdict(), "near_ties": near, "differences": other},
        }


def measured(model: LanguageModel, kinds: list[str], tokens: int) -> list[Row]:
    """A row for each kind, "none" among them, while a text grows to `tokens`."""
    rows = []
    for kind in kinds:
        if kind == "none":
            rows.append(Row(kind, None, None, _rates(model, tokens, kind), None))
            continue
        cache, taken = _traced(model, kind, tokens)
        compared = compare(model, [0], min(tokens - 1, COMPARED), cache)
        cache.reset()
        rows.append(Row(kind, formula(model, cache), taken, _rates(model, tokens, cache), compared))
    return rows


def formula(model: LanguageModel, cache: KVCache) -> int:
    """Bytes that a cache should take, from sizes alone: 2 · layers · key heads · width · tokens · batch · itemsize.

    Of a quantized one: that for its latest tokens, `bits` for each rounded number, and a least number and a step for
    each group, keys' of a channel over a block, values' of a token; and room for one layer's numbers.
    """
    if isinstance(cache, SlidingWindowCache):
        return kv_bytes(model, cache.batch, cache.window + cache.sinks)
    if not isinstance(cache, QuantizedCache):
        return kv_bytes(model, cache.batch, cache.max_length)  # type: ignore[attr-defined]  # a static one
    blocks = max(0, cache.max_length - cache.residual) // cache.block
    numbers = kv_bytes(model, cache.batch, blocks * cache.block) // cache.dtype.itemsize
    groups = numbers // 2 // cache.block + numbers // 2 // cache.shape.width
    latest = kv_bytes(model, cache.batch, cache.residual + cache.block)
    one_layer = kv_bytes(model, cache.batch, cache.max_length) // cache.shape.layers
    return latest + numbers * cache.bits // 8 + 2 * groups * cache.dtype.itemsize + one_layer


def _traced(model: LanguageModel, kind: str, tokens: int) -> tuple[KVCache, int]:
    """A cache, and how many bytes it allocated: all that it will have, when it is full too."""
    model.generate([0], 1, cache="none")  # what a first call keeps is no part of it
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        cache = choice.make(model, 1, tokens, kind)
        if cache is None:
            raise ValueError(f"cache report: there is no cache '{kind}'; expected {', '.join(choice.KINDS)} or none")
        taken = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
    return cache, taken


def _rates(model: LanguageModel, tokens: int, cache: KVCache | str) -> list[Rate]:
    times, began = list[float](), time.perf_counter()
    for _ in model.stream([0], tokens - 1, temperature=0.0, cache=cache):
        now = time.perf_counter()
        times.append(now - began)
        began = now
    lengths = [FIRST << doubling for doubling in range(32) if FIRST << doubling <= tokens] or [tokens]
    if lengths[-1] < tokens:
        lengths.append(tokens)
    return [Rate(length, 1.0 / statistics.median(times[length // 2 - 1 : length - 1])) for length in lengths]
