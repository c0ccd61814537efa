"""Steps: a model as plain data, which op takes what; what JSON holds, and back."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from tinytorch.core.tensor.dtypes import as_dtype

if TYPE_CHECKING:
    from tinytorch.types import Array


class Value(NamedTuple):
    """Among the arguments of a step: what an earlier one gave, or an input of the model."""

    value: str


class Stored(NamedTuple):
    """Among the arguments of a step: a buffer of the model, by its dotted name."""

    stored: str


class Step(NamedTuple):
    """A call of an op; of an op that gives several arrays the first counts."""

    op: str
    args: tuple[Any, ...]  # Value, Stored, or what JSON holds: numbers, None, text, tuples, and lists of tensors
    out: str


class Port(NamedTuple):
    """An input or the output: a value, and what its codes mean where it is int8."""

    name: str
    scale: float | None = None
    zero_point: int = 0


def read_port(name: Any, scale: Any, zero_point: Any) -> Port:
    """A port of what a file says; raises ValueError where it cannot be."""
    is_scale = scale is None or (isinstance(scale, (int, float)) and 0.0 < scale < math.inf)
    if type(name) is not str or not is_scale or type(zero_point) is not int or not -128 <= zero_point <= 127:
        raise ValueError(f"a port '{name}' of scale {scale} and zero point {zero_point}")
    return Port(name, scale, zero_point)


def last_uses(
    inputs: Sequence[Port], steps: Sequence[Step], output: Port, tensors: Mapping[str, Array]
) -> list[list[str]]:
    """For each step the values that no later one needs; raises ValueError where a step takes what is not there."""
    born, last = {port.name: -1 for port in inputs}, {output.name: len(steps)}
    for number, step in enumerate(steps):
        for arg in references(step.args):
            known = born if type(arg) is Value else tensors
            if arg[0] not in known:
                raise ValueError(f"IntegerModel: step '{step.out}' takes '{arg[0]}', which nothing before it gives")
            if type(arg) is Value:
                last[arg.value] = max(number, last.get(arg.value, 0))
        if step.out in born:
            raise ValueError(f"IntegerModel: two steps give '{step.out}'")
        born[step.out] = number
    if output.name not in born:
        raise ValueError(f"IntegerModel: no step gives the output '{output.name}'")
    forgotten: list[list[str]] = [[] for _ in steps]
    for name, number in born.items():
        end = last.get(name, number)  # what nobody takes goes at once
        if 0 <= end < len(steps):
            forgotten[end].append(name)
    return forgotten


def references(args: Any) -> Iterator[Any]:
    """All values and stored tensors among arguments, those in lists too."""
    for arg in args:
        if type(arg) in (Value, Stored):
            yield arg
        elif type(arg) is list:
            yield from references(arg)


def plain(arg: Any) -> Any:
    """An argument as JSON holds it."""
    if type(arg) in (Value, Stored):
        return arg._asdict()
    if isinstance(arg, np.dtype):
        return {"dtype": str(arg)}
    if isinstance(arg, (list, tuple)):
        return [plain(each) for each in arg]
    if arg is None or type(arg) in (bool, int, float, str):
        return arg
    raise TypeError(f"IntegerModel: expected numbers, text, None or tuples of them in a step, got {type(arg).__name__}")


def meant(given: Any) -> Any:
    """The argument that JSON holds: lists are tuples there, but for lists of tensors."""
    if isinstance(given, list):
        items = [meant(each) for each in given]
        return items if any(references(items)) else tuple(items)
    if isinstance(given, dict):
        ((kind, name),) = given.items()
        return KINDS[kind](str(name))
    return given


KINDS: dict[str, Callable[[str], Any]] = {"value": Value, "stored": Stored, "dtype": as_dtype}
