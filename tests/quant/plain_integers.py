"""The integer ops once more, number by number in Python's own whole numbers, after gemmlowp and TFLite."""

import itertools
import math
from fractions import Fraction

import numpy as np


def half_up(number):
    return math.floor(number + Fraction(1, 2))


def half_away(number):
    return half_up(number) if number >= 0 else -half_up(-number)


def double_rounding(x, mantissa, shift):
    """gemmlowp's SaturatingRoundingDoublingHighMul, then RoundingDivideByPOT."""
    wide = min(max(x * 2 ** max(shift, 0), -(2**31)), 2**31 - 1)
    return half_away(Fraction(half_up(Fraction(wide * mantissa, 2**31)), 2 ** max(-shift, 0)))


def single_rounding(x, mantissa, shift):
    return half_up(Fraction(x * mantissa * 2 ** (shift + 31), 2**62))


def limited(number, low, high):
    return min(max(number, low), high)


def int8_linear(x, weight, bias, mantissa, shift, zero_point, low, high):
    out = np.empty((*x.shape[:-1], len(weight)), np.int8)
    for at in np.ndindex(out.shape):
        row, column = x[at[:-1]].tolist(), at[-1]
        total = sum(a * b for a, b in zip(row, weight[column].tolist(), strict=True)) + int(bias[column])
        number = single_rounding(total, int(mantissa[column]), int(shift[column]))
        out[at] = limited(number + zero_point, low, high)
    return out


def places(size, pads, kernel, stride, dilation):
    """For each window along a dimension, the places that it sees, of which some lie outside."""
    count = (size + sum(pads) - dilation * (kernel - 1) - 1) // stride + 1
    return [[n * stride - pads[0] + k * dilation for k in range(kernel)] for n in range(count)]


def windows(x, kernel, stride, padding, dilation=(1, 1)):
    """The output's size, and a function that gives what a channel's window sees: (code or None, place) pairs."""
    rows, columns = (places(*each) for each in zip(x.shape[2:], padding, kernel, stride, dilation, strict=True))

    def seen(image, channel, i, j):
        for (a, row), (b, column) in itertools.product(enumerate(rows[i]), enumerate(columns[j])):
            inside = 0 <= row < x.shape[2] and 0 <= column < x.shape[3]
            yield int(x[image, channel, row, column]) if inside else None, (a, b)

    return (len(rows), len(columns)), seen


def int8_conv2d(
    x, weight, bias, mantissa, shift, stride, padding, dilation, groups, fill, zero_point, low, high
):  # fmt: skip
    size, seen = windows(x, weight.shape[2:], stride, padding, dilation)
    out = np.empty((len(x), len(weight), *size), np.int8)
    for image, channel, i, j in np.ndindex(out.shape):
        first = channel // (len(weight) // groups) * weight.shape[1]
        total = int(bias[channel])
        for inside in range(weight.shape[1]):
            for code, (a, b) in seen(image, first + inside, i, j):
                total += (fill if code is None else code) * int(weight[channel, inside, a, b])
        number = double_rounding(total, int(mantissa[channel]), int(shift[channel]))
        out[image, channel, i, j] = limited(number + zero_point, low, high)
    return out


def pooled(x, kernel, stride, padding, reduced, low, high):
    size, seen = windows(x, kernel, stride, padding)
    out = np.empty((*x.shape[:2], *size), np.int8)
    for at in np.ndindex(out.shape):
        out[at] = limited(reduced([code for code, _ in seen(*at) if code is not None]), low, high)
    return out


def int8_avg_pool2d(x, kernel, stride, padding, low, high):
    return pooled(x, kernel, stride, padding, lambda seen: half_away(Fraction(sum(seen), len(seen))), low, high)


def int8_max_pool2d(x, kernel, stride, padding, low, high):
    return pooled(x, kernel, stride, padding, max, low, high)


def int8_add(a, b, a_unit, b_unit, mantissa, shift, zero_point, low, high):
    def counted(code, unit):
        return double_rounding((code - unit[0]) << 20, *unit[1:])

    out = np.empty(a.shape, np.int8)
    for at in np.ndindex(a.shape):
        total = counted(int(a[at]), a_unit) + counted(int(b[at]), b_unit)
        out[at] = limited(double_rounding(total, mantissa, shift) + zero_point, low, high)
    return out


def int8_lookup(x, table):
    return np.array([table[code + 128] for code in x.ravel().tolist()], np.int8).reshape(x.shape)


def high_product(a, b):
    """gemmlowp's SaturatingRoundingDoublingHighMul."""
    return half_up(Fraction(a * b, 2**31))


def reciprocal(a):
    """gemmlowp's one_over_one_plus_x_for_x_in_0_1, with 2 bits before the point on the way."""
    half = half_away(Fraction(a + 2**31 - 1, 2))
    x = 1515870810 + high_product(half, -1010580540)
    for _ in range(3):
        x += limited(high_product(x, 2**29 - high_product(half, x)) * 4, -(2**31), 2**31 - 1)
    return limited(x * 2, -(2**31), 2**31 - 1)


def int8_softmax(x, table):
    out = np.empty(x.shape, np.int8)
    for at in np.ndindex(x.shape[:-1]):
        row = x[at].tolist()
        weights = [int(table[max(row) - code]) for code in row]
        total = sum(half_away(Fraction(weight, 2**12)) for weight in weights)
        bits = total.bit_length()
        inverse = reciprocal(total * 2 ** (32 - bits) - 2**31)
        shares = [half_away(Fraction(high_product(inverse, weight), 2 ** (bits + 3))) for weight in weights]
        out[at] = [min(share - 128, 127) for share in shares]
    return out


def int8_quantize(x, scale, zero_point):
    by = np.float32(1.0 / scale)
    numbers = [limited(round(float(np.float32(number * by))) + zero_point, -128, 127) for number in x.ravel()]
    return np.array(numbers, np.int8).reshape(x.shape)


def int8_dequantize(x, scale, zero_point):
    numbers = [np.float32(code - zero_point) * np.float32(scale) for code in x.ravel().tolist()]
    return np.array(numbers, np.float32).reshape(x.shape)
