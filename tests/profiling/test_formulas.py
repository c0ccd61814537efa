"""Formulas give the multiplications of an op, counted one by one, and 0 for what only moves numbers."""

from itertools import product

import numpy as np
import pytest

import tinytorch as tt
from tinytorch.testing import OP_CASES
from tinytorch_profiling import FLOPCounter
from tinytorch_profiling.events import Call, Spec
from tinytorch_profiling.formulas import FORMULAS, MOVES, VIEWS, formula, macs, moved

F = tt.nn.functional


def call(op, inputs, *outputs):
    return Call(op, tuple(inputs), outputs, 0, 0, 0, "core", None)


def recorded(function):
    with FLOPCounter() as counter:
        function()
    (found,) = [each for each in counter.recording.calls if each.op not in VIEWS]
    return found


def test_every_formula_is_of_an_op():
    assert FORMULAS.keys() <= {case.op for case in OP_CASES}


def test_what_moves_numbers_has_none_and_arithmetic_no_formula():
    x = Spec((3, 4), "float32")
    assert {macs(call(op, (x,), x)) for op in MOVES} == {0}
    assert macs(call("exp", (x,), x)) is None


@pytest.mark.parametrize(
    ("a", "b"), [((2, 3), (3, 4)), ((5, 2, 3), (3, 4)), ((2, 3), (3,)), ((3,), (3,)), ((0, 3), (3, 2))]
)
def test_a_product_takes_the_inner_dimension_for_each_element(a, b):
    found = recorded(lambda: tt.ones(*a) @ tt.ones(*b))
    assert macs(found) == (np.ones(a) @ np.ones(b)).size * 3


def products_of_conv2d(x, weight, stride, padding, dilation, groups):
    """Every pair of a number of the padded image and one of the weight that meet, counted."""
    batch, channels, *image = x
    out = [(n + 2 * padding - dilation * (k - 1) - 1) // stride + 1 for n, k in zip(image, weight[2:], strict=True)]
    pairs = product(
        range(batch), range(weight[0]), *map(range, out), range(channels // groups), *map(range, weight[2:])
    )
    return sum(1 for _ in pairs)


@pytest.mark.parametrize(
    ("x", "weight", "options"),
    [
        ((2, 4, 7, 6), (6, 4, 3, 2), (1, 0, 1, 1)),
        ((1, 4, 7, 6), (6, 2, 3, 3), (2, 1, 1, 2)),
        ((2, 4, 9, 9), (4, 1, 3, 3), (1, 2, 2, 4)),
    ],
)
def test_convolution_and_both_its_gradients_take_the_same(x, weight, options):
    a, w = tt.ones(*x, requires_grad=True), tt.ones(*weight, requires_grad=True)
    with FLOPCounter() as counter:
        F.conv2d(a, w, None, *options).sum().backward()
    expected = products_of_conv2d(x, weight, *options)
    found = {op: each.macs for op, each in counter.by_op().items() if each.macs}
    assert found == dict.fromkeys(("conv2d", "conv2d_input_grad", "conv2d_weight_grad"), expected)


def test_attention_takes_two_products_and_its_gradient_five():
    q, k, v = tt.ones(2, 4, 5, 8), tt.ones(2, 2, 6, 8), tt.ones(2, 2, 6, 3)
    for each in (q, k, v):
        each.requires_grad_()
    with FLOPCounter() as counter:
        F.scaled_dot_product_attention(q, k, v, is_causal=True, enable_gqa=True).sum().backward()
    pairs = 2 * 4 * 5 * 6
    counts = counter.by_op()
    assert counts["attention"].macs == pairs * (8 + 3)
    assert counts["attention_grad"].macs == pairs * (3 * 8 + 2 * 3)


def test_a_view_moves_nothing_and_a_lookup_what_it_finds():
    assert moved(recorded(lambda: tt.ones(3, 4).to(tt.float64))) == 12 * (4 + 8)
    found = recorded(lambda: F.embedding(tt.tensor([1, 2]), tt.ones(1000, 8)))
    assert moved(found) == 2 * (2 * 8 * 4) + 2 * 8
    for op in VIEWS:
        assert moved(call(op, (Spec((3,), "float32"),), Spec((3,), "float32"))) == 0
    x = Spec((3,), "float32")
    assert moved(call("cast", (x, "float32"), x)) == 0


def test_a_formula_can_be_added_once(monkeypatch):
    monkeypatch.setattr("tinytorch_profiling.formulas.FORMULAS", dict(FORMULAS))

    @formula("int8_linear")
    def int8_linear(call):
        return call.inputs[0].shape[0] * 7

    assert macs(call("int8_linear", (Spec((3,), "int8"),))) == 21
    with pytest.raises(ValueError, match="formula: 'int8_linear' has one; to replace it, assign FORMULAS"):
        formula("int8_linear")(int8_linear)
    with pytest.raises(TypeError, match="formula: expected names of ops"):
        formula(int8_linear)
