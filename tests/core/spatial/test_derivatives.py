"""First and second derivatives of windows, against finite differences."""

import pytest

from tinytorch.nn import functional as F
from tinytorch.testing import check_gradient, draw

CONVOLUTIONS = [
    ({}, 2, 3),
    ({"stride": 2}, 2, 3),
    ({"padding": 1}, 2, 3),
    ({"padding": "same"}, 2, 3),
    ({"padding": (0, 1, 2, 3)}, 2, 3),
    ({"dilation": 2, "padding": 2}, 2, 3),
    ({"stride": (2, 1), "padding": (1, 0), "dilation": (1, 2)}, 2, 3),
    ({"groups": 2}, 4, 2),
    ({"groups": 4, "padding": 1}, 4, 4),
    ({"groups": 2, "stride": 3}, 2, 4),
]


@pytest.mark.parametrize(("options", "ins", "outs"), CONVOLUTIONS)
def test_convolution_twice(rng, options, ins, outs):
    shapes = [(2, ins, 6, 7), (outs, ins // options.get("groups", 1), 3, 2), (outs,)]
    inputs = [rng.standard_normal(shape) for shape in shapes]
    check_gradient(lambda x, w, b: F.conv2d(x, w, b, **options), inputs, order=2, name="conv2d")


def test_convolution_of_sequences_twice(rng):
    inputs = [rng.standard_normal(shape) for shape in ((2, 3, 8), (4, 3, 3), (4,))]
    check_gradient(lambda x, w, b: F.conv1d(x, w, b, stride=2, padding=1), inputs, order=2, name="conv1d")


@pytest.mark.parametrize("options", [{}, {"stride": 1}, {"padding": 1}, {"dilation": 2}, {"ceil_mode": True}])
def test_max_pool_twice(rng, options):
    apart = draw.distinct(rng, (2, 2, 6, 7), "float64")
    check_gradient(lambda x: F.max_pool2d(x, 3, **options), [apart], order=2, name="max_pool2d")


@pytest.mark.parametrize(
    "options",
    [{}, {"stride": 1}, {"padding": 1, "count_include_pad": False}, {"ceil_mode": True}, {"divisor_override": 5}],
)
def test_mean_pool_twice(rng, options):
    check_gradient(
        lambda x: F.avg_pool2d(x, 3, **options) ** 2, [rng.standard_normal((2, 2, 6, 7))], order=2, name="avg_pool2d"
    )


@pytest.mark.parametrize("size", [1, (2, 3), (5, 4)])
def test_adaptive_mean_pool_twice(rng, size):
    check_gradient(lambda x: F.adaptive_avg_pool2d(x, size) ** 2, [rng.standard_normal((2, 2, 6, 7))], order=2)
