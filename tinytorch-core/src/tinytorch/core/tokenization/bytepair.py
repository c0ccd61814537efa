"""BPETokenizer: bytes first, then what was learned to be joined.

Any text is bytes, so no character is unknown. Before anything is joined the text is split into words, spaces with the
word that they precede: without it "dog." and "dog!" would become tokens of their own (Radford et al. 2019, "Language
models are unsupervised multitask learners", section 2.2), and with it each word is encoded only once.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from tinytorch.core.tensor.numbers import whole
from tinytorch.core.tokenization.files import LARGEST
from tinytorch.core.tokenization.learning import BYTES, learn_merges
from tinytorch.core.tokenization.merging import Pair, merge
from tinytorch.core.tokenization.tokenizer import Tokenizer, check_text, numbered, split_at

# GPT-2's pattern (openai/gpt-2, encoder.py) with what `re` offers for \p{L}, letters, and \p{N}, numbers: those numbers
# that are no decimal digits, such as ² and Ⅷ, are counted among the letters.
WORD = re.compile(r"'(?:[sdmt]|ll|ve|re)| ?[^\W\d_]+| ?\d+| ?(?:[^\s\w]|_)+|\s+(?!\S)|\s+")
REMEMBERED = 1 << 16  # words


class BPETokenizer(Tokenizer):
    """Byte-level byte-pair encoding: ids 0 to 255 are bytes, 256 + i is what merge i joins, special tokens come last.

    >>> tokenizer = BPETokenizer.train("low lower lowest", vocab_size=259, special_tokens=["<|end|>"])
    >>> tokenizer.encode("low")
    [257]
    >>> tokenizer.decode([257, 101, 114, 258])
    'lower<|end|>'
    """

    def __init__(self, merges: Iterable[Sequence[int]], special_tokens: Iterable[str] = ()) -> None:
        self.merges = _checked_merges(merges)
        names = numbered("BPETokenizer", special_tokens, BYTES + len(self.merges))
        super().__init__(BYTES + len(self.merges) + len(names), names)
        self._joins = {pair: (id, id) for id, pair in enumerate(self.merges, BYTES)}
        self._bytes = [bytes([byte]) for byte in range(BYTES)]
        for left, right in self.merges:
            self._bytes.append(self._bytes[left] + self._bytes[right])
        self._known: dict[str, list[int]] = {}

    @classmethod
    def train(
        cls,
        text: str,
        vocab_size: int,
        special_tokens: Iterable[str] = (),
        *,
        min_frequency: int = 2,
        progress: Callable[[int, int], object] | None = None,
    ) -> BPETokenizer:
        """Learn merges from a text until the vocabulary, with bytes and special tokens, has `vocab_size` ids.

        It stays smaller when no pair occurs `min_frequency` times any more. The text is split at the names of special
        tokens, which are no part of it. After each merge `progress` is called with how many there are and shall be.
        """
        check_text("BPETokenizer.train", text)
        names = numbered("BPETokenizer.train", special_tokens, 0)
        whole("BPETokenizer.train", "vocab_size", vocab_size, least=BYTES + len(names))
        whole("BPETokenizer.train", "min_frequency", min_frequency, least=1)
        if progress is not None and not callable(progress):
            raise TypeError(f"BPETokenizer.train: expected progress as a function, got {type(progress).__name__}")
        parts = split_at(text, names)[::2]
        words = Counter(word for part in parts for word in WORD.findall(part))
        counts = {word.encode(): count for word, count in words.items()}
        return cls(learn_merges(counts, vocab_size - BYTES - len(names), min_frequency, progress), names)

    def encode_bytes(self, data: bytes) -> list[int]:
        """Bytes to ids, whether they are UTF-8 or not; where they are, as `encode` does with the text."""
        if not isinstance(data, (bytes, bytearray)):
            raise TypeError(f"encode_bytes: expected bytes, got {type(data).__name__}")
        return self._encode(data.decode(errors="surrogateescape"), 0)

    def decode_bytes(self, ids: Iterable[int]) -> bytes:
        """Ids to the bytes that they stand for, special tokens by their names."""
        special = {id: name.encode() for name, id in self.special_tokens.items()}
        return b"".join(
            [special[id] if id in special else self._bytes[id] for id in self._checked("decode_bytes", ids)]
        )

    def _encode(self, text: str, position: int) -> list[int]:
        return [id for word in WORD.findall(text) for id in self._word(word)]

    def _word(self, word: str) -> list[int]:
        ids = self._known.get(word)
        if ids is None:
            ids = merge(word.encode(errors="surrogateescape"), self._joins.get)
            if len(self._known) >= REMEMBERED:  # a text from outside may have any number of words
                self._known.clear()
            self._known[word] = ids
        return ids

    def _decode(self, ids: list[int]) -> str:
        return b"".join([self._bytes[id] for id in ids]).decode(errors="replace")

    def _arguments(self) -> dict[str, Any]:
        return {"merges": self.merges, "special_tokens": list(self.special_tokens)}


def _checked_merges(merges: Iterable[Sequence[int]]) -> list[Pair]:
    """Return merges as pairs of earlier ids, none twice, whose tokens fit into memory."""
    if not isinstance(merges, Iterable):
        raise TypeError(f"BPETokenizer: expected merges as a list of pairs of ids, got {type(merges).__name__}")
    pairs: dict[Pair, None] = {}
    sizes, total = [1] * BYTES, BYTES
    for pair in merges:
        if not isinstance(pair, Sequence) or len(pair) != 2:
            raise TypeError(f"BPETokenizer: expected merges as pairs of ids, got {pair!r:.60}")
        left, right = (whole("BPETokenizer", "an id", id, least=0) for id in pair)
        if max(left, right) >= len(sizes) or (left, right) in pairs:
            raise ValueError(
                f"BPETokenizer: expected distinct pairs of earlier ids, got {left, right} as merge {len(pairs)}"
            )
        pairs[left, right] = None
        sizes.append(sizes[left] + sizes[right])
        total += sizes[-1]
        if total > LARGEST:  # a merge may double what the last one made: a file of 40 merges would fill the memory
            raise ValueError(f"BPETokenizer: expected merges whose tokens have no more than {LARGEST} bytes together")
    return list(pairs)
