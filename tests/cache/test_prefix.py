"""PrefixCache: what prompts share is computed once, and what is written is the same."""

import gc

import numpy as np
import pytest
from caches_for_tests import drawn, scores
from hypothesis import given, settings
from hypothesis import strategies as st

import tinytorch as tt
from tinytorch_cache import PrefixCache, StaticCache
from tinytorch_cache.blocks import Tree


def computed(net, monkeypatch):
    """How many tokens each pass of the model is given."""
    passes, forward = [], net.forward
    monkeypatch.setattr(net, "forward", lambda tokens, *rest: passes.append(tokens.shape[1]) or forward(tokens, *rest))
    return passes


@pytest.mark.parametrize("kind", ["gpt", "llama"])
@given(seed=st.integers(0, 10_000))
@settings(max_examples=15, deadline=None)
def test_prompts_that_begin_alike_get_the_scores_of_a_fresh_cache(kind, seed):
    net, rng = drawn(kind, seed), np.random.default_rng(seed)
    size = int(rng.integers(1, 6))
    prefixes, common = PrefixCache(net, block=size), rng.integers(0, 11, 20).tolist()
    for _ in range(4):
        prompt = common[: rng.integers(1, 21)] + rng.integers(0, 11, rng.integers(1, 6)).tolist()
        cache, fresh = prefixes.open(prompt), StaticCache(net)
        found = scores(net, [prompt[cache.length :]], None, cache)[:, -1]
        assert np.abs(found - scores(net, [prompt], None, fresh)[:, -1]).max() < 1e-4
        assert np.abs(cache.buffer - fresh.buffer).max() < 1e-4


def test_the_shared_part_is_never_computed_again(model, monkeypatch):
    prefixes = PrefixCache(model, block=4)
    passes = computed(model, monkeypatch)
    system = [1, 2, 3, 4, 5, 6, 7, 8, 9]
    for prompt, new in (([*system, 1], 10), ([*system, 2], 2), ([*system[:5], 3, 3], 3), ([*system, 1], 2)):
        passes.clear()
        found = prefixes.generate(prompt, 4, temperature=0).tolist()
        assert passes == [new, 1, 1, 1]
        assert found == model.generate(prompt, 4, temperature=0).tolist()
    assert prefixes.counts == (8 + 4 + 8, 10 + 2 + 3 + 2)


def test_a_prompt_that_is_known_whole_computes_its_last_token(model, monkeypatch):
    prefixes = PrefixCache(model, block=2)
    prefixes.generate([1, 2, 3, 4], 1)
    passes = computed(model, monkeypatch)
    prefixes.generate([1, 2, 3, 4], 1)
    assert passes == [2]  # the block with the last token goes with it


def test_a_cache_refers_to_blocks_until_it_writes(model):
    prefixes = PrefixCache(model, block=2)
    prefixes.generate([1, 2, 3, 4, 5], 1)
    first = prefixes.tree.root.child((1, 2))
    one, other = prefixes.open([1, 2, 3]), prefixes.open([1, 2, 4])
    assert first.references == 2
    assert not one.buffer.any()  # nothing was copied
    scores(model, [[3]], None, one)
    assert first.references == 1
    assert np.array_equal(one.buffer[:, :, 0, :, :2], first.kept)
    assert not np.shares_memory(one.buffer, first.kept)
    del other
    gc.collect()
    assert first.references == 0


def test_clones_share_their_memory_until_one_writes(model):
    prefixes = PrefixCache(model, block=2)
    cache = prefixes.open([1, 2, 3])
    scores(model, [[1, 2, 3]], None, cache)
    before, clones = cache.buffer, [cache.clone(), cache.clone()]
    assert all(each.buffer is before for each in clones)
    expected = {token: scores(model, [[1, 2, 3, token]])[:, -1:] for token in (4, 5, 6)}
    for each, token in zip([clones[0], cache, clones[1]], (4, 5, 6), strict=True):
        assert np.allclose(scores(model, [[token]], None, each), expected[token], atol=1e-4)
    assert clones[1].buffer is before  # the last one need not copy
    assert len({id(each.buffer) for each in (cache, *clones)}) == 3


def test_changed_weights_make_it_forget(model):
    prefixes = PrefixCache(model, block=2)
    prefixes.generate([1, 2, 3, 4], 1)
    with tt.no_grad():
        model.lm_head.weight.mul_(1.5)
    assert prefixes.open([1, 2, 3, 4]).length == 0
    assert len(prefixes.tree) == 0


def test_a_cache_that_was_opened_for_other_weights_adds_nothing(model):
    prefixes = PrefixCache(model, block=2)
    early = prefixes.open([1, 2, 3, 4])
    with tt.no_grad():
        model.lm_head.weight.mul_(1.5)
    prefixes.open([1, 2, 3, 4])
    scores(model, [[1, 2, 3, 4]], None, early)
    assert len(prefixes.tree) == 0


def test_a_cache_that_cannot_be_made_refers_to_nothing(model):
    prefixes = PrefixCache(model, block=2)
    prefixes.generate([1, 2, 3], 1)
    with pytest.raises(ValueError, match="max_length"):
        prefixes.open([1, 2, 4], max_length=0)
    assert prefixes.tree.root.child((1, 2)).references == 0


def test_the_oldest_blocks_that_nobody_needs_go_first(model):
    prefixes = PrefixCache(model, block=2, capacity=3)
    prefixes.generate([1, 2, 3, 4], 1)
    prefixes.generate([5, 6], 1)
    assert prefixes.nbytes == sum(each.kept.nbytes for each in prefixes.tree.blocks.values()) > 0
    held = prefixes.open([1, 2, 9])  # refers to (1, 2), so that (3, 4) is the oldest that may go
    prefixes.generate([7, 8], 1)
    assert sorted(each.tokens for each in prefixes.tree.blocks.values()) == [(1, 2), (5, 6), (7, 8)]
    prefixes.generate([1, 2, 0, 0, 1, 1], 1)
    assert sorted(each.tokens for each in prefixes.tree.blocks.values()) == [(0, 0), (1, 1), (1, 2)]
    assert held.shared == 2


def test_a_hash_that_two_share_is_not_enough():
    tree = Tree(2, 8)
    kept = np.zeros((2, 1, 1, 2, 4), np.float32)
    (block,) = tree.add((1, 2), kept)
    block.tokens = (3, 4)  # as if these had the hash of (1, 2)
    assert tree.find((1, 2)) == []


@pytest.mark.parametrize(
    ("mistake", "message"),
    [
        (
            lambda net, cache: scores(net, [[3, 9]], None, cache),
            "PrefixedCache: it was opened for another prompt, whose",
        ),
        (lambda net, cache: scores(net, [[3]], [[1, 1, 1]], cache), "PrefixedCache: a shared prefix has no padding"),
        (lambda net, cache: scores(net, [[3], [3]], None, cache), "PrefixedCache: it holds 1 rows, got a batch of 2"),
        (lambda net, cache: net.generate([1, 2, 9, 4], 1, cache=cache), "PrefixedCache: it was opened for another"),
    ],
)
def test_a_mistake_is_told_and_changes_nothing(model, mistake, message):
    prefixes = PrefixCache(model, block=2)
    prefixes.generate([1, 2, 3], 1)
    cache = prefixes.open([1, 2, 3, 4])
    with pytest.raises(ValueError, match=message):
        mistake(model, cache)
    assert cache.length == 2
    assert np.allclose(scores(model, [[3, 4]], None, cache), scores(model, [[1, 2, 3, 4]])[:, 2:], atol=1e-4)


def test_several_rows_at_once_are_told(model):
    with pytest.raises(ValueError, match="PrefixCache: expected the tokens of one row, got 2 rows"):
        PrefixCache(model).open([[1], [2]])
