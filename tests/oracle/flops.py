"""Models drawn from a seed that both libraries build, and how many FLOPs PyTorch counts in them.

PyTorch counts wrong, or nothing, in two places, and is asked there about the same arithmetic in another form: the
weight's gradient of a convolution in groups is counted as if it were dense, so that it convolves the groups one by one;
and the fused attention of CPUs has no formula, so that it gets the one that PyTorch has for those of GPUs.
`python tests/oracle/record.py` writes the counts to `recorded/flops.json`.
"""

import importlib
import json
import warnings

import numpy as np
from agreement import RECORDED, RECORDED_SEEDS


def linear(t, rng):
    """A linear layer, of inputs of one to four dimensions."""
    into, out = draw(rng, 1, 9, 2)
    lead = draw(rng, 1, 5, rng.integers(1, 4))
    layer = t.nn.Linear(into, out, bias=bool(rng.integers(2)))
    return lambda: layer(leaf(t, rng, *lead, into))


def conv1d(t, rng):
    """A convolution of sequences, in groups or not."""
    return convolution(t, rng, t.nn.Conv1d, 1)


def conv2d(t, rng):
    """A convolution of images, in groups or not, with steps and gaps."""
    return convolution(t, rng, t.nn.Conv2d, 2)


def convolution(t, rng, kind, ndim):
    """A convolution of `ndim` dimensions."""
    groups, factor, more, batch = draw(rng, 1, 4, 4)
    kernel = draw(rng, 1, 4, ndim)
    options = dict(zip(("stride", "padding", "dilation"), draw(rng, 1, 3, 3), strict=True))
    x = leaf(t, rng, batch, groups * factor, *draw(rng, 8, 13, ndim))
    window = kernel if ndim > 1 else kernel[0]
    if t.__name__ == "torch":
        layers = [kind(factor, more, window, **options) for _ in range(groups)]
        return lambda: t.cat([layer(part) for layer, part in zip(layers, x.split(factor, 1), strict=True)], 1)
    layer = kind(groups * factor, groups * more, window, groups=groups, **options)
    return lambda: layer(x)


def attention(t, rng):
    """Attention, causal or not, with shared key heads or not."""
    batch, heads, sharing, time, keys, width = draw(rng, 1, 6, 6)
    shape = (batch, heads, keys, width)
    q, k, v = leaf(t, rng, batch, heads * sharing, time, width), leaf(t, rng, *shape), leaf(t, rng, *shape)
    causal = bool(rng.integers(2))
    return lambda: t.nn.functional.scaled_dot_product_attention(q, k, v, is_causal=causal, enable_gqa=True)


def products(t, rng):
    """Matrix products and Einstein sums; where a size is 1 PyTorch multiplies elements, which it does not count."""
    batch, n, k, m = draw(rng, 2, 7, 4)
    a, b, c = leaf(t, rng, batch, n, k), leaf(t, rng, k, m), leaf(t, rng, batch, m, n)
    return lambda: t.einsum("bnm,bmi->bni", a @ b, c)


def multihead(t, rng):
    """A layer of multi-head attention to itself."""
    heads, width, batch, time = draw(rng, 1, 5, 4)
    layer = t.nn.MultiheadAttention(heads * width, heads, batch_first=True)
    x = leaf(t, rng, batch, time + 1, heads * width)
    return lambda: layer(x, x, x, need_weights=False)[0]


def cnn(t, rng):
    """Convolutions, normalization, pooling, and a layer over all of it."""
    first, second, out = draw(rng, 1, 7, 3)
    parts = (t.nn.Conv2d(3, first, 3, padding=1), t.nn.BatchNorm2d(first), t.nn.ReLU(), t.nn.MaxPool2d(2))
    more = (t.nn.Conv2d(first, second, 3, stride=2), t.nn.ReLU(), t.nn.Flatten(), t.nn.Linear(second * 9, out))
    model = t.nn.Sequential(*parts, *more)
    x = t.tensor(rng.standard_normal((2, 3, 16, 16)).astype("float32"))
    return lambda: model(x)


def gpt(t, rng):
    """GPT-2: here the model of the library, in PyTorch the same layers one by one."""
    layers, heads, head, batch = draw(rng, 1, 4, 4)
    time, vocabulary, width = int(rng.integers(2, 9)), int(rng.integers(10, 20)), heads * head * 2
    tokens = t.tensor(rng.integers(0, vocabulary, (batch, time)))
    if t.__name__ == "torch":
        return lambda: layered_gpt(t, tokens, vocabulary, layers, heads, width)
    model = importlib.import_module("tinytorch.models").GPT(vocabulary, time, layers, heads, width)
    return lambda: model(tokens)


def layered_gpt(t, tokens, vocabulary, layers, heads, width):
    """Scores for the next tokens, by PyTorch's layers with new weights."""
    nn, (batch, time) = t.nn, tokens.shape
    table = nn.Embedding(vocabulary, width)
    x = table(tokens) + nn.Embedding(time, width)(t.arange(time))
    for _ in range(layers):
        parts = nn.Linear(width, 3 * width)(nn.LayerNorm(width)(x)).split(width, -1)
        q, k, v = (part.reshape(batch, time, heads, width // heads).transpose(1, 2) for part in parts)
        seen = nn.functional.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + nn.Linear(width, width)(seen.transpose(1, 2).reshape(batch, time, width))
        wide = nn.GELU(approximate="tanh")(nn.Linear(width, 4 * width)(nn.LayerNorm(width)(x)))
        x = x + nn.Linear(4 * width, width)(wide)
    return nn.functional.linear(nn.LayerNorm(width)(x), table.weight)


MODELS = {each.__name__: each for each in (linear, conv1d, conv2d, attention, products, multihead, cnn, gpt)}


def draw(rng, low, high, count):
    """So many whole numbers, `high` excluded."""
    return [int(each) for each in rng.integers(low, high, count)]


def leaf(t, rng, *shape):
    """A tensor of that shape that may require grad."""
    return t.tensor(rng.standard_normal(shape).astype("float32")).requires_grad_(bool(rng.integers(2)))


def pytorchs(name, seed):
    """FLOPs of forward and backward, by PyTorch."""
    import torch
    from torch.utils.flop_counter import FlopCounterMode, sdpa_backward_flop_count, sdpa_flop_count

    fused = {
        torch.ops.aten._scaled_dot_product_flash_attention_for_cpu: lambda q, k, v, *_, **__: sdpa_flop_count(q, k, v),
        torch.ops.aten._scaled_dot_product_flash_attention_for_cpu_backward: lambda grad, q, k, v, *_, **__: (
            sdpa_backward_flop_count(grad, q, k, v)
        ),
    }
    run = MODELS[name](torch, np.random.default_rng([seed, len(name)]))
    counts = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of initial weights of layers that are empty
        with FlopCounterMode(display=False, custom_mapping=fused) as forward:
            out = run()
        counts.append(forward.get_total_flops())
        with FlopCounterMode(display=False, custom_mapping=fused) as backward:
            if out.requires_grad:
                out.sum().backward()
        counts.append(backward.get_total_flops())
    return counts


def record():
    """Write PyTorch's counts."""
    counts = {name: [pytorchs(name, seed) for seed in RECORDED_SEEDS] for name in MODELS}
    (RECORDED / "flops.json").write_text(json.dumps(counts) + "\n")


def recorded():
    """What `record` wrote."""
    return json.loads((RECORDED / "flops.json").read_text())
