"""Layers of a fused model: each computes in floats what one step of an integer model will compute in codes."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Any

from tinytorch.core.activations.functions import relu, softmax
from tinytorch.core.layers import BatchNorm2d, Identity
from tinytorch.core.layers.linear import linear
from tinytorch.core.layers.normalization import batch_normalized
from tinytorch.core.module import Module, Parameter
from tinytorch.core.spatial.convolution import conv2d
from tinytorch.core.spatial.pooling import max_pool2d, sum_pool2d
from tinytorch.core.tensor import Tensor
from tinytorch.core.tensor.arithmetic import add
from tinytorch.core.tensor.selection import clamp
from tinytorch.plugins import registry

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tinytorch.types import Shape

Limits = tuple[float | None, float | None]


class Layer(Module):
    """The base. `limits` are those of a ReLU or clamp at its end; `keeps_scale`: codes come out as they went in."""

    takes_limits = False
    keeps_scale = False

    def __init__(self) -> None:
        super().__init__()
        self.limits: Limits | None = None

    def limited(self, out: Tensor) -> Tensor:
        """Apply the limits."""
        if self.limits is None:
            return out
        return relu(out) if self.limits == (0.0, None) else clamp(out, *self.limits)


class Weighted(Layer):
    """A layer with weights, (out, ...); perhaps with a batch norm, and with rounding."""

    takes_limits = True

    def __init__(self, weight: Parameter, bias: Parameter | None) -> None:
        super().__init__()
        self.weight = weight
        self.register_parameter("bias", bias)
        self.add_module("norm", None)
        self.norm: BatchNorm2d | None
        self.rounding: Module = Identity()  # of weights, in training with rounding
        self.frozen = False  # whether the batch norm's averages stay as they are

    def forward(self, x: Tensor) -> Tensor:
        """(batch, in, ...) -> (batch, out, ...)."""
        return self.limited(self.before_limits(x))

    def before_limits(self, x: Tensor) -> Tensor:
        """Compute all but the limits.

        With a batch norm that still learns, weights are rounded as they will be when it is folded, by the averages of
        now; what comes out is brought back to its scale and normalized by the batch (Krishnamoorthi 2018, section
        3.2.2; torch.ao.nn.intrinsic.qat.ConvBn2d).
        """
        norm = self.norm
        if norm is None or not self.training or self.frozen:
            weight, bias = self.folded()
            return self.product(x, self.rounding(weight), bias)
        factor = self._factor(norm)
        rounded = self.rounding(self.weight * self._by_output(factor))
        out = self.product(x, rounded, None) / self._by_channel(factor)
        out = out if self.bias is None else out + self._by_channel(self.bias)
        return batch_normalized(
            out, norm.running_mean, norm.running_var, norm.weight, norm.bias, True, norm.momentum or 0.0, norm.eps
        )

    def folded(self) -> tuple[Tensor, Tensor | None]:
        """Weight and bias with the batch norm in them: w * f and (b - mean) * f + beta, f = gamma / sqrt(var + eps)."""
        if self.norm is None:
            return self.weight, self.bias
        factor = self._factor(self.norm)
        centred = -self.norm.running_mean if self.bias is None else self.bias - self.norm.running_mean
        return self.weight * self._by_output(factor), centred * factor + self.norm.bias

    def _factor(self, norm: BatchNorm2d) -> Tensor:
        return norm.weight / (norm.running_var + norm.eps).sqrt()

    def _by_output(self, vector: Tensor) -> Tensor:
        return vector.reshape(-1, *[1] * (self.weight.ndim - 1))

    def _by_channel(self, vector: Tensor) -> Tensor:
        """(out,) for (batch, out, ...)."""
        return vector.reshape(-1, *[1] * (self.weight.ndim - 2))

    def product(self, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        """What the weights do."""
        raise NotImplementedError


class Convolution(Weighted):
    """Windows over images: (batch, in, h, w) -> (batch, out, h', w')."""

    def __init__(
        self, weight: Parameter, bias: Parameter | None, stride: Any, padding: Any, dilation: Any, groups: int
    ) -> None:
        super().__init__(weight, bias)
        self.window = stride, padding, dilation, groups

    def product(self, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        """Slide the weight over the images."""
        return conv2d(x, weight, bias, *self.window)


class FullyConnected(Weighted):
    """Weighted sums: (..., in) -> (..., out)."""

    def product(self, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        """x @ weight.T + bias."""
        return linear(x, weight, bias)


class Add(Layer):
    """a + b, of one shape."""

    takes_limits = True

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        """Two of a shape -> one."""
        return self.limited(add(a, b))


class MaxPool(Layer):
    """The largest of each window."""

    keeps_scale = True

    def __init__(self, kernel: Any, stride: Any, padding: Any) -> None:
        super().__init__()
        self.window = kernel, stride, padding

    def forward(self, x: Tensor) -> Tensor:
        """(batch, channels, h, w) -> (batch, channels, h', w')."""
        return max_pool2d(x, *self.window, (1, 1))[0]


class AvgPool(Layer):
    """The mean of each window, without padding."""

    keeps_scale = True

    def __init__(self, kernel: Any, stride: Any) -> None:
        super().__init__()
        self.window = kernel, stride, ((0, 0), (0, 0))

    def forward(self, x: Tensor) -> Tensor:
        """(batch, channels, h, w) -> (batch, channels, h', w')."""
        height, width = self.window[0]
        return sum_pool2d(x, *self.window) * (1.0 / (height * width))


class Reshape(Layer):
    """Another shape, whose first dimension, -1, is the batch."""

    keeps_scale = True

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape

    def forward(self, x: Tensor) -> Tensor:
        """(batch, ...) -> (batch, ...)."""
        return x.reshape(self.shape)


class SoftMax(Layer):
    """Scores to probabilities along the last axis."""

    def forward(self, x: Tensor) -> Tensor:
        """(..., n) -> the same."""
        return softmax(x, x.ndim - 1)


class Elementwise(Layer):
    """A function of each number by itself: of codes, a table."""

    def __init__(self, function: Module) -> None:
        super().__init__()
        self.function = function

    def forward(self, x: Tensor) -> Tensor:
        """(...) -> the same."""
        return self.function(x)


class OpModule(Module):
    """An op with its options, as a module."""

    def __init__(self, op: str, options: Sequence[Any]) -> None:
        super().__init__()
        self.op, self.options = op, tuple(options)

    def forward(self, x: Tensor) -> Tensor:
        """(...) -> the same."""
        op: Any = registry.find(self.op)
        out = op(x, *self.options)
        return out[0] if type(out) is tuple else out


class Placeholder(Enum):
    """What is to come: an Enum's members stay themselves when they are copied."""

    VALUE = "value"


class Operation(Layer):
    """An op that has no layer of its own: it computes in floats, between codes, too."""

    VALUE = Placeholder.VALUE  # among the arguments: one of the inputs, in order

    def __init__(self, op: str, arguments: Sequence[Any]) -> None:
        super().__init__()
        self.op, self.arguments = op, tuple(arguments)
        for number, each in enumerate(self.arguments):
            if isinstance(each, Tensor):
                self.register_buffer(f"constant{number}", each)

    def forward(self, *inputs: Tensor) -> Tensor:
        """Compute the op."""
        op: Any = registry.find(self.op)
        given = iter(inputs)
        out = op(*[next(given) if each is self.VALUE else each for each in self.arguments])
        return out[0] if type(out) is tuple else out
