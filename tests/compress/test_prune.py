"""Pruning by masks: what they do to a layer, its training and its state, and what is refused."""

import copy

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tinytorch as tt
from tinytorch import nn
from tinytorch_compress import prune


def layer(*shape, seed=0):
    """A linear layer with a drawn weight of this shape."""
    made = nn.Linear(*reversed(shape)) if len(shape) == 2 else nn.Conv2d(shape[1], shape[0], shape[2:])
    made.weight.detach().copy_(tt.tensor(np.random.default_rng(seed).standard_normal(shape).astype("float32")))
    return made


def zeros(module):
    return int((module.weight.detach().numpy() == 0).sum())


@settings(deadline=None)
@given(st.integers(1, 9), st.integers(1, 9), st.lists(st.floats(0, 1), min_size=1, max_size=3), st.integers(0, 99))
def test_a_share_of_what_is_left_is_pruned_the_smallest_first(out, into, shares, seed):
    pruned = layer(out, into, seed=seed)
    before = np.abs(pruned.weight.detach().numpy())
    left = out * into
    for share in shares:
        prune.l1_unstructured(pruned, "weight", share)
        left -= round(share * left)
    mask = pruned.weight_mask.numpy() == 1
    assert mask.sum() == left
    assert before[~mask].max(initial=0) <= before[mask].min(initial=np.inf)


@settings(deadline=None)
@given(st.integers(1, 5), st.integers(1, 4), st.integers(1, 4), st.integers(0, 99))
def test_n_of_m_keeps_the_largest_n_of_every_m(out, groups, n, seed):
    m = 4 if n < 4 else 5
    pruned = prune.nm_unstructured(layer(out, groups * m, seed=seed), "weight", n, m)
    kept = pruned.weight_mask.numpy().reshape(out, groups, m)
    sizes = np.abs(pruned.weight_orig.detach().numpy()).reshape(kept.shape)
    assert (kept.sum(-1) == n).all()
    assert (np.where(kept == 1, sizes, np.inf).min(-1) >= np.where(kept == 0, sizes, 0).max(-1)).all()


def test_n_of_m_goes_along_the_inputs_of_a_convolution():
    pruned = prune.nm_unstructured(layer(3, 8, 2, 2), "weight")
    assert (pruned.weight_mask.numpy().reshape(3, 2, 4, 2, 2).sum(2) == 2).all()


def test_of_equal_numbers_the_first_go():
    flat = nn.Linear(5, 1)
    flat.weight.detach().fill_(1.0)
    prune.l1_unstructured(flat, "weight", 2)
    assert flat.weight_mask.tolist() == [[0, 0, 1, 1, 1]]


def test_masks_survive_momentum_and_weight_decay():
    for make in (
        lambda params: tt.optim.SGD(params, lr=0.1, momentum=0.9, weight_decay=0.1),
        lambda params: tt.optim.AdamW(params, lr=0.1),
    ):
        pruned = layer(6, 5)
        optimizer = make(pruned.parameters())  # made before: it knows the same parameter
        prune.l1_unstructured(pruned, "weight", 0.5)
        mask, before = pruned.weight_mask.numpy().copy(), pruned.weight.detach().numpy().copy()
        for _ in range(3):
            optimizer.zero_grad()
            pruned(tt.ones(2, 5)).square().sum().backward()
            assert not pruned.weight_orig.grad.numpy()[mask == 0].any()
            optimizer.step()
        after = pruned.weight.detach().numpy()
        assert not after[mask == 0].any()
        assert (after != before)[mask == 1].all()
        prune.remove(pruned, "weight")
        np.testing.assert_array_equal(pruned.weight.detach().numpy(), after)
        optimizer.step()
        assert (pruned.weight.detach().numpy() != after).any()  # still the one that the optimizer knows


def test_masks_survive_copies_and_states():
    pruned = prune.l1_unstructured(layer(4, 4), "weight", 0.5)
    twin = copy.deepcopy(pruned)
    with tt.no_grad():
        pruned.weight_orig.fill_(7.0)
    assert zeros(twin) == 8
    assert not (twin.weight.detach().numpy() == 7).any()
    other = prune.identity(layer(4, 4, seed=1), "weight")
    other.load_state_dict(twin.state_dict())
    np.testing.assert_array_equal(other.weight.detach().numpy(), twin.weight.detach().numpy())


def test_removing_leaves_plain_zeros_and_plain_names():
    pruned = prune.random_unstructured(layer(4, 4), "weight", 0.5)
    prune.l1_unstructured(pruned, "bias", 1)
    prune.remove_all(nn.Sequential(pruned))
    assert list(pruned.state_dict()) == ["weight", "bias"]
    assert not prune.is_pruned(pruned)
    assert zeros(pruned) == 8
    assert not np.signbit(pruned.weight.detach().numpy()[pruned.weight.detach().numpy() == 0]).any()


def test_random_masks_follow_the_seed():
    masks = []
    for _ in range(2):
        tt.manual_seed(3)
        masks.append(prune.random_unstructured(layer(9, 9), "weight", 0.5).weight_mask.tolist())
    assert masks[0] == masks[1]


def test_a_channel_that_is_pruned_is_not_counted_again():
    pruned = layer(4, 6)
    for _ in range(2):
        prune.ln_structured(pruned, "weight", 0.5, 2, 0)
    assert pruned.weight_mask.numpy().any(axis=1).sum() == 1
    prune.random_structured(pruned, "weight", 1.0, -1)
    assert zeros(pruned) == 24


def test_several_parameters_are_pruned_as_one():
    small, large = layer(3, 3), layer(3, 3, seed=1)
    large.weight.detach().mul_(100.0)
    prune.global_unstructured([(small, "weight"), (large, "weight")], prune.L1Unstructured, amount=9)
    assert (zeros(small), zeros(large)) == (9, 0)


WRONG = [
    (lambda one: prune.l1_unstructured(one, "weight", -0.1), "expected an amount from 0.0 to 1.0"),
    (lambda one: prune.l1_unstructured(one, "weight", 1.5), "expected an amount from 0.0 to 1.0"),
    (lambda one: prune.l1_unstructured(one, "weight", float("nan")), "expected an amount from 0.0 to 1.0"),
    (lambda one: prune.l1_unstructured(one, "weight", 13), "from 0 to the 12 that are left, got 13"),
    (lambda one: prune.l1_unstructured(one, "weight", "half"), "expected an amount as a number, got 'half'"),
    (lambda one: prune.l1_unstructured(one, "wait", 0.5), "Linear has no parameter 'wait'"),
    (lambda one: prune.l1_unstructured(one, "weight", 0.5, tt.ones(2)), r"importance of shape \(2,\) does not fit"),
    (lambda one: prune.ln_structured(one, "bias", 0.5, 2, 0), "expected a weight of 2 dimensions or more"),
    (lambda one: prune.ln_structured(one, "weight", 0.5, 2, 2), "there is no dim 2"),
    (lambda one: prune.ln_structured(one, "weight", 0.5, "x", 0), "expected n as a number"),
    (lambda _: prune.l1_unstructured("x", "weight", 0.5), "expected a module and the name of a parameter, got str"),
    (lambda one: prune.l1_unstructured(one, 3, 0.5), "expected a module and the name of a parameter, got Linear and 3"),
    (
        lambda one: prune.l1_unstructured(one, "weight", 0.5, np.ones((3, 4))),
        "expected importance as a Tensor, got nda",
    ),
    (lambda one: prune.global_unstructured([(one, "weight")], prune.L1Unstructured), "expected an amount and no other"),
    (lambda one: prune.nm_unstructured(one, "weight", 4, 4), "expected 0 < n < m"),
    (lambda one: prune.nm_unstructured(one, "weight", 2, 8), r"4 along dim 1 of \(3, 4\) are no groups of 8"),
    (lambda one: prune.custom_from_mask(one, "weight", tt.ones(3, 3)), r"a mask of shape \(3, 3\) does not fit"),
    (lambda one: prune.custom_from_mask(one, "weight", tt.ones(3, 4) / 2), "expected a mask of zeros and ones"),
    (lambda one: prune.remove(one, "weight"), "'weight' of Linear has no mask; prune it first"),
    (lambda one: prune.global_unstructured([], prune.L1Unstructured, amount=0.5), "one parameter at least"),
    (lambda one: prune.global_unstructured([(one, "weight")], prune.ln_structured, amount=0.5), "expected L1Unst"),
    (
        lambda one: prune.global_unstructured([(one, "weight")] * 2, prune.L1Unstructured, amount=0.5),
        "a parameter is named more than once",
    ),
    (
        lambda one: prune.global_unstructured([(one, "weight"), (one, "none")], prune.L1Unstructured, amount=0.5),
        "has no parameter 'none'",
    ),
]


@pytest.mark.parametrize(("wrong", "sentence"), WRONG)
def test_what_is_refused_changes_nothing(wrong, sentence):
    one = layer(3, 4)
    before = one.weight.detach().numpy().copy()
    with pytest.raises((TypeError, ValueError, IndexError), match=sentence):
        wrong(one)
    assert list(one.state_dict()) == ["weight", "bias"]
    np.testing.assert_array_equal(one.weight.detach().numpy(), before)


def test_an_empty_layer_is_refused():
    with pytest.raises(ValueError, match=r"nothing can be pruned in 'weight' of shape \(3, 0\)"):
        prune.l1_unstructured(nn.Linear(0, 3), "weight", 0.5)


def test_a_name_that_is_taken_is_refused():
    one = layer(2, 2)
    one.register_buffer("weight_mask", tt.ones(1))
    with pytest.raises(ValueError, match="Linear has a 'weight_mask' of its own"):
        prune.l1_unstructured(one, "weight", 0.5)
    assert list(one.state_dict()) == ["weight", "bias", "weight_mask"]
