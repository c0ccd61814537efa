"""Instruments: what looks at a program as it runs, and changes nothing of what it computes.

A plugin's hook `wrap_op` stands around ops wherever the plugin is enabled. An instrument stands around one block of a
program (see `instrumented`), over whichever plugins are in force there, and is told besides of modules that are called,
derivatives that are taken and optimizers that step. Where nobody looks, nothing is asked.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from typing import TYPE_CHECKING, Any

from tinytorch.plugins.context import here
from tinytorch.plugins.process import process

if TYPE_CHECKING:
    from tinytorch.plugins.registry import Declared
    from tinytorch.types import Kernel

NOTHING = nullcontext()


class Instrument:
    """Sees nothing; subclasses override what they want to see."""

    name = "instrument"  # as `explain` tells it

    def wrap_op(self, op: Declared, call: Kernel) -> Kernel | None:
        """Put something around an op, once for each: a callable with the signature of `call`, None for nothing."""
        return None

    def answered(self, plugin: str) -> None:
        """Take note that a plugin has answered the call that is going on; for the core's kernel nobody says so."""

    def scope(self, kind: str, subject: Any) -> AbstractContextManager[Any]:
        """Enter a "module" (subject: the module), a "backward" (None) or a "step" (the optimizer)."""
        return NOTHING

    def returned(self, module: Any, out: Any) -> None:
        """Take note of what a module gave."""

    def differentiating(self, node: Any) -> None:
        """Take note that ops are called for the derivative of this node, until the next one or the end of backward."""


def watching() -> tuple[Instrument, ...]:
    """The instruments in force here."""
    table: Any = here() if process.scoped else None
    return () if table is None else table.instruments


def scope(kind: str, subject: Any = None) -> AbstractContextManager[Any]:
    """Tell every instrument in force of what begins here and ends with the block."""
    instruments = watching()
    if not instruments:
        return NOTHING
    return _entered(instruments, kind, subject)


@contextmanager
def _entered(instruments: tuple[Instrument, ...], kind: str, subject: Any) -> Iterator[None]:
    with ExitStack() as stack:
        for each in instruments:
            stack.enter_context(each.scope(kind, subject))
        yield
