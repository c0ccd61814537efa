"""A comparison sees what differs, and tells a near tie as such."""

import numpy as np
import pytest
from caches_for_tests import drawn

import tinytorch as tt
from tinytorch_cache import SlidingWindowCache, StaticCache, compare


@pytest.fixture
def tied(gpt):
    """A model in which two tokens of its vocabulary are one."""
    with tt.no_grad():
        gpt.lm_head.weight.array[4] = gpt.lm_head.weight.array[7]
    return gpt


@pytest.fixture
def gpt():
    return drawn("gpt", 0)


def test_what_a_cache_forgets_is_seen(gpt):
    found = compare(gpt, [[1, 2, 3, 4]], 30, SlidingWindowCache(gpt, 1, 1, 0))
    assert found.differences
    assert not found.same
    assert found.largest > 1e-2


def test_a_near_tie_is_told_and_excused(tied, monkeypatch):
    cache = StaticCache(tied)
    update = cache.update
    monkeypatch.setattr(cache, "update", lambda k, v, layer: update(k, v * (1 + 1e-7), layer))
    found = compare(tied, [[1, 2, 3]], 30, cache)
    assert {each.gap for each in found.near_ties} == {0.0}
    assert found.same
    told = f"near tie at step {found.near_ties[0].step} of row 0: 0.0e+00 apart"
    assert told in str(found)


def test_a_difference_with_a_gap_is_not_excused(tied, monkeypatch):
    cache = StaticCache(tied)
    update = cache.update
    monkeypatch.setattr(cache, "update", lambda k, v, layer: update(k, v * 3.0, layer))
    assert not compare(tied, [[1, 2, 3]], 30, cache).same


def test_draws_are_compared_with_the_same_seed(gpt):
    found = compare(gpt, [[1, 2], [3]], 20, StaticCache(gpt, 2), seed=4, temperature=1.0)
    assert found.tokens == 40
    assert found.differences == []
    assert np.isfinite(found.largest)
