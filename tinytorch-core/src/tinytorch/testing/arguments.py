"""Arguments of kernels: arrays, lists of them, index tuples with arrays in them, parameters."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tinytorch.testing.case import Arguments
from tinytorch.types import Array


def arrays_in(arguments: Sequence[Any]) -> list[Array]:
    """All arrays among arguments, those in lists and tuples too, in order."""
    found: list[Array] = []
    mapped(found.append, arguments)
    return found


def mapped(function: Callable[[Array], Any], arguments: Sequence[Any]) -> Arguments:
    """Arguments with `function(array)` for every array, in order, and all else as it is."""

    def of(argument: Any) -> Any:
        if isinstance(argument, np.ndarray):
            return function(argument)
        return type(argument)(map(of, argument)) if type(argument) in (list, tuple) else argument

    return tuple(of(argument) for argument in arguments)


def copied(arguments: Arguments) -> Arguments:
    """Arguments whose arrays are copies."""
    return mapped(np.copy, arguments)


def described(arguments: Arguments) -> str:
    """Arguments in a few words: dtypes and shapes, parameters as they are."""
    return ", ".join(str(each) for each in mapped(_Described, arguments))


class _Described:
    """An array as text, in lists too."""

    def __init__(self, array: Array) -> None:
        self.text = f"{array.dtype}{list(array.shape)}"

    def __repr__(self) -> str:
        return self.text
