"""Windows: convolution and pooling over drawn sizes, strides, paddings, dilations and groups."""

from agreement import cases, given
from both import learn, padded_conv, quiet, using
from drawing import of


def two(rng, low, high):
    """A number, or a pair of them."""
    numbers = tuple(int(n) for n in rng.integers(low, high, 2))
    return numbers if rng.random() < 0.6 else numbers[0]


def channels(rng):
    """Channels in and out, and the groups that divide them: one, some, or one for each channel."""
    groups = int(rng.choice([1, 1, 2, 3]))
    width = 1 if rng.random() < 0.3 else int(rng.integers(1, 4))
    return groups * width, groups * int(rng.integers(1, 3)), groups


def convolution(rng):
    ins, outs, groups = channels(rng)
    kernel, stride, dilation = two(rng, 1, 4), two(rng, 1, 4), two(rng, 1, 3)
    height, width = (kernel, kernel) if isinstance(kernel, int) else kernel
    size = [int(rng.integers(7, 11)), int(rng.integers(7, 11))]
    return {
        "x": of(int(rng.integers(1, 4)), ins, *size)(rng),
        "w": of(outs, ins // groups, height, width)(rng),
        "b": of(outs)(rng),
        "s": stride,
        "p": two(rng, 0, 4),
        "d": dilation,
        "g": groups,
        "p4": tuple(int(n) for n in rng.integers(0, 4, 4)),
        "ins": ins,
        "outs": outs,
        "k": kernel,
    }


def sequence(rng):
    ins, outs, groups = channels(rng)
    kernel = int(rng.integers(1, 4))
    return {
        "x": of(int(rng.integers(1, 4)), ins, int(rng.integers(7, 12)))(rng),
        "w": of(outs, ins // groups, kernel)(rng),
        "b": of(outs)(rng),
        "s": int(rng.integers(1, 4)),
        "p": int(rng.integers(0, 4)),
        "d": int(rng.integers(1, 3)),
        "g": groups,
        "ins": ins,
        "outs": outs,
        "k": kernel,
    }


def pooling(rng):
    kernel = two(rng, 1, 4)
    sides = (kernel, kernel) if isinstance(kernel, int) else kernel
    padding = tuple(int(rng.integers(0, k // 2 + 1)) for k in sides)
    return {
        "x": of(int(rng.integers(1, 3)), int(rng.integers(1, 4)), int(rng.integers(7, 12)), int(rng.integers(7, 12)))(
            rng
        ),
        "k": kernel,
        "s": two(rng, 1, 4),
        "p": padding if rng.random() < 0.7 else min(padding),
        "d": two(rng, 1, 3),
        "ceil": bool(rng.integers(0, 2)),
        "size": two(rng, 1, 6),
    }


def ties(rng):
    return {**pooling(rng), "x": rng.integers(0, 3, (2, 2, 8, 9)).astype("float32")}


CASES = [
    *cases(
        "conv2d",
        using(convolution, padded_conv, quiet),
        """
        F.conv2d(x, w, b, s, p, d, g); F.conv2d(x, w, None, s, p, d, g)
        F.conv2d(x, w, b, stride=s, padding=p, dilation=d, groups=g)
        quiet(lambda: F.conv2d(x, w, b, padding='same', dilation=d, groups=g))
        F.conv2d(x, w, padding='valid', stride=s, dilation=d, groups=g); F.conv2d(x, w, b, groups=g)
        F.conv2d(x, w, b, padding=p, groups=g); F.conv2d(x, w, b, s, groups=g)
        F.conv2d(x, w, groups=g, dilation=d); padded_conv(t, x, w, b, p4, stride=s, dilation=d, groups=g)
        padded_conv(t, x, w, b, p4, groups=g); F.conv2d(x.double(), w.double(), b.double(), s, p, d, g)
        F.conv2d(x.transpose(2, 3), w, b, s, 3, d, g); F.conv2d(x.detach(), w, b, s, p, d, g)
        F.conv2d(x, w.detach(), None, s, p, d, g); F.conv2d(x[:0], w, b, s, p, d, g)
        """,
        loose=10,
    ),
    *cases(
        "conv2d layers",
        using(convolution, learn, quiet),
        """
        learn(t, t.nn.Conv2d(ins, outs, k, s, p, d, g), x)
        quiet(lambda: learn(t, t.nn.Conv2d(ins, outs, k, padding='same', groups=g, bias=False), x))
        learn(t, t.nn.Conv2d(in_channels=ins, out_channels=outs, kernel_size=k, stride=s, padding=p, dilation=d, groups=g, bias=True), x)
        learn(t, t.nn.Conv2d(ins, outs, k), x); learn(t, t.nn.Conv2d(ins, outs, k, padding='valid'), x)
        learn(t, t.nn.Sequential(t.nn.Conv2d(ins, 4, 3), t.nn.BatchNorm2d(4), t.nn.ReLU(), t.nn.MaxPool2d(2), t.nn.Flatten()), x)
        """,  # noqa: E501  one expression
        loose=20,
    ),
    *cases(
        "conv1d",
        using(sequence, learn, quiet),
        """
        F.conv1d(x, w, b, s, p, d, g); F.conv1d(x, w, None, s, p, d, g)
        quiet(lambda: F.conv1d(x, w, b, padding='same', dilation=d, groups=g))
        F.conv1d(x, w, b, padding='valid', stride=s, groups=g)
        F.conv1d(x, w, b, stride=(s,), padding=(p,), dilation=(d,), groups=g); F.conv1d(x, w, groups=g)
        learn(t, t.nn.Conv1d(ins, outs, k, s, p, d, g), x)
        quiet(lambda: learn(t, t.nn.Conv1d(ins, outs, k, padding='same'), x))
        learn(t, t.nn.Conv1d(ins, outs, (k,), bias=False, groups=g), x)
        learn(t, t.nn.Conv1d(ins, outs, kernel_size=k, padding='valid'), x)
        """,
        loose=10,
    ),
    *cases(
        "max pool",
        pooling,
        """
        F.max_pool2d(x, k); F.max_pool2d(x, k, s); F.max_pool2d(x, k, s, p); F.max_pool2d(x, k, s, p, d)
        F.max_pool2d(x, k, s, p, d, ceil); F.max_pool2d(x, k, ceil_mode=True)
        F.max_pool2d(x, k, stride=s, padding=p, ceil_mode=True); F.max_pool2d(x, k, dilation=d)
        t.nn.MaxPool2d(k)(x); t.nn.MaxPool2d(k, s, p, d, ceil_mode=ceil)(x)
        F.max_pool2d(x, k, s, p, d, ceil, True); t.nn.MaxPool2d(k, s, p, d, True, ceil)(x)
        t.nn.MaxPool2d(k, s, p, ceil_mode=True)(x); F.max_pool2d(x.double(), k, s)
        F.max_pool2d(-x.abs() - 1, k, s, p, ceil_mode=ceil); F.max_pool2d(x.transpose(2, 3), k, s)
        """,
    ),
    *cases("max pool ties", ties, "F.max_pool2d(x, k, s, p, d, ceil); F.max_pool2d(x, 2); F.max_pool2d(x, 3, 1, 1)"),
    *cases(
        "mean pool",
        pooling,
        """
        F.avg_pool2d(x, k); F.avg_pool2d(x, k, s); F.avg_pool2d(x, k, s, p); F.avg_pool2d(x, k, s, p, ceil)
        F.avg_pool2d(x, k, ceil_mode=True); F.avg_pool2d(x, k, s, p, ceil, False)
        F.avg_pool2d(x, k, s, p, True, False); F.avg_pool2d(x, k, s, p, True, True)
        F.avg_pool2d(x, k, s, p, ceil, True, 3); F.avg_pool2d(x, k, s, p, ceil, False, divisor_override=7)
        t.nn.AvgPool2d(k)(x); t.nn.AvgPool2d(k, s, p, ceil, False)(x)
        t.nn.AvgPool2d(k, s, p, ceil_mode=ceil, count_include_pad=True)(x); F.avg_pool2d(x.double(), k, s, p)
        t.nn.AvgPool2d(k, s, p, divisor_override=2)(x)
        """,
    ),
    *cases(
        "adaptive mean pool",
        pooling,
        """
        F.adaptive_avg_pool2d(x, size); F.adaptive_avg_pool2d(x, 1); F.adaptive_avg_pool2d(x, (3, None))
        F.adaptive_avg_pool2d(x, (None, 2)); F.adaptive_avg_pool2d(x, 13); t.nn.AdaptiveAvgPool2d(size)(x)
        t.nn.AdaptiveAvgPool2d((1, 1))(x); t.nn.AdaptiveAvgPool2d((None, 5))(x)
        F.adaptive_avg_pool2d(x.double(), size); F.adaptive_avg_pool2d(x, output_size=(4, 3))
        """,
    ),
    *cases(
        "nan",
        given(x=lambda rng: rng.choice([1.0, 2.0, float("nan")], (1, 2, 6, 6), p=[0.6, 0.3, 0.1]).astype("float32")),
        "F.max_pool2d(x.detach(), 2)",
    ),
    *cases(
        "unbatched",
        given(x=of(2, 7, 8), w=of(3, 2, 2, 2), s=of(2, 9), v=of(3, 2, 2)),
        "F.conv2d(x, w); F.max_pool2d(x, 2); F.avg_pool2d(x, 2); F.conv1d(s, v); F.adaptive_avg_pool2d(x, 3)",
    ),
]
