"""Sentences: a small language that is made up here, the same on every machine.

It has a grammar and a memory to be learned: after "the" comes an adjective or a noun, and who acts in the first half of
a sentence is "he", "she" or "it" in the second.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

SEED = 0
SENTENCES = 1500
WHO = {"king": "he", "boy": "he", "queen": "she", "girl": "she", "cat": "it", "bird": "it"}
ADJECTIVES = ("old", "little", "happy", "quiet")
DOES = ("sees", "likes", "finds", "hides")
WHAT = ("apple", "flower", "stone", "river", "song", "house")
BECAUSE = ("is hungry", "is tired", "wants to play", "likes the sun")


def sentences(count: int = SENTENCES) -> str:
    """Make a text of so many sentences, a line each.

    >>> print(sentences(2), end="")
    the little bird sees a little river, because it wants to play.
    the little girl hides a little stone, because she is hungry.
    """
    draws = _draws(SEED)
    return "".join(_sentence(draws) + "\n" for _ in range(count))


def _draws(seed: int) -> Iterator[int]:
    """Draw whole numbers, by the raw bits of PCG64, which numpy promises never to change."""
    bits = np.random.PCG64(seed)
    while True:
        yield int(bits.random_raw())


def _sentence(draws: Iterator[int]) -> str:
    def one(words: Sequence[str]) -> str:
        return words[next(draws) % len(words)]

    who = one([*WHO])
    acts = f"the {one(ADJECTIVES)} {who} {one(DOES)} a {one(ADJECTIVES)} {one(WHAT)}"
    return f"{acts}, because {WHO[who]} {one(BECAUSE)}."
