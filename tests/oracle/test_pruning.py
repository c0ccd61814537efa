"""Masks are those that PyTorch makes of the same weights and amounts."""

import numpy as np
import pytest
from agreement import HAS_TORCH

import tinytorch as tt

prune = pytest.importorskip("tinytorch_compress.prune")
pytestmark = pytest.mark.skipif(not HAS_TORCH, reason="needs PyTorch")
SEEDS = range(40)
SHAPES = ((7, 5), (4, 3, 3, 2), (16, 9), (1, 6))


def pair(seed):
    """A layer of each library with the same weight, drawn without ties, and PyTorch's functions."""
    import torch
    from torch.nn.utils import prune as their_prune

    rng = np.random.default_rng(seed)
    shape = SHAPES[seed % len(SHAPES)]
    size = int(np.prod(shape))
    values = (rng.permutation(size) + 1.0) * rng.choice([-1, 1], size) / size
    values = (values * rng.uniform(0.5, 1.0)).reshape(shape).astype("float32")  # none alike in two layers either
    theirs, ours = torch.nn.Linear(1, 1), tt.nn.Linear(1, 1)
    theirs.weight, ours.weight = torch.nn.Parameter(torch.tensor(values)), tt.nn.Parameter(tt.tensor(values))
    return ours, theirs, their_prune, rng


def assert_same(ours, theirs):
    """Mask, weight, and the names and values of the states."""
    state, expected = ours.state_dict(), theirs.state_dict()
    assert list(state) == list(expected)
    for name in ("weight_orig", "weight_mask"):
        np.testing.assert_array_equal(state[name].numpy(), expected[name].numpy())
        assert str(state[name].dtype).removeprefix("torch.") == str(expected[name].dtype).removeprefix("torch.")
    np.testing.assert_array_equal(ours.weight.detach().numpy(), theirs.weight.detach().numpy())


def amounts(rng, size):
    """A share, or now and then a count."""
    return float(rng.uniform(0, 1)) if rng.random() < 0.7 else int(rng.integers(0, size + 1))


@pytest.mark.parametrize("seed", SEEDS)
def test_l1_masks_pruned_again_and_again(seed):
    ours, theirs, their_prune, rng = pair(seed)
    left = ours.weight.numel()
    for _ in range(3):
        amount = amounts(rng, left)
        prune.l1_unstructured(ours, "weight", amount)
        their_prune.l1_unstructured(theirs, "weight", amount)
        assert_same(ours, theirs)
        left = int(ours.weight_mask.sum())


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("n", [1, 2, 0.5, float("inf"), float("-inf")])
def test_masks_of_channels_by_any_norm(seed, n):
    import torch

    ours, theirs, their_prune, rng = pair(seed)
    dim = int(rng.integers(-ours.weight.ndim, ours.weight.ndim))
    scores = rng.standard_normal(ours.weight.shape).astype("float32")
    for importance in (None, scores):
        amount = float(rng.uniform(0, 0.6))
        mine, their = (None, None) if importance is None else (tt.tensor(importance), torch.tensor(importance))
        prune.ln_structured(ours, "weight", amount, n, dim, mine)
        their_prune.ln_structured(theirs, "weight", amount, n, dim, their)
        assert_same(ours, theirs)


@pytest.mark.parametrize("n", ["fro", "nuc"])
@pytest.mark.parametrize("shape", [(6, 4, 5), (3, 8, 2)])
def test_masks_of_channels_by_norms_of_matrices(n, shape):
    import torch

    ours, theirs, their_prune, rng = pair(0)
    values = rng.standard_normal(shape).astype("float32")
    ours.weight, theirs.weight = tt.nn.Parameter(tt.tensor(values)), torch.nn.Parameter(torch.tensor(values))
    for library, layer in ((prune, ours), (their_prune, theirs)):
        library.ln_structured(layer, "weight", 0.4, n, 0)
    assert_same(ours, theirs)


@pytest.mark.parametrize("seed", SEEDS)
def test_masks_of_different_kinds_one_after_the_other(seed):
    ours, theirs, their_prune, rng = pair(seed)
    custom = rng.integers(0, 2, ours.weight.shape)
    import torch

    for library, layer, mask in ((prune, ours, tt.tensor(custom)), (their_prune, theirs, torch.tensor(custom))):
        library.l1_unstructured(layer, "weight", 0.3)
        library.custom_from_mask(layer, "weight", mask)
        library.ln_structured(layer, "weight", 0.4, 2, 0)
        library.l1_unstructured(layer, "weight", 0.5)
        library.identity(layer, "bias")
    assert_same(ours, theirs)


@pytest.mark.parametrize("seed", SEEDS)
def test_masks_over_several_parameters(seed):
    ours, theirs, their_prune, rng = zip(*[pair(seed), pair(seed + 1)], strict=True)
    import torch

    drawn = [rng[0].standard_normal(each.weight.shape).astype("float32") for each in ours]
    for amount in (float(rng[0].uniform(0, 0.6)), 3):
        importance = [dict(zip(keyed(layers), made, strict=True)) for layers, made in both(torch, ours, theirs, drawn)]
        prune.global_unstructured(keyed(ours), prune.L1Unstructured, importance[0], amount=amount)
        method = their_prune[0].L1Unstructured
        their_prune[0].global_unstructured(keyed(theirs), method, importance[1], amount=amount)
        for mine, their in zip(ours, theirs, strict=True):
            assert_same(mine, their)
        drawn = [None, None]  # then by magnitude


def keyed(layers):
    return [(layer, "weight") for layer in layers]


def both(torch, ours, theirs, arrays):
    if arrays[0] is None:
        return (([], []), ([], []))
    return (ours, [tt.tensor(each) for each in arrays]), (theirs, [torch.tensor(each) for each in arrays])


@pytest.mark.parametrize("seed", SEEDS)
def test_random_masks_prune_as_many(seed):
    ours, theirs, their_prune, rng = pair(seed)
    share, dim = float(rng.uniform(0, 1)), int(rng.integers(0, ours.weight.ndim))
    for library, layer in ((prune, ours), (their_prune, theirs)):
        library.random_unstructured(layer, "weight", share / 3)
        assert library.is_pruned(layer)
    assert ours.weight_mask.sum().item() == theirs.weight_mask.sum().item()
    ours, theirs, their_prune, _ = pair(seed)
    for library, layer in ((prune, ours), (their_prune, theirs)):
        library.random_structured(layer, "weight", share, dim)
    assert ours.weight_mask.sum().item() == theirs.weight_mask.sum().item()


def test_gradients_and_what_removing_leaves():
    import torch

    ours, theirs, their_prune, _ = pair(0)
    for library, framework, layer in ((prune, tt, ours), (their_prune, torch, theirs)):
        library.l1_unstructured(layer, "weight", 0.5)
        framework.nn.functional.linear(framework.ones(2, 5), layer.weight).square().sum().backward()
        library.remove(layer, "weight")
    np.testing.assert_allclose(ours.weight.grad.numpy(), theirs.weight.grad.numpy(), rtol=1e-6)
    np.testing.assert_array_equal(ours.weight.detach().numpy(), theirs.weight.detach().numpy())
    assert list(ours.state_dict()) == list(theirs.state_dict()) == ["bias", "weight"]


def test_both_refuse_the_same_amounts():
    for amount in (-0.1, 1.1, -1, 36, float("nan"), "half"):
        ours, theirs, their_prune, _ = pair(0)
        for library, layer in ((prune, ours), (their_prune, theirs)):
            with pytest.raises((TypeError, ValueError, AssertionError)):
                library.l1_unstructured(layer, "weight", amount)
        assert "weight" in dict(ours.named_parameters())
