"""Legal arguments of the ops that the plugin `quant` declares, for its own tests and for plugins that answer them."""

import numpy as np

from tinytorch.testing import OpCase, draw
from tinytorch_quant import integer

EXACT = {"int8": (0.0, 0.0)}


def codes(rng, shape, low=-128):
    """Codes in any memory layout; one array in four holds nothing but the ends."""
    if rng.random() < 0.25:
        return draw.layout(rng, rng.choice([low, 127], shape).astype(np.int8))
    return draw.layout(rng, rng.integers(low, 128, shape).astype(np.int8))


def constants(rng, weight, fill):
    """Bias, mantissa and shift for a weight: outputs that use the range of codes, and now and then extreme ones."""
    terms = max(1, weight[0].size)
    bias = integer.fold_zero_point(weight, rng.integers(-(1 << 14), 1 << 14, len(weight)), fill)
    largest = 2.0 if rng.random() < 0.8 else 2.0**20
    mantissa, shift = integer.quantize_multiplier(rng.uniform(0.0, largest, len(weight)) / (terms * 64))
    if rng.random() < 0.1:
        shift = rng.choice([-31, 0, 30], len(weight)).astype(np.int8)
    return bias, mantissa, shift


def limits(rng):
    zero_point = int(rng.integers(-128, 128))
    low, high = [(-128, 127), (zero_point, 127), (-100, 50)][rng.integers(0, 3)]
    return zero_point, low, high


def linear(rng, dtype):
    inputs = int(rng.choice([draw.extent(rng, 1, 9, 0.4), 1024, 1025]))
    weight = codes(rng, (draw.extent(rng, 1, 6, 0.3), inputs), low=-127)
    fill = int(rng.integers(-128, 128))
    return codes(rng, (*draw.shape(rng, high=2), inputs)), weight, *constants(rng, weight, fill), *limits(rng)


def pair(rng, low, high):
    return int(rng.integers(low, high)), int(rng.integers(low, high))


def image_size(rng, kernel, dilation=(1, 1)):
    return tuple(d * (k - 1) + draw.extent(rng, 1, 6, 0.2) for k, d in zip(kernel, dilation, strict=True))


def conv2d(rng, dtype):
    """Plain, grouped and depthwise; padding on four sides, steps and gaps."""
    groups = int(rng.integers(1, 4))
    inputs = draw.extent(rng, 1, 4, 0.2) if rng.random() < 0.6 else 1
    kernel, stride, dilation = pair(rng, 1, 4), pair(rng, 1, 3), pair(rng, 1, 3)
    weight = codes(rng, (groups * draw.extent(rng, 1, 3, 0.2), inputs, *kernel), low=-127)
    x = codes(rng, (int(rng.integers(1, 3)), groups * inputs, *image_size(rng, kernel, dilation)))
    fill = int(rng.integers(-128, 128))
    padding = pair(rng, 0, 3), pair(rng, 0, 3)
    return x, weight, *constants(rng, weight, fill), stride, padding, dilation, groups, fill, *limits(rng)


def pool(rng, dtype):
    kernel, stride = pair(rng, 1, 5), pair(rng, 1, 4)
    padding = pair(rng, 0, kernel[0]), pair(rng, 0, kernel[1])
    x = codes(rng, (*pair(rng, 1, 4), *image_size(rng, kernel)))
    return x, kernel, stride, padding, *limits(rng)[1:]


def scale(rng):
    return float(np.exp(rng.uniform(-8, 3)))


def qparams(rng):
    return scale(rng), int(rng.integers(-128, 128))


def add(rng, dtype):
    shape = draw.shape(rng)
    return (
        codes(rng, shape),
        codes(rng, shape),
        *integer.add_constants(qparams(rng), qparams(rng), scale(rng)),
        *limits(rng),
    )


def softmax(rng, dtype):
    return codes(rng, (*draw.shape(rng, high=2), draw.extent(rng, 1, 9))), integer.softmax_table(scale(rng))


def quantize(rng, dtype):
    return draw.normal(rng, draw.shape(rng), np.dtype(np.float32), 10.0), *qparams(rng)


INTEGER_CASES = (
    OpCase("int8_linear", linear, EXACT, ("int8",)),
    OpCase("int8_conv2d", conv2d, EXACT, ("int8",)),
    OpCase("int8_add", add, EXACT, ("int8",)),
    OpCase("int8_avg_pool2d", pool, EXACT, ("int8",)),
    OpCase("int8_max_pool2d", pool, EXACT, ("int8",)),
    OpCase("int8_softmax", softmax, EXACT, ("int8",)),
    OpCase("int8_lookup", lambda rng, _: (codes(rng, draw.shape(rng)), codes(rng, 256)), EXACT, ("int8",)),
    OpCase("int8_quantize", quantize, EXACT, ("int8",)),
    OpCase("int8_dequantize", lambda rng, _: (codes(rng, draw.shape(rng)), *qparams(rng)), EXACT, ("int8",)),
)
