"""Every op that has been declared, by name."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Protocol

from tinytorch.plugins.errors import PluginError
from tinytorch.types import Kernel


class Declared(Protocol):
    """What the seam needs to know of an op."""

    name: str
    kernel: Kernel
    arguments: tuple[str, ...]
    outputs: int | None  # how many arrays it gives, several as a tuple; None: it does not say
    inplace: bool  # it writes its first inputs and gives True: done


_ops: dict[str, Declared] = {}
_on_change: list[Callable[[], None]] = []  # what was built with an op must be built anew when it is declared again


def declare(op: Declared) -> None:
    """Enter an op; its module may declare it again (a reload, a notebook's cell), another module may not."""
    known = _ops.get(op.name)
    if known is not None and known.kernel.__module__ != op.kernel.__module__:
        raise PluginError(
            f"op '{op.name}' is declared by {known.kernel.__module__} already; "
            f"{op.kernel.__module__} must choose another name"
        )
    _ops[op.name] = op
    if known is not None:
        for action in _on_change:
            action()


def on_change(action: Callable[[], None]) -> None:
    """Have something done whenever an op is declared again."""
    _on_change.append(action)


def ops() -> dict[str, Declared]:
    """Return all declared ops, in the order of their declaration."""
    return dict(_ops)


def find(name: str) -> Declared:
    """Return the op of that name; raise PluginError with the nearest name where there is none."""
    if name not in _ops:
        raise PluginError(f"'{name}' is not an op{did_you_mean(name, _ops)}")
    return _ops[name]


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return the end of an error sentence: the nearest known name, or nothing."""
    import difflib  # only a mistake needs it

    near = difflib.get_close_matches(name, [*known], n=1)
    return f"; did you mean '{near[0]}'?" if near else ""
