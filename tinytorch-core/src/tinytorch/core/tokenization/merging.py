"""Joining neighbours, the best pair first: how every byte-pair tokenizer encodes.

Looking for the best pair anew after each join costs n² for n tokens. A heap holds all pairs that can be joined, each
join adds at most two, and what it made obsolete is recognized when its turn comes: n log n, so that a hostile text of
one long word does no harm.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from heapq import heappop, heappush

Pair = tuple[int, int]
Join = Callable[[Pair], tuple[float, int] | None]  # a pair to how late it is joined and to what; None: never
GONE = -1


def merge(ids: Iterable[int], join: Join) -> list[int]:
    """Join adjacent ids until no pair can be joined: the pair of lowest rank first, the leftmost of equal ones."""
    ids = list(ids)
    after = [*range(1, len(ids)), GONE]
    before = [*range(-1, len(ids) - 1)]
    heap: list[tuple[float, int, Pair, int]] = []

    def offer(left: int) -> None:
        pair = ids[left], ids[after[left]]
        if (found := join(pair)) is not None:
            heappush(heap, (found[0], left, pair, found[1]))

    for left in range(len(ids) - 1):
        offer(left)
    while heap:
        _, left, pair, joined = heappop(heap)
        right = after[left]
        if ids[left] == GONE or right == GONE or (ids[left], ids[right]) != pair:
            continue  # joined with another neighbour meanwhile
        ids[left], ids[right], after[left] = joined, GONE, after[right]
        if after[left] != GONE:
            before[after[left]] = left
            offer(left)
        if before[left] != GONE:
            offer(before[left])
    return [id for id in ids if id != GONE]
