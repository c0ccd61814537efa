"""Arguments of ops that go number by number, of sums and of copies, for `accel_ops.py`; PyTorch's calls of them."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from typing import Any

import numpy as np

from tinytorch.plugins import registry

Arguments = tuple[Any, ...]
Make = Callable[[np.random.Generator, int, int], Arguments]


def one(rng: np.random.Generator, rows: int, width: int) -> Arguments:
    """Return an array."""
    return (rng.standard_normal((rows, width), np.float32),)


def positive(rng: np.random.Generator, rows: int, width: int) -> Arguments:
    """Return an array of positive numbers."""
    return (np.abs(one(rng, rows, width)[0]) + np.float32(0.1),)


def two(rng: np.random.Generator, rows: int, width: int) -> Arguments:
    """Return two arrays of one shape."""
    return *one(rng, rows, width), *positive(rng, rows, width)


def with_row(rng: np.random.Generator, rows: int, width: int) -> Arguments:
    """Return an array and a row that goes with each of its own."""
    return *one(rng, rows, width), positive(rng, 1, width)[0][0]


def with_column(rng: np.random.Generator, rows: int, width: int) -> Arguments:
    """Return an array and a number for each of its rows."""
    return *one(rng, rows, width), *positive(rng, rows, 1)


def with_number(rng: np.random.Generator, rows: int, width: int) -> Arguments:
    """Return an array and a number."""
    return *one(rng, rows, width), np.array(1.5, np.float32)


def masked(rng: np.random.Generator, rows: int, width: int) -> Arguments:
    """Return arguments of dropout."""
    return *one(rng, rows, width), rng.random((rows, width), np.float32) < 0.9, 1.25


def chosen(rng: np.random.Generator, rows: int, width: int) -> Arguments:
    """Return arguments of select."""
    return rng.random((rows, width), np.float32) < 0.5, *two(rng, rows, width)


def normalized(rng: np.random.Generator, rows: int, width: int) -> Arguments:
    """Return arguments of rms_norm."""
    return *with_row(rng, rows, width), 1, 1e-5


def normalized_grad(rng: np.random.Generator, rows: int, width: int) -> Arguments:
    """Return arguments of rms_norm's backward."""
    x, weight, ndim, eps = normalized(rng, rows, width)
    rrms = registry.find("rms_norm").kernel(x, weight, ndim, eps)[1]
    return *one(rng, rows, width), x, weight, rrms, ndim


def turned(rng: np.random.Generator, rows: int, width: int) -> Arguments:
    """Return arguments of rotary: vectors of 64 numbers at most, an angle for each pair, heads side by side."""
    head = min(width, 64)
    x = rng.standard_normal((1, rows, width // head, head), np.float32).transpose(0, 2, 1, 3)
    return x, *rng.standard_normal((2, rows, head // 2), np.float32)


def looked_up(rng: np.random.Generator, rows: int, width: int) -> Arguments:
    """Return arguments of embedding: so many numbers, a table of a quarter as many rows."""
    return *one(rng, rows // 4 + 1, width), rng.integers(0, rows // 4 + 1, rows)


def looked_up_grad(rng: np.random.Generator, rows: int, width: int) -> Arguments:
    """Return arguments of embedding's backward."""
    weight, indices = looked_up(rng, rows, width)
    return *one(rng, rows, width), indices, weight.shape


def joined(rng: np.random.Generator, rows: int, width: int) -> Arguments:
    """Return two halves."""
    return ([*np.split(rng.standard_normal((2 * rows, width // 2), np.float32), 2)],)


def over(*dims: int) -> Make:
    """Make arguments of a reduction over these dimensions."""
    return lambda rng, rows, width: (*one(rng, rows, width), dims, False)


def followed(make: Make, *rest: Any) -> Make:
    """Make these arguments and then others."""
    return lambda rng, rows, width: (*make(rng, rows, width), *rest)


ARGUMENTS: dict[str, Make] = {
    **dict.fromkeys(("add", "subtract", "multiply", "divide"), two),
    **{f"{op} row": with_row for op in ("add", "multiply")},
    **{f"{op} column": with_column for op in ("add", "multiply")},
    **{f"{op} number": with_number for op in ("add", "multiply", "divide")},
    **dict.fromkeys(("negative", "absolute", "exp", "tanh", "sigmoid", "silu", "relu"), one),
    **dict.fromkeys(("sqrt", "log"), positive),
    **dict.fromkeys(("tanh_grad", "sigmoid_grad", "silu_grad", "relu_grad"), two),
    "rms_norm": normalized,
    "rms_norm_grad": normalized_grad,
    "rotary": followed(turned, False),
    "rotary interleaved": followed(turned, True),
    "embedding": looked_up,
    "embedding_grad": looked_up_grad,
    "concatenate rows": followed(joined, 0),
    "concatenate columns": followed(joined, 1),
    "softplus": followed(one, 1.0, 20.0),
    "clip": followed(one, -1.0, 1.0),
    "select": chosen,
    "dropout": masked,
    "reduce_sum last": over(1),
    "reduce_sum first": over(0),
    "reduce_sum all": over(0, 1),
    "reduce_mean last": over(1),
    "reduce_mean all": over(0, 1),
}
TORCH = {"select": "where", "clip": "clamp", "reduce_sum": "sum", "reduce_mean": "mean", "absolute": "abs"}
WITHOUT_TORCH = {"rms_norm", "rms_norm_grad", "rotary", "embedding", "embedding_grad", "concatenate"}
TORCH_GRADS = {"tanh_grad": "tanh_backward", "sigmoid_grad": "sigmoid_backward", "silu_grad": "silu_backward"}


def in_torch(op: str, given: list[Any]) -> Callable[[], Any] | None:
    """Return PyTorch's call for the same arguments, None where it has none or is not installed."""
    if importlib.util.find_spec("torch") is None:
        return None
    import torch

    name = op.split(maxsplit=1)[0]
    if name in TORCH_GRADS:
        return lambda: getattr(torch.ops.aten, TORCH_GRADS[name])(*given)
    if name == "relu_grad":
        return lambda: torch.ops.aten.threshold_backward(*given, 0)
    if name == "dropout":
        return lambda: torch.ops.aten.native_dropout_backward(*given)
    if name in {"silu", "softplus"}:
        return lambda: getattr(torch.nn.functional, name)(*given)
    function = getattr(torch, TORCH.get(name, name))
    return lambda: function(*given)
