"""Plain numbers among an operation's arguments, checked where people pass them."""

from __future__ import annotations

import operator
from typing import Any


def whole(name: str, what: str, value: Any, least: int | None = None) -> int:
    """A whole number, no smaller than `least`."""
    try:
        number = operator.index(value)
    except TypeError as error:
        raise TypeError(f"{name}: expected {what} as a whole number, got {value!r}") from error
    if least is not None and number < least:
        raise ValueError(f"{name}: expected {what} of {least} or more, got {number}")
    return number


def real(name: str, what: str, value: Any) -> float:
    """A number as a float."""
    try:
        return float(value + 0)  # a text of digits is no number
    except TypeError as error:
        raise TypeError(f"{name}: expected {what} as a number, got {value!r}") from error


def flag(name: str, what: str, value: Any) -> bool:
    """True or False; anything else is most likely an argument in the wrong place."""
    if value is not True and value is not False:
        raise TypeError(f"{name}: expected {what} as True or False, got {value!r}")
    return value
