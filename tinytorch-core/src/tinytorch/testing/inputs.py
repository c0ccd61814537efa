"""The inputs that an implementation is tried on: all that is legal, and where implementations are wrong.

Small and large, empty and without dimensions, in every dtype and memory layout, broadcast, read-only, huge, tiny, inf
and nan.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np

from tinytorch.core.tensor.op import Op
from tinytorch.testing import draw
from tinytorch.testing.arguments import arrays_in, copied, mapped
from tinytorch.testing.case import Arguments, OpCase
from tinytorch.testing.dtypes import in_other_dtypes
from tinytorch.types import Array

Generator = np.random.Generator
Change = Callable[[Generator, Array], Array]

TRIES = 40  # draws until one is empty, or has no dimensions
SPECIAL = (np.inf, -np.inf, np.nan)


class Input(NamedTuple):
    """Arguments of a kernel, and what is special about them."""

    kind: str
    arguments: Arguments
    dtype: str


def inputs(case: OpCase, dtype: str, draws: int, seed: int = 0) -> Iterator[Input]:
    """Inputs of a row's op: `draws` small ones, some of every other kind."""
    rng = np.random.default_rng([seed, *case.op.encode()])
    for _ in range(draws):
        yield Input("small", case.sample(rng, np.dtype(dtype)), dtype)
    with draw.large():
        for _ in range(max(1, draws // 8)):
            yield Input("large", case.sample(rng, np.dtype(dtype)), dtype)
    yield from _of_shape(case, rng, dtype)
    if dtype == case.dtypes[0]:
        for other, arguments in in_other_dtypes(case, rng, max(1, draws // 8)):
            yield Input(str(other), arguments, str(other))
    for kind in CHANGES if np.dtype(dtype).kind == "f" else LAYOUTS:
        for _ in range(max(1, draws // 8)):
            yield Input(kind, _changed(case, rng, dtype, kind), dtype)


def _of_shape(case: OpCase, rng: Generator, dtype: str) -> Iterator[Input]:
    """An empty input and one without dimensions, where the row has such."""
    missing = ["empty", "0-d"]
    for _ in range(TRIES):
        arguments = case.sample(rng, np.dtype(dtype))
        for kind in list(missing):
            if any(not (array.size if kind == "empty" else array.ndim) for array in arrays_in(arguments)):
                missing.remove(kind)
                yield Input(kind, copied(arguments), dtype)
        if not missing:
            break


def _changed(case: OpCase, rng: Generator, dtype: str, kind: str) -> Arguments:
    """Drawn arguments with those changed that may be: another layout of all arrays, other numbers in some."""
    arguments = case.sample(rng, np.dtype(dtype))
    places = _places(case, kind)

    def change(array: Array) -> Array:
        return CHANGES[kind](rng, array) if kind in LAYOUTS or array.dtype == dtype else array

    return tuple(
        mapped(change, [each])[0] if places is None or place in places else each for place, each in enumerate(arguments)
    )


def _places(case: OpCase, kind: str) -> tuple[int, ...] | None:
    """Which arguments may be changed; None: all.

    What is written must be writable memory of its own, so an in-place op has but its gradients in any; its states go
    with the numbers of earlier ones. What a backward op takes besides the gradient was saved: no forward gives it huge,
    and where rows say that it belongs together (order 0), it is not broadcast either.
    """
    op = case.declared()
    if op.inplace:
        grads = op.arguments.index("grads")
        return None if kind in WRITABLE else (grads,) if kind in ORDINARY else (op.arguments.index("params"), grads)
    saved = op.name.endswith("_grad") and kind not in LAYOUTS and (kind != "broadcast" or case.order == 0)
    return (0,) if saved else None


def turn_around(op: Op, arguments: Arguments) -> None:
    """Turn the numbers in all arrays around, along every dimension: what was saved of others still belongs to them.

    Not so where time is masked causally: of attention's backward, only the gradient is changed.
    """
    for array in arrays_in(arguments[:1] if op.name == "attention_grad" else arguments):
        array[...] = np.flip(array).copy()


def _strided(rng: Generator, x: Array) -> Array:
    """Every second element along the last dimension, backwards."""
    if not x.ndim:
        return x
    apart = np.zeros((*x.shape[:-1], 2 * x.shape[-1]), x.dtype)
    apart[..., ::-2] = x
    return apart[..., ::-2]


def _transposed(rng: Generator, x: Array) -> Array:
    """Column by column."""
    return np.array(x, order="F")


def _broadcast(rng: Generator, x: Array) -> Array:
    """The first element along some dimensions, in all of them: strides of 0."""
    few = tuple(slice(0, 1) if rng.random() < 0.6 else slice(None) for _ in x.shape)
    return np.broadcast_to(x[few], x.shape) if x.size else x


def _read_only(rng: Generator, x: Array) -> Array:
    out = x.copy()
    out.flags.writeable = False
    return out


def _scaled(by: float) -> Change:
    return lambda rng, x: np.asarray(x * x.dtype.type(by ** (1 if x.itemsize == 4 else 8)))


def _special(rng: Generator, x: Array) -> Array:
    out = x.copy()
    places = rng.random(x.shape) < 0.2
    out[places] = rng.choice(SPECIAL, int(places.sum())).astype(x.dtype)
    return out


CHANGES: dict[str, Change] = {
    "strided": _strided,
    "transposed": _transposed,
    "broadcast": _broadcast,
    "read-only": _read_only,
    "huge": _scaled(1e30),
    "tiny": _scaled(1e-30),
    "inf and nan": _special,
}
WRITABLE = ("strided", "transposed")
LAYOUTS = (*WRITABLE, "read-only")
ORDINARY = (*LAYOUTS, "broadcast")
