"""Observers with a histogram: the range is searched that loses least, so that outliers may be left out.

`HistogramObserver` is torch.ao.quantization's, and with it caffe2's search by squared error; the others read the same
histogram: a percentile, and the entropy that TensorRT compares (Migacz 2017, "8-bit inference with TensorRT").
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from tinytorch.core.tensor.numbers import real, whole
from tinytorch_quant.observers import Observer

if TYPE_CHECKING:
    from tinytorch.types import Array

UPSAMPLE_RATE = 16  # how finely an old histogram is cut before it is counted in wider bins
STEP = 1e-5  # of the quantiles that the search moves
ENTROPY_CANDIDATES = 128  # ranges that are compared


class HistogramObserver(Observer):
    """A histogram of all numbers, from which the range of least squared error is searched."""

    def __init__(
        self, bins: int = 2048, mapping_type: str = "asymmetric", quant_min: int = -128, quant_max: int = 127
    ) -> None:
        super().__init__(mapping_type, quant_min, quant_max)
        self.bins = whole(type(self).__name__, "bins", bins, least=2)
        self.histogram = np.zeros(self.bins, np.float32)

    def observe(self, x: Array) -> None:
        """Count the numbers, in wider bins if they reach further than before."""
        x = x.astype(np.float32, copy=False)
        low, high = float(x.min()), float(x.max())
        if self.min_val is not None and self.max_val is not None:
            old = float(self.min_val), float(self.max_val)
            low, high = min(old[0], low), max(old[1], high)
            self.histogram = _counts(x, self.bins, low, high) + _rebinned(self.histogram, old, (low, high))
        else:
            self.histogram = _counts(x, self.bins, low, high)
        self.min_val, self.max_val = np.asarray(low, np.float32), np.asarray(high, np.float32)

    def range(self) -> tuple[Array, Array]:
        """The range that was found to lose least."""
        low, high = super().range()
        if low == high:
            return low, high
        width = (float(high) - float(low)) / self.bins
        first, last = self.chosen_bins(width)
        ends = float(low) + width * first, float(low) + width * (last + 1)
        return np.asarray(ends[0], np.float32), np.asarray(ends[1], np.float32)

    def chosen_bins(self, width: float) -> tuple[int, int]:
        """The first and the last bin that are kept, of bins of this width."""
        return _least_squares(self.histogram, self.quant_max - self.quant_min + 1)


class PercentileObserver(HistogramObserver):
    """The range that leaves out a share of the numbers: those beyond a percentile, on both sides together."""

    def __init__(
        self,
        percentile: float = 99.99,
        bins: int = 2048,
        mapping_type: str = "asymmetric",
        quant_min: int = -128,
        quant_max: int = 127,
    ) -> None:
        super().__init__(bins, mapping_type, quant_min, quant_max)
        self.percentile = real(type(self).__name__, "percentile", percentile)
        if not 50.0 < self.percentile <= 100.0:
            raise ValueError(f"PercentileObserver: expected a percentile above 50 and at most 100, got {percentile}")

    def chosen_bins(self, width: float) -> tuple[int, int]:
        """The bins between which the percentile lies."""
        shares = np.cumsum(self.histogram, dtype=np.float64) / self.histogram.sum(dtype=np.float64)
        tail = (1.0 - self.percentile / 100.0) / 2.0
        first = int(np.searchsorted(shares, tail, side="right"))
        last = int(np.searchsorted(shares, 1.0 - tail, side="left"))
        return min(first, self.bins - 1), min(last, self.bins - 1)


class EntropyObserver(HistogramObserver):
    """The range after which the histogram says least else: the smallest Kullback-Leibler divergence."""

    def chosen_bins(self, width: float) -> tuple[int, int]:
        """Compare ranges around 0 that get narrower by the same share on both sides.

        What ReLU has made 0 is kept exactly whatever the range, and counts no more than the numbers next to it.
        """
        low = float(super(HistogramObserver, self).range()[0])
        zero = min(max(-low / width, 0.0), float(self.bins))  # the bin in which 0 lies
        levels = self.quant_max - self.quant_min + 1
        counts, place = self.histogram.copy(), min(int(zero), self.bins - 1)
        counts[place] = max(counts[near] for near in (place - 1, place + 1) if 0 <= near < self.bins)
        best, found = math.inf, (0, self.bins - 1)
        for number in range(ENTROPY_CANDIDATES):
            share = 1.0 - number / ENTROPY_CANDIDATES
            first, last = math.floor(zero - zero * share), math.ceil(zero + (self.bins - zero) * share) - 1
            if last - first + 1 < levels:
                break
            divergence = _divergence(counts, first, last, levels)
            if divergence < best:
                best, found = divergence, (first, last)
        return found


def _counts(x: Array, bins: int, low: float, high: float) -> Array:
    """How many numbers lie in each of the bins from low to high, as torch.histc counts: (bins,) float32."""
    if low == high:  # as torch.histc, which puts a constant into the middle
        return np.eye(1, bins, bins // 2, dtype=np.float32)[0] * np.float32(x.size)
    places = ((x.reshape(-1).astype(np.float64) - low) * bins / (high - low)).astype(np.int64)
    return np.bincount(np.minimum(places, bins - 1), minlength=bins).astype(np.float32)


def _rebinned(histogram: Array, old: tuple[float, float], new: tuple[float, float]) -> Array:
    """A histogram counted again in bins that reach further: (bins,) -> (bins,)."""
    bins = len(histogram)
    if old == new:
        return histogram
    if old[0] == old[1]:
        return _counts(np.asarray(old[:1], np.float32), bins, *new) * histogram.sum()
    middles = np.linspace(*old, bins * UPSAMPLE_RATE, endpoint=False) + (old[1] - old[0]) / (bins * UPSAMPLE_RATE) / 2
    places = np.searchsorted(np.linspace(*new, bins + 1), middles, side="right") - 1
    fine = np.repeat(histogram, UPSAMPLE_RATE) / UPSAMPLE_RATE
    return np.bincount(np.clip(places, 0, bins - 1), weights=fine, minlength=bins).astype(np.float32)


def _least_squares(histogram: Array, levels: int) -> tuple[int, int]:
    """The bins that caffe2's search ends with: it moves the end that holds less, until the error grows."""
    shares = np.cumsum(histogram)
    total = float(histogram.sum())
    low, high, first, last = 0.0, 1.0, 0, len(histogram) - 1
    least = math.inf
    while low < high:
        next_low, next_high = low + STEP, high - STEP
        left = min(max(int(np.searchsorted(shares, np.float32(next_low * total), side="left")), first), last)
        right = max(min(int(np.searchsorted(shares, np.float32(next_high * total), side="right")) - 1, last), first)
        if left - first > last - right:
            chosen, low = (left, last), next_low
        else:
            chosen, high = (first, right), next_high
        if chosen == (first, last):
            continue
        error = _squared_error(histogram, *chosen, levels)
        if error > least:
            break
        least, (first, last) = error, chosen
    return first, last


def _squared_error(histogram: Array, first: int, last: int, levels: int) -> float:
    """The squared error of codes for the bins from first to last; numbers lie evenly within a bin.

    In squares of a bin's width, which would overflow where numbers are large, and in float32, as PyTorch: where errors
    are nearly equal, rounding decides where the search ends.
    """
    step = (last - first + 1) / levels  # of the codes
    begin = (np.arange(len(histogram)) - first).astype(np.float32)
    end = begin + 1.0
    code_of_begin = np.clip(np.floor(begin / step), 0, levels - 1)
    code_of_end = np.clip(np.floor(end / step), 0, levels - 1)
    half = step / 2
    error = _cubes(begin - (code_of_begin + 0.5) * step, half)
    error = error + (code_of_end - code_of_begin - 1) * _cubes(-half, half)
    error = error + _cubes(-half, end - (code_of_end + 0.5) * step)
    return float((error * histogram).sum())


def _cubes(begin: Array | float, end: Array | float) -> Array:
    """The integral of x * x from begin to end."""
    return np.asarray((end * end * end - begin * begin * begin) / 3.0)


def _divergence(histogram: Array, first: int, last: int, levels: int) -> float:
    """KL(p || q): p with what lies outside at its ends, q what codes of so many levels would tell of it."""
    kept = histogram[first : last + 1].astype(np.float64)
    p = kept.copy()
    p[0] += histogram[:first].sum(dtype=np.float64)
    p[-1] += histogram[last + 1 :].sum(dtype=np.float64)
    groups = np.arange(len(kept)) * levels // len(kept)
    filled = kept > 0
    sums = np.bincount(groups, weights=kept, minlength=levels)
    counts = np.bincount(groups, weights=filled, minlength=levels)
    q = np.where(filled, sums[groups] / np.maximum(counts[groups], 1.0), 0.0)
    if not p[p > 0].size or not q.sum():
        return math.inf
    p, q = p / p.sum(), q / q.sum()
    if (q[p > 0] == 0).any():
        q = np.maximum(q, 1e-12)  # an end that held nothing of its own: far, but not infinitely
    return float((p[p > 0] * np.log(p[p > 0] / q[p > 0])).sum())
