"""Learning merges: which pairs of neighbours a byte-pair tokenizer joins, and in which order.

The algorithm is byte-pair encoding of Sennrich, Haddow and Birch (2016, "Neural machine translation of rare words with
subword units", section 3.2): join the most frequent pair of neighbours in the text to a new token, and again. Counting
anew each time would cost merges × text. Instead equal words are counted once, with their multiplicity; the pairs'
counts are kept, with the words that hold each pair; and a merge touches only those words: it costs the sum of their
lengths. Only a merge's own new token makes new pairs, so that an existing pair's count never grows: a heap of counts,
of which the top is corrected when it is too high, finds the most frequent one in log(pairs).

Of pairs that are equally frequent the one of smaller ids is joined first, the left id before the right one. So the
merges depend on nothing but the counts of the words.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from heapq import heapify, heappush, heapreplace
from itertools import pairwise

from tinytorch.core.tokenization.merging import Pair

BYTES = 256  # the ids that every byte-level vocabulary begins with


def learn_merges(
    words: Mapping[bytes, int],
    wanted: int,
    min_frequency: int = 2,
    progress: Callable[[int, int], object] | None = None,
) -> list[Pair]:
    """Find up to `wanted` pairs to be joined, in order, in words with their multiplicities.

    The i-th pair becomes id 256 + i. It ends early when no pair occurs `min_frequency` times.
    """
    pairs = _Pairs(words)
    merges: list[Pair] = []
    while len(merges) < wanted:
        pair, count = pairs.most_frequent()
        if count < min_frequency:
            break
        pairs.join(pair, BYTES + len(merges))
        merges.append(pair)
        if progress is not None:
            progress(len(merges), wanted)
    return merges


class _Pairs:
    """How often each pair occurs, in which words, as the words' tokens are joined."""

    def __init__(self, words: Mapping[bytes, int]) -> None:
        self.words = [list(word) for word in words]
        self.multiplicities = list(words.values())
        self.counts: Counter[Pair] = Counter()
        self.holders: defaultdict[Pair, set[int]] = defaultdict(set)  # at least the words that hold a pair
        for word in range(len(self.words)):
            self._add(word)
        self.heap = [(-count, pair) for pair, count in self.counts.items()]
        heapify(self.heap)

    def most_frequent(self) -> tuple[Pair, int]:
        """The pair that occurs most often, and how often."""
        while self.heap:
            promised, pair = self.heap[0]
            count = self.counts[pair]
            if count == -promised:
                return pair, count
            heapreplace(self.heap, (-count, pair))
        return (0, 0), 0

    def join(self, pair: Pair, new: int) -> None:
        """Let `new` take the pair's place in every word."""
        made: set[Pair] = set()
        for word in self.holders.pop(pair):
            self._subtract(word)
            self.words[word] = joined(self.words[word], pair, new)
            made |= {each for each in self._add(word) if new in each}
        for each in made:
            heappush(self.heap, (-self.counts[each], each))

    def _add(self, word: int) -> list[Pair]:
        found = list(pairwise(self.words[word]))
        for pair in found:
            self.counts[pair] += self.multiplicities[word]
            self.holders[pair].add(word)
        return found

    def _subtract(self, word: int) -> None:
        for pair in pairwise(self.words[word]):
            self.counts[pair] -= self.multiplicities[word]


def joined(ids: list[int], pair: Pair, new: int) -> list[int]:
    """Let `new` take the pair's place, from left to right.

    >>> joined([1, 1, 1, 2], (1, 1), 7)
    [7, 1, 2]
    """
    result: list[int] = []
    position = 0
    while position < len(ids):
        found = tuple(ids[position : position + 2]) == pair
        result.append(new if found else ids[position])
        position += 2 if found else 1
    return result
