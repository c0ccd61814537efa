"""Observers: ranges that outliers do not spoil, and what cannot be observed."""

import numpy as np
import pytest

import tinytorch as tt
from tinytorch_quant import (
    EntropyObserver,
    HistogramObserver,
    MinMaxObserver,
    MovingAverageMinMaxObserver,
    MovingAveragePerChannelMinMaxObserver,
    PercentileObserver,
    PerChannelMinMaxObserver,
)

ALL = [
    MinMaxObserver,
    MovingAverageMinMaxObserver,
    PerChannelMinMaxObserver,
    MovingAveragePerChannelMinMaxObserver,
    HistogramObserver,
    PercentileObserver,
    EntropyObserver,
]
every = pytest.mark.parametrize("kind", ALL, ids=lambda kind: kind.__name__)


@every
def test_an_observer_gives_its_input_on(kind):
    x = tt.randn(3, 4)
    assert kind()(x) is x


@every
@pytest.mark.parametrize("bad", [float("nan"), float("inf"), -float("inf")])
def test_what_is_not_finite_is_told(kind, bad):
    with pytest.raises(ValueError, match=f"{kind.__name__}: expected finite numbers to observe"):
        kind()(tt.tensor([[1.0, bad]]))


@every
def test_without_data_there_is_no_range(kind):
    observer = kind()
    observer(tt.zeros(0, 3))
    with pytest.raises(ValueError, match="has seen no data"):
        observer.calculate_qparams()


@every
@pytest.mark.parametrize("constant", [0.0, 5.0, -3.0])
def test_a_constant_is_kept(kind, constant):
    observer = kind()
    observer(tt.full((4, 4), constant))
    scale, zero_point = (each.numpy() for each in observer.calculate_qparams())
    assert (scale > 0).all()
    code = np.clip(np.rint(constant / scale) + zero_point, -128, 127)
    np.testing.assert_allclose((code - zero_point) * scale, constant, atol=float(scale.max()) / 2 + 1e-6)


@pytest.mark.parametrize("kind", [HistogramObserver, PercentileObserver, EntropyObserver])
def test_an_outlier_does_not_take_the_range(kind):
    x = np.random.default_rng(0).standard_normal((200, 200)).astype(np.float32)
    x[0, 0] = 100.0
    observer, plain = kind(quant_min=-8, quant_max=7), MinMaxObserver(quant_min=-8, quant_max=7)
    observer(tt.tensor(x))
    plain(tt.tensor(x))
    assert observer.range()[1] < 50.0
    assert lost(observer, x[1:]) < lost(plain, x[1:])


def lost(observer, x):
    scale, zero_point = (each.numpy() for each in observer.calculate_qparams())
    codes = np.clip(np.rint(x / scale) + zero_point, observer.quant_min, observer.quant_max)
    return np.square((codes - zero_point) * scale - x).mean()


@pytest.mark.parametrize("size", [1e-20, 1e13, 1e30, 1e36])
def test_large_numbers_are_searched_as_small_ones_are(size):
    x = np.random.default_rng(0).standard_normal((200, 200)).astype(np.float32)
    observer, large = HistogramObserver(), HistogramObserver()
    observer(tt.tensor(x))
    large(tt.tensor(x * np.float32(size)))
    expected = np.asarray(observer.range())
    np.testing.assert_allclose(np.asarray(large.range()) / np.float32(size), expected, rtol=1e-3)  # a bin


def test_a_range_beyond_float32_is_one_sentence():
    observer = HistogramObserver()
    observer(tt.tensor([-3e38, 3e38]))
    with pytest.raises(ValueError, match=r"qparams_of_range: the range from .* is too wide for float32"):
        observer.calculate_qparams()


def test_zeros_of_relu_do_not_narrow_the_entropys_range():
    x = np.maximum(np.random.default_rng(0).standard_normal((100, 1600)).astype(np.float32), 0.0)
    observer = EntropyObserver()
    observer(tt.tensor(x))
    assert observer.range()[1] > 2.5


def test_a_percentile_leaves_out_its_share():
    observer = PercentileObserver(90.0)
    observer(tt.arange(1000).to("float32"))
    low, high = observer.range()
    assert abs(low - 50) < 2  # a number and a bin
    assert abs(high - 950) < 2


def test_a_histogram_grows_with_its_range_and_keeps_its_counts():
    observer = HistogramObserver(bins=64)
    for reach in (1.0, 10.0, 3.0, 100.0):
        observer(tt.tensor(np.linspace(-reach, reach, 500, dtype=np.float32)))
    assert observer.histogram.sum() == 2000
    assert (observer.min_val, observer.max_val) == (-100.0, 100.0)


def test_a_percentile_that_cannot_be_is_told():
    with pytest.raises(ValueError, match="expected a percentile above 50 and at most 100, got 30"):
        PercentileObserver(30)
