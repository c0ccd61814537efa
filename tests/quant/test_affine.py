"""Scales, zero points and codes: what holds for all numbers, and what is refused."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as numbers

import tinytorch as tt
from tinytorch.testing import check_gradient
from tinytorch_quant import choose_qparams_affine, dequantize_affine, fake_quantize_affine, quantize_affine
from tinytorch_quant.affine import EPS, fake_quantize, fake_quantize_grad

FLOATS = st.floats(-(2.0**40), 2.0**40, width=32)
TABLES = numbers.arrays(np.float32, numbers.array_shapes(min_dims=2, max_dims=2, max_side=6), elements=FLOATS)
MAPPINGS = pytest.mark.parametrize("mapping", ["symmetric", "asymmetric"])


@MAPPINGS
@given(x=TABLES)
def test_no_number_moves_by_more_than_half_a_step(mapping, x):
    block = (1, x.shape[1])
    scale, zero_point = choose_qparams_affine(tt.tensor(x), mapping, block, -127, 127)
    codes = quantize_affine(tt.tensor(x), block, scale, zero_point, -127, 127)
    back = dequantize_affine(codes, block, scale, zero_point).numpy()
    step = scale.numpy().reshape(-1, 1).astype(np.float64)
    assert (np.abs(back - x.astype(np.float64)) <= step * (0.5 + 1e-4)).all()  # the zero point is rounded with the ends
    assert codes.dtype == "int8"


@MAPPINGS
@given(x=TABLES)
def test_zero_is_kept_exactly(mapping, x):
    x[:, 0] = 0.0
    scale, zero_point = choose_qparams_affine(tt.tensor(x), mapping, x.shape)
    codes = quantize_affine(tt.tensor(x), x.shape, scale, zero_point)
    assert (dequantize_affine(codes, x.shape, scale, zero_point).numpy()[:, 0] == 0.0).all()


@given(x=TABLES)
def test_without_preserving_zero_the_ends_are_kept(x):
    ends = x.min(initial=0.0), x.max(initial=0.0)
    assume(not 0.0 < ends[1] - ends[0] < 15 * EPS)  # a narrower range has steps of eps, which do not end where it does
    scale, zero_point = choose_qparams_affine(tt.tensor(x), "asymmetric", x.shape, -8, 7, preserve_zero=False)
    codes = quantize_affine(tt.tensor(np.array([ends])), (1, 2), scale, zero_point, -8, 7)
    assert codes.tolist() in ([[-8, 7]], [[-8, -8]])  # the second: all numbers are 0
    back = dequantize_affine(codes, (1, 2), scale, zero_point).numpy()
    np.testing.assert_allclose(back, [ends], atol=1e-4 * scale.item())


@pytest.mark.parametrize(("low", "high", "dtype"), [(0, 255, "uint8"), (-8, 7, "int8"), (-32768, 32767, "int16")])
def test_codes_have_a_type_that_holds_them(low, high, dtype):
    x = tt.tensor(np.linspace(-1.0, 1.0, 64, dtype=np.float32))
    scale, zero_point = choose_qparams_affine(x, "asymmetric", (64,), low, high)
    codes = quantize_affine(x, (64,), scale, zero_point, low, high)
    assert codes.dtype == dtype
    back = dequantize_affine(codes, (64,), scale, zero_point).numpy()
    assert np.abs(back - x.numpy()).max() <= scale.item() * 0.501


def test_without_a_zero_point_it_is_zero():
    x, scale = tt.randn(3, 4), tt.full((3,), 0.02)
    zeros = tt.zeros(3, dtype="int32")
    assert tt.equal(quantize_affine(x, (1, 4), scale, None), quantize_affine(x, (1, 4), scale, zeros))


@pytest.mark.parametrize(("block", "shape"), [((4, 6), ()), ((1, 6), (4,)), ((1, 3), (4, 2)), ((4, 1), (6,))])
def test_a_scale_has_the_shape_of_the_blocks(block, shape):
    scale, zero_point = choose_qparams_affine(tt.randn(4, 6), "symmetric", block)
    assert scale.shape == zero_point.shape == shape


@MAPPINGS
def test_a_tensor_of_zeros_has_the_smallest_scale(mapping):
    scale, zero_point = choose_qparams_affine(tt.zeros(3, 4), mapping, (1, 4))
    assert (scale.numpy() == np.finfo(np.float32).eps).all()
    assert (quantize_affine(tt.zeros(3, 4), (1, 4), scale, zero_point).numpy() == zero_point.numpy()[:, None]).all()


def test_the_gradient_passes_where_codes_are_within_limits():
    x = tt.tensor([[-9.0, -1.2, 0.3, 9.0]], requires_grad=True)
    out = fake_quantize_affine(x, (1, 4), tt.tensor(0.5), tt.tensor(0, dtype="int32"), -8, 7)
    assert out.tolist() == [[-4.0, -1.0, 0.5, 3.5]]
    (out * tt.tensor([[1.0, 2.0, 3.0, 4.0]])).sum().backward()
    assert x.grad.tolist() == [[0.0, 2.0, 3.0, 0.0]]


def test_the_gradients_gradient_is_right():
    x, scale, zero_point = (
        tt.randn(3, 4, dtype="float64"),
        tt.full((3,), 0.1, dtype="float64"),
        tt.zeros(3, dtype="int32"),
    )
    grad = np.random.default_rng(0).standard_normal((3, 4))
    check_gradient(lambda g: fake_quantize_grad(g, x, scale, zero_point, (1, 4), -8, 7), [grad], order=2)
    assert fake_quantize(x, scale, zero_point, (1, 4), -8, 7).dtype == "float64"


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: choose_qparams_affine(tt.tensor([float("nan")]), "symmetric", (1,)), "expected finite numbers"),
        (lambda: choose_qparams_affine(tt.tensor([float("inf")]), "symmetric", (1,)), "expected finite numbers"),
        (lambda: choose_qparams_affine(tt.zeros(0), "symmetric", (1,)), "got an empty tensor"),
        (lambda: choose_qparams_affine(tt.ones(3), "even", (3,)), "expected a mapping of symmetric or asymmetric"),
        (lambda: choose_qparams_affine(tt.ones(3), "symmetric", (2,)), "do not divide a tensor of shape"),
        (lambda: choose_qparams_affine(tt.ones(3), "symmetric", (3,), 7, 7), "expected quant_min below quant_max"),
        (lambda: choose_qparams_affine(tt.tensor([-3e38, 3e38]), "asymmetric", (2,)), "too wide for float32"),
        (
            lambda: quantize_affine(tt.ones(4), (2,), tt.ones(3), tt.zeros(3, dtype="int32")),
            "expected 2 scales, one for each block, got 3",
        ),
        (
            lambda: dequantize_affine(tt.zeros(4, dtype="int8"), (2,), tt.ones(3), None),
            "dequantize_affine: expected 2 scales, one for each block, got 3",
        ),
        (
            lambda: dequantize_affine(tt.zeros(4, dtype="int8"), (2,), tt.ones(2), tt.zeros(3, dtype="int32")),
            "dequantize_affine: expected 2 zero points, one for each block, got 3",
        ),
        (
            lambda: quantize_affine(tt.ones(4), (4,), tt.ones(1), None, 0, 1 << 16),
            "expected quant_min below quant_max within int16, got 0 and 65536",
        ),
    ],
)
def test_what_cannot_be_is_one_sentence(call, message):
    with pytest.raises(ValueError, match=message):
        call()
