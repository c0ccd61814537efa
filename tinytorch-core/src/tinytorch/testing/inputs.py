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
    ordinary: bool = True  # numbers as models have them: warnings would be the implementation's own


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
    if case.declared().inplace or np.dtype(dtype).kind != "f":
        return
    for kind, change in CHANGES.items():
        for _ in range(max(1, draws // 8)):
            yield Input(kind, _changed(case, rng, dtype, change), dtype, kind in ORDINARY)


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


def _changed(case: OpCase, rng: Generator, dtype: str, change: Change) -> Arguments:
    """Drawn arguments with their floats changed: of a backward op only the gradient, the rest is saved state."""
    arguments = case.sample(rng, np.dtype(dtype))
    count = 1 if case.op.endswith("_grad") else len(arguments)

    def of_floats(array: Array) -> Array:
        return change(rng, array) if array.dtype.kind == "f" else array

    return (*mapped(of_floats, arguments[:count]), *arguments[count:])


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
ORDINARY = ("strided", "transposed", "broadcast", "read-only")
