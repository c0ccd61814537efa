"""PrefixCache: prompts that begin alike are computed once.

`open(tokens)` gives a cache that holds the longest known beginning of a prompt already; `generate` computes the rest,
and what it computed of the prompt is known from then on. Attention reads one run of memory, so a cache that begins
with shared blocks refers to them until its first pass and copies them then; a copy of it (`clone`) shares its memory
until one of the two writes.
"""

from __future__ import annotations

import copy
import weakref
import zlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, Self

import numpy as np

from tinytorch.core.tensor import Tensor
from tinytorch.core.tensor.numbers import whole
from tinytorch.core.transformers import LanguageModel
from tinytorch.core.transformers.prompts import padded_left
from tinytorch_cache.blocks import Block, Tokens, Tree
from tinytorch_cache.kvcache import shape_of
from tinytorch_cache.static import StaticCache

if TYPE_CHECKING:
    from tinytorch.types import Array


class Counts(NamedTuple):
    """Tokens of prompts: those that were found, and those that had to be computed."""

    reused: int = 0
    computed: int = 0


class PrefixCache:
    """The known prompts of one model, at most `capacity` blocks of `block` tokens.

    When the model's weights have changed, all is forgotten: what is known was computed with other ones.
    """

    def __init__(self, model: LanguageModel, block: int = 16, capacity: int = 1024) -> None:
        shape_of("PrefixCache", model)
        self.model = model
        size, most = whole("PrefixCache", "block", block, least=1), whole("PrefixCache", "capacity", capacity, least=1)
        self.tree, self.counts = Tree(size, most), Counts()
        self.fingerprint = _fingerprint(model)

    @property
    def nbytes(self) -> int:
        """Bytes of all blocks."""
        return sum(each.kept.nbytes for each in self.tree.blocks.values())

    def open(self, tokens: Tensor | Sequence[int], max_length: int | None = None) -> PrefixedCache:
        """A cache of one row that holds the known beginning of a prompt, all but its last token at most."""
        rows = padded_left(tokens, self.model.vocab_size).rows
        if len(rows) != 1:
            raise ValueError(f"PrefixCache: expected the tokens of one row, got {len(rows)} rows")
        fingerprint = _fingerprint(self.model)
        if fingerprint != self.fingerprint:
            self.clear()
        self.fingerprint = fingerprint
        prompt = tuple(rows[0].tolist())
        found = self.tree.find(prompt[:-1])
        try:
            return PrefixedCache(self, prompt, found, max_length)
        except BaseException:
            self.tree.release(found)
            raise

    def generate(self, tokens: Tensor | Sequence[int], max_new_tokens: int, **options: Any) -> Tensor:
        """Write as the model's `generate` does, from a cache that is opened for these tokens."""
        time = padded_left(tokens, self.model.vocab_size).rows.shape[1]
        cache = self.open(tokens, min(time + max_new_tokens, self.model.max_length))
        return self.model.generate(tokens, max_new_tokens, cache=cache, **options)

    def clear(self) -> None:
        """Forget all prompts."""
        self.tree.clear()

    def count(self, reused: int, computed: int) -> None:
        """Add to the counts."""
        self.counts = Counts(self.counts.reused + reused, self.counts.computed + computed)


class PrefixedCache(StaticCache):
    """A static cache of one row that begins with shared blocks; `PrefixCache.open` makes it."""

    def __init__(self, prefixes: PrefixCache, prompt: Tokens, blocks: list[Block], max_length: int | None) -> None:
        self.prefixes, self.prompt, self.known, self._weights = prefixes, prompt, False, prefixes.fingerprint
        super().__init__(prefixes.model, 1, max_length)
        self.length = self.shared = min(len(blocks) * prefixes.tree.size, self.max_length)
        self.blocks = blocks  # to copy before the first write
        self._release = weakref.finalize(self, prefixes.tree.release, blocks)
        self._sharers = weakref.WeakSet([self])  # who has the same memory

    def begin(self, model: LanguageModel, tokens: Array, attention_mask: Array | None) -> Array | None:
        """As all caches do; the tokens of the prompt must be those that it was opened for."""
        if attention_mask is not None:
            raise ValueError(f"{self.name}: a shared prefix has no padding, got an attention_mask")
        expected = self.prompt[self.length : self.length + tokens.shape[1]]
        if not self.known and tokens.shape[0] == 1 and tuple(tokens[0, : len(expected)].tolist()) != expected:
            raise ValueError(f"{self.name}: it was opened for another prompt, whose next tokens are {expected!r:.60}")
        return super().begin(model, tokens, attention_mask)

    def update(self, key: Tensor, value: Tensor, layer: int) -> tuple[Tensor, Tensor]:
        """As a static cache does; once the prompt has passed, others may begin with its blocks."""
        seen = super().update(key, value, layer)
        if layer == self._last and not self.known and self.length >= len(self.prompt):
            self.known = True
            tree = self.prefixes.tree
            if self._weights == self.prefixes.fingerprint:  # else these are other weights' keys
                tree.release(tree.add(self.prompt, self.buffer[:, :, 0, :, : len(self.prompt)]))
            self.prefixes.count(self.shared, len(self.prompt) - self.shared)
        return seen

    def clone(self) -> Self:
        """Copy it: the memory is shared until one of the two writes."""
        new = copy.copy(self)
        self.prefixes.tree.refer(self.blocks)
        new._release = weakref.finalize(new, new.prefixes.tree.release, new.blocks)  # noqa: SLF001  its own kind
        self._sharers.add(new)
        return new

    def _make_room(self, length: int) -> None:
        super()._make_room(length)
        if len(self._sharers) > 1:
            self._sharers.remove(self)
            self._sharers = weakref.WeakSet([self])
            self.buffer = self.buffer.copy()
            self._hold()
        size = self.prefixes.tree.size
        for number, block in enumerate(self.blocks):
            places = slice(number * size, min((number + 1) * size, self.max_length))
            self.buffer[:, :, 0, :, places] = block.kept[..., : places.stop - places.start, :]
        self.blocks = []
        self._release()


def _fingerprint(model: Any) -> int:
    """A checksum of all weights."""
    found = 0
    for parameter in model.parameters():
        found = zlib.crc32(np.ascontiguousarray(parameter.array).data, found)
    return found
