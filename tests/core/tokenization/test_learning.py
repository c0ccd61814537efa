"""Learned merges are those that counting everything anew finds."""

from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tinytorch.core.tokenization import learning
from tinytorch.core.tokenization.bytepair import WORD
from tinytorch.core.tokenization.learning import learn_merges


def naive(words, wanted, least=2):
    """Count all pairs anew for each merge; the most frequent, then the one of smallest ids."""
    tokens, merges = {word: list(word) for word in words}, []
    while len(merges) < wanted:
        counts = Counter()
        for word, ids in tokens.items():
            for pair in pairwise(ids):
                counts[pair] += words[word]
        pair = min(counts, key=lambda each: (-counts[each], each), default=None)
        if pair is None or counts[pair] < least:
            break
        for ids in tokens.values():
            i = 0
            while i < len(ids) - 1:
                if (ids[i], ids[i + 1]) == pair:
                    ids[i : i + 2] = [256 + len(merges)]
                i += 1
        merges.append(pair)
    return merges


@settings(deadline=None)
@given(
    st.dictionaries(st.text("abc", max_size=12).map(str.encode), st.integers(1, 4), max_size=12),
    st.integers(0, 30),
    st.integers(1, 3),
)
def test_merges_are_those_of_counting_anew(words, wanted, least):
    assert learn_merges(words, wanted, least) == naive(words, wanted, least)


@settings(deadline=None)
@given(st.text(max_size=200))
def test_merges_of_any_text_are_those_of_counting_anew(text):
    words = Counter(word.encode() for word in WORD.findall(text))
    assert learn_merges(words, 20) == naive(words, 20)


def test_merges_of_a_real_text_are_those_of_counting_anew(real_data):
    text = real_data("text/tinyshakespeare.txt").read_text()
    words = Counter(word.encode() for word in WORD.findall(text))
    assert learn_merges(words, 12) == naive(words, 12)


def test_of_equally_frequent_pairs_the_one_of_smaller_ids_comes_first():
    assert learn_merges({b"zb": 2, b"bz": 2, b"ba": 2}, 3) == [(98, 97), (98, 122), (122, 98)]


def test_the_order_of_the_words_does_not_matter():
    words = {b"lower": 2, b"newest": 6, b"widest": 3, b"low": 5}
    assert learn_merges(words, 20) == learn_merges(dict(reversed(words.items())), 20)


def test_the_example_of_the_paper():
    # Sennrich et al. 2016, algorithm 1, without its end-of-word symbol: "es" and "est" are what comes first
    words = {b"low": 5, b"lower": 2, b"newest": 6, b"widest": 3}
    merges = learn_merges(words, 3)
    assert merges[0] == tuple(b"es")
    assert merges[1] == (256, ord("t"))


def test_a_merge_touches_only_the_words_that_hold_its_pair(monkeypatch):
    touched = []
    join = learning.joined
    monkeypatch.setattr(learning, "joined", lambda ids, *rest: touched.append(bytes(ids)) or join(ids, *rest))
    learn_merges({b"ab": 9, b"abc": 1, b"xy": 5, b"zz": 1}, 1)
    assert sorted(touched) == [b"ab", b"abc"]


def test_progress_is_told_after_each_merge():
    told = []
    learn_merges({b"abab": 2}, 5, 1, lambda done, wanted: told.append((done, wanted)))
    assert told == [(1, 5), (2, 5)]


@pytest.mark.parametrize("words", [{}, {b"": 3}, {b"a": 100}, {b"ab": 1}])
def test_where_no_pair_is_frequent_there_is_nothing_to_learn(words):
    assert learn_merges(words, 10) == []
