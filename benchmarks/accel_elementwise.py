"""Arguments of ops that go number by number, of sums and of copies, for `accel_ops.py`; PyTorch's calls of them."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from typing import Any

import numpy as np

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
