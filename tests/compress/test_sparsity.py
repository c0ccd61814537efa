"""A whole model is pruned to a sparsity, or not at all."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tinytorch as tt
from tinytorch import models, nn
from tinytorch_compress import prune
from tinytorch_compress.sparsity import sparsify, sparsity_of, weights_of


def network():
    tt.manual_seed(0)
    return models.digits_cnn()


def zeros(model):
    return [int((weight.values == 0).sum()) for weight in weights_of(model)]


@settings(deadline=None)
@given(st.lists(st.floats(0, 0.99), min_size=1, max_size=3), st.sampled_from(["magnitude", "random"]))
def test_sparsity_is_that_of_all_weights_and_never_falls(wanted, method):
    model = models.mlp(6, 7, 3)
    highest = 0
    for sparsity in wanted:
        sparsify(model, sparsity, method=method)
        highest = max(highest, min(round(sparsity * 63), 62))
        assert sum(zeros(model)) == highest
        assert sparsity_of(model) == highest / 63


@pytest.mark.parametrize("scope", ["global", "layer"])
@pytest.mark.parametrize("sparsity", [0.9, 0.9999999])
def test_something_is_left_of_the_smallest_model(sparsity, scope):
    assert sparsity_of(sparsify(nn.Linear(2, 2), sparsity, scope=scope)) == 0.75


def test_over_all_layers_the_smallest_weights_go():
    model = sparsify(network(), 0.8)
    kept = np.concatenate([np.abs(weight.values[weight.mask == 1]) for weight in weights_of(model)])
    gone = np.concatenate([np.abs(w.module.weight_orig.numpy()[w.mask == 0]) for w in frozen(model)])
    assert gone.max() <= kept.min()
    assert (kept.size, gone.size) == (7632, 30528)


def frozen(model):
    model.requires_grad_(False)
    return weights_of(model)


def test_each_layer_may_be_pruned_by_itself():
    model = sparsify(network(), 0.5, scope="layer")
    assert zeros(model) == [72, 2304, 16384, 320]


def test_ignored_layers_stay_whole():
    model = sparsify(network(), 0.9, ignored=["0", "9.weight"])
    assert zeros(model)[0] == zeros(model)[-1] == 0
    assert [weight.path for weight in weights_of(model, ["0"])] == ["2.weight", "7.weight", "9.weight"]


def test_a_pattern_needs_a_multiple_in_every_layer():
    with pytest.raises(ValueError, match=r"prune: 2:4 needs a multiple of 4 inputs; name in ignored: 0\.weight"):
        sparsify(network(), pattern="2:4")
    model = sparsify(network(), pattern="2:4", ignored=["0"])
    assert zeros(model) == [0, 2304, 16384, 320]


def test_embeddings_and_what_is_tied_to_one_are_no_weights():
    model = models.GPT(11, 8, layers=1, heads=2, width=8)
    assert not [weight.path for weight in weights_of(model) if "wte" in weight.path or "wpe" in weight.path]
    tied = nn.Sequential(nn.Embedding(5, 4), nn.Linear(4, 5), nn.Linear(5, 2))
    tied[1].weight = tied[0].weight
    assert [weight.path for weight in weights_of(tied)] == ["2.weight"]


def test_masks_that_are_made_permanent_keep_the_answers():
    model, x = sparsify(network(), 0.9).eval(), tt.rand(2, 1, 8, 8)
    before = model(x).detach().numpy()
    state = list(network().state_dict())
    assert sorted(prune.remove_all(model).state_dict()) == sorted(state)
    np.testing.assert_array_equal(model(x).detach().numpy(), before)
    assert sparsity_of(model) == pytest.approx(0.9, abs=1e-4)


WRONG = [
    ({"sparsity": 1.0}, "expected sparsity of at least 0 and below 1, got 1.0"),
    ({"sparsity": -0.1}, "expected sparsity of at least 0 and below 1, got -0.1"),
    ({"sparsity": float("nan")}, "expected sparsity of at least 0 and below 1, got nan"),
    ({"sparsity": "0.5"}, "expected sparsity as a number, got '0.5'"),
    ({}, "expected either a sparsity or a pattern"),
    ({"sparsity": 0.5, "pattern": "2:4"}, "expected either a sparsity or a pattern"),
    ({"pattern": "half"}, "expected a pattern such as '2:4', got 'half'"),
    ({"pattern": "4:2", "ignored": ["0"]}, "expected 0 < n < m, got n = 4 and m = 2"),
    ({"pattern": "0:0"}, "expected 0 < n < m"),
    ({"sparsity": 0.5, "scope": "all"}, "expected scope global or layer"),
    ({"sparsity": 0.5, "ignored": ["5"]}, "there is no weight '5' to ignore; there are 0.weight, 2.weight"),
    ({"sparsity": 0.5, "ignored": 3}, "prune: expected names as ignored, got 3"),
    ({"sparsity": 0.5, "ignored": [3]}, r"prune: expected names as ignored, got \[3\]"),
    ({"sparsity": 0.5, "ignored": ["*"]}, "Sequential has no weights that can be pruned"),
    ({"sparsity": 0.5, "ignored": ["0", "2", "7", "9"]}, "Sequential has no weights that can be pruned"),
]


@pytest.mark.parametrize(("options", "sentence"), WRONG)
def test_what_is_refused_leaves_the_model_whole(options, sentence):
    model = network()
    with pytest.raises((TypeError, ValueError), match=sentence):
        sparsify(model, **options)
    assert not prune.is_pruned(model)


def test_what_is_no_model_is_refused():
    with pytest.raises(TypeError, match="prune: expected a module, got str"):
        sparsify("x", 0.5)


def test_a_layer_that_cannot_be_masked_leaves_all_others_unmasked():
    model = network()
    model[9].register_buffer("weight_mask", tt.ones(1))
    with pytest.raises(ValueError, match="Linear has a 'weight_mask' of its own"):
        sparsify(model, 0.5)
    assert not prune.is_pruned(model)


def test_two_layers_that_share_a_weight_are_refused():
    model = nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 3))
    model[1].weight = model[0].weight
    with pytest.raises(ValueError, match="two layers share a weight; name one of them in ignored"):
        sparsify(model, 0.5)
