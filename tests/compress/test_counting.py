"""Counting: against formulas that can be worked out by hand, and figures that were published."""

import numpy as np
import pytest

import tinytorch as tt
from tinytorch import models, nn
from tinytorch_compress import prune
from tinytorch_compress.counting import cost

PUBLISHED = {  # MACs of MLPerf Tiny's reference networks
    "ds_cnn": ((1, 49, 10), 2_656_768),
    "resnet8": ((3, 32, 32), 12_501_632),
    "mobilenet_v1": ((3, 96, 96), 7_489_664),
    "autoencoder": ((640,), 264_192),
}


class Product(nn.Module):
    def __init__(self):
        super().__init__()
        self.table = nn.Embedding(7, 3)

    def forward(self, x):
        return x @ self.table.weight.T


class Attending(nn.Module):
    def forward(self, q, k, v):
        return nn.functional.scaled_dot_product_attention(q, k, v)


@pytest.mark.parametrize(
    ("model", "shapes", "parameters", "macs"),
    [
        (nn.Linear(3, 5), [(2, 4, 3)], 20, 2 * 4 * 3 * 5),
        (nn.Conv2d(4, 6, 3, stride=2, padding=1), [(2, 4, 8, 8)], 6 * 4 * 9 + 6, 2 * 6 * 16 * 4 * 9),
        (nn.Conv2d(4, 8, (3, 1), groups=4), [(1, 4, 5, 5)], 8 * 3 + 8, 8 * 3 * 5 * 3),
        (Product(), [(2, 5, 3)], 21, 2 * 5 * 7 * 3),
        (Attending(), [(2, 4, 5, 8), (2, 4, 6, 8), (2, 4, 6, 3)], 0, 2 * 4 * 5 * 6 * (8 + 3)),
        (nn.ReLU(), [(3,)], 0, 0),
    ],
)
def test_costs_are_the_formula_s(model, shapes, parameters, macs):
    assert cost(model, *[tt.randn(*shape) for shape in shapes]) == (parameters, macs, macs, ())


def test_a_shared_weight_is_counted_once_and_used_twice():
    layer = nn.Linear(4, 4, bias=False)
    assert cost(nn.Sequential(layer, layer), tt.zeros(1, 4)) == (16, 32, 32, ())


def test_inputs_that_do_not_fit_are_one_sentence():
    with pytest.raises(ValueError, match=r"cost: Linear cannot be run on inputs \(1, 4\): linear"):
        cost(nn.Linear(3, 5), tt.zeros(1, 4))


@pytest.mark.parametrize("name", PUBLISHED)
def test_reference_networks_have_their_published_macs(name):
    shape, published = PUBLISHED[name]
    model = getattr(models, name)()
    counted = cost(model, tt.zeros(1, *shape))
    assert (counted.macs, counted.nonzero, counted.unknown) == (published, published, ())
    assert model.training  # as it was


def test_what_is_frozen_within_a_training_model_stays_so():
    model = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4)).train()
    model[1].eval()
    cost(model, tt.zeros(2, 3))
    assert [part.training for part in model.modules()] == [True, True, False]


def test_a_weight_that_is_zero_saves_its_macs():
    model = nn.Sequential(nn.Conv2d(1, 2, 3), nn.Flatten(), nn.Linear(2 * 9, 4))
    prune.custom_from_mask(model[0], "weight", np.eye(2, 9).reshape(2, 1, 3, 3))
    model[2].weight.detach()[1:].zero_()
    counted = cost(model, tt.zeros(3, 1, 5, 5))
    assert counted.macs == 3 * (2 * 9 * 9 + 18 * 4)
    assert counted.nonzero == 3 * (2 * 9 + 18)


def test_attention_counts_by_the_formula():
    counted = cost(models.GPT(7, 8, layers=1, heads=2, width=8), tt.zeros(1, 5).long())
    assert counted.macs == 5 * (8 * 24 + 8 * 8 + 8 * 32 + 32 * 8 + 8 * 7) + 2 * 5 * 5 * (4 + 4)
