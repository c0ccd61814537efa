"""Counting: against formulas that can be worked out by hand."""

import pytest

import tinytorch as tt
from tinytorch import nn
from tinytorch_compress.structured import cost


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
    assert cost(model, [tt.randn(*shape) for shape in shapes]) == (parameters, macs)


def test_a_shared_weight_is_counted_once_and_used_twice():
    layer = nn.Linear(4, 4, bias=False)
    assert cost(nn.Sequential(layer, layer), tt.zeros(1, 4)) == (16, 32)


def test_inputs_that_do_not_fit_are_one_sentence():
    with pytest.raises(ValueError, match=r"cost: Linear cannot be run on inputs \(1, 4\): linear"):
        cost(nn.Linear(3, 5), tt.zeros(1, 4))
