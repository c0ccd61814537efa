"""Activations as modules, for Sequential."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from tinytorch.core.activations import functions
from tinytorch.core.module import Module
from tinytorch.core.tensor import elementwise
from tinytorch.core.tensor.inplace import write

if TYPE_CHECKING:
    from tinytorch.core.tensor import Tensor


class ReLU(Module):
    """x where it is positive, 0 elsewhere."""

    def __init__(self, inplace: bool = False) -> None:
        super().__init__()
        self.inplace = inplace

    def forward(self, input: Tensor) -> Tensor:
        """(...) -> (...)."""
        return functions.relu_(input) if self.inplace else functions.relu(input)

    def extra_repr(self) -> str:
        """Return the options, as `repr` shows them."""
        return _shown(self)


class ReLU6(ReLU):
    """x, no lower than 0 and no higher than 6."""

    def forward(self, input: Tensor) -> Tensor:
        """(...) -> (...)."""
        return _applied(self, functions.relu6, input)


class LeakyReLU(Module):
    """x where it is positive, negative_slope * x elsewhere."""

    def __init__(self, negative_slope: float = 0.01, inplace: bool = False) -> None:
        super().__init__()
        self.negative_slope, self.inplace = negative_slope, inplace

    def forward(self, input: Tensor) -> Tensor:
        """(...) -> (...)."""
        return _applied(self, functions.leaky_relu, input, self.negative_slope)

    def extra_repr(self) -> str:
        """Return the options, as `repr` shows them."""
        return _shown(self, f"negative_slope={self.negative_slope}")


class ELU(Module):
    """x where it is positive, alpha * (exp(x) - 1) elsewhere."""

    def __init__(self, alpha: float = 1.0, inplace: bool = False) -> None:
        super().__init__()
        self.alpha, self.inplace = alpha, inplace

    def forward(self, input: Tensor) -> Tensor:
        """(...) -> (...)."""
        return _applied(self, functions.elu, input, self.alpha)

    def extra_repr(self) -> str:
        """Return the options, as `repr` shows them."""
        return _shown(self, f"alpha={self.alpha}")


class GELU(Module):
    """x * Phi(x), exact ('none') or by tanh."""

    def __init__(self, approximate: str = "none") -> None:
        super().__init__()
        self.approximate = approximate

    def forward(self, input: Tensor) -> Tensor:
        """(...) -> (...)."""
        return functions.gelu_of(input, self.approximate)

    def extra_repr(self) -> str:
        """Return the options, as `repr` shows them."""
        return f"approximate={self.approximate!r}"


class SiLU(Module):
    """x * sigmoid(x)."""

    def __init__(self, inplace: bool = False) -> None:
        super().__init__()
        self.inplace = inplace

    def forward(self, input: Tensor) -> Tensor:
        """(...) -> (...)."""
        return _applied(self, functions.silu, input)

    def extra_repr(self) -> str:
        """Return the options, as `repr` shows them."""
        return _shown(self)


class Sigmoid(Module):
    """1 / (1 + exp(-x))."""

    def forward(self, input: Tensor) -> Tensor:
        """(...) -> (...)."""
        return elementwise.sigmoid(input)


class Tanh(Module):
    """The hyperbolic tangent."""

    def forward(self, input: Tensor) -> Tensor:
        """(...) -> (...)."""
        return elementwise.tanh(input)


class Softplus(Module):
    """log(1 + exp(beta * x)) / beta."""

    def __init__(self, beta: float = 1.0, threshold: float = 20.0) -> None:
        super().__init__()
        self.beta, self.threshold = beta, threshold

    def forward(self, input: Tensor) -> Tensor:
        """(...) -> (...)."""
        return functions.softplus_of(input, self.beta, self.threshold)

    def extra_repr(self) -> str:
        """Return the options, as `repr` shows them."""
        return f"beta={self.beta}, threshold={self.threshold}"


class Hardswish(Module):
    """x * relu6(x + 3) / 6."""

    def __init__(self, inplace: bool = False) -> None:
        super().__init__()
        self.inplace = inplace

    def forward(self, input: Tensor) -> Tensor:
        """(...) -> (...)."""
        return _applied(self, functions.hardswish, input)

    def extra_repr(self) -> str:
        """Return the options, as `repr` shows them."""
        return _shown(self)


class Hardsigmoid(Module):
    """relu6(x + 3) / 6."""

    def __init__(self, inplace: bool = False) -> None:
        super().__init__()
        self.inplace = inplace

    def forward(self, input: Tensor) -> Tensor:
        """(...) -> (...)."""
        return _applied(self, functions.hardsigmoid, input)

    def extra_repr(self) -> str:
        """Return the options, as `repr` shows them."""
        return _shown(self)


class Softmax(Module):
    """Scores to probabilities along `dim`."""

    def __init__(self, dim: int = -1) -> None:
        super().__init__()
        self.dim = dim

    def forward(self, input: Tensor) -> Tensor:
        """(..., n, ...) -> (..., n, ...)."""
        return functions.softmax(input, self.dim)

    def extra_repr(self) -> str:
        """Return the options, as `repr` shows them."""
        return f"dim={self.dim}"


class LogSoftmax(Module):
    """Logarithms of the probabilities along `dim`."""

    def __init__(self, dim: int = -1) -> None:
        super().__init__()
        self.dim = dim

    def forward(self, input: Tensor) -> Tensor:
        """(..., n, ...) -> (..., n, ...)."""
        return functions.log_softmax(input, self.dim)

    def extra_repr(self) -> str:
        """Return the options, as `repr` shows them."""
        return f"dim={self.dim}"


def _applied(module: Any, function: Callable[..., Tensor], input: Tensor, *options: float) -> Tensor:
    """The function of the input, written into it if the module is to work in place."""
    if not module.inplace:
        return function(input, *options)
    old = input.clone() if input.requires_grad else input  # backward needs the values that are overwritten
    return write(type(module).__name__, input, function(old, *options))


def _shown(module: Any, *options: str) -> str:
    return ", ".join([*options, "inplace=True"] if module.inplace else options)
