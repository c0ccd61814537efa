"""Whether calls are recorded: in this thread or task only."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ContextDecorator
from typing import Any, TypeVar

from tinytorch.core.tensor.op import grad_enabled

Function = TypeVar("Function", bound=Callable[..., Any])


def is_grad_enabled() -> bool:
    """Whether calls on tensors that require grad are recorded here."""
    return grad_enabled.get()


class recording(ContextDecorator):  # noqa: N801  a context, as those below
    """Record, or do not, inside the block or the decorated function."""

    def __init__(self, mode: bool) -> None:
        self.mode = bool(mode)
        self.before: list[bool] = []  # a stack, so that one instance may be entered within itself

    def __enter__(self) -> None:
        self.before.append(grad_enabled.get())
        grad_enabled.set(self.mode)

    def __exit__(self, *_: object) -> None:
        grad_enabled.set(self.before.pop())

    def _recreate_cm(self) -> recording:
        """A fresh one for every call of a decorated function: threads must not share the stack."""
        return recording(self.mode)


class no_grad(recording):  # noqa: N801  PyTorch's name
    """Record nothing inside the block: for evaluation and for changing weights by hand."""

    def __init__(self) -> None:
        super().__init__(mode=False)


class enable_grad(recording):  # noqa: N801  PyTorch's name
    """Record inside the block, even within `no_grad`."""

    def __init__(self) -> None:
        super().__init__(mode=True)


class set_grad_enabled(recording):  # noqa: N801  PyTorch's name
    """Record, or do not, from now on; as a context until its end, as a decorator inside the function."""

    def __init__(self, mode: bool) -> None:
        super().__init__(mode)
        self.at_first = grad_enabled.get()
        grad_enabled.set(self.mode)

    def __enter__(self) -> None:
        self.before.append(self.at_first)
        grad_enabled.set(self.mode)

    def __call__(self, func: Function) -> Function:
        """Decorate a function; outside it nothing changes."""
        grad_enabled.set(self.at_first)
        return super().__call__(func)
