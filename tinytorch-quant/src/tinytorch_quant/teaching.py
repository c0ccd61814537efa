"""The teaching example: a small network for handwritten digits, and its twin in integers, side by side.

What `quantize` does in general stands here once for one network, in the order in which it happens: watch, choose
scales, round weights, compute with integers. The twin is as `quantize` would make it, with less around it.
"""

from __future__ import annotations

from collections.abc import Iterable

from tinytorch.core.activations import ReLU
from tinytorch.core.autograd import no_grad
from tinytorch.core.layers import Flatten, Linear
from tinytorch.core.module import Module
from tinytorch.core.spatial import Conv2d, MaxPool2d
from tinytorch.core.tensor import Tensor
from tinytorch_quant.integer import QuantizedConv2d, QuantizedLinear, int8_dequantize, int8_max_pool2d, int8_quantize
from tinytorch_quant.observers import MinMaxObserver

WINDOW = (2, 2), (2, 2), ((0, 0), (0, 0)), -128, 127  # kernel, stride and padding of the pooling; all codes


class BaselineCNN(Module):
    """Two convolutions and two linear layers: images (batch, 1, 8, 8) -> scores (batch, 10)."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.conv2 = Conv2d(1, 8, 3, padding=1), Conv2d(8, 16, 3, padding=1)
        self.fc1, self.fc2 = Linear(16 * 2 * 2, 32), Linear(32, 10)
        self.relu, self.pool, self.flatten = ReLU(), MaxPool2d(2), Flatten()

    def forward(self, x: Tensor) -> Tensor:
        """(batch, 1, 8, 8) -> (batch, 10)."""
        return self.values(x)[-1]

    def values(self, x: Tensor) -> list[Tensor]:
        """The input and what each layer with weights gives, after its ReLU: the five values that will be codes."""
        first = self.relu(self.conv1(x))  # (batch, 8, 8, 8)
        second = self.relu(self.conv2(self.pool(first)))  # (batch, 16, 4, 4)
        third = self.relu(self.fc1(self.flatten(self.pool(second))))
        return [x, first, second, third, self.fc2(third)]


class QuantizedCNN(Module):
    """The twin of a trained BaselineCNN: between the image and the scores there are only int8 codes."""

    def __init__(self, model: BaselineCNN, images: Iterable[Tensor]) -> None:
        super().__init__()
        scales = self.watched(model, images)
        layers = model.conv1, model.conv2, model.fc1, model.fc2
        kinds = QuantizedConv2d, QuantizedConv2d, QuantizedLinear, QuantizedLinear
        made = [
            kind.from_float(layer, scales[i], scales[i + 1], relu=i < 3)  # type: ignore[attr-defined]
            for i, (kind, layer) in enumerate(zip(kinds, layers, strict=True))
        ]
        self.conv1, self.conv2, self.fc1, self.fc2 = made
        self.flatten = Flatten()
        self.input, self.output = scales[0], scales[-1]

    @staticmethod
    def watched(model: BaselineCNN, images: Iterable[Tensor]) -> list[tuple[float, int]]:
        """Scale and zero point of the five values, from what they are on some images."""
        observers = [MinMaxObserver() for _ in range(5)]
        with no_grad():
            for batch in images:
                for observer, value in zip(observers, model.values(batch), strict=True):
                    observer(value)
        chosen = [observer.calculate_qparams() for observer in observers]
        return [(float(scale.array), int(zero_point.array)) for scale, zero_point in chosen]

    def forward(self, x: Tensor) -> Tensor:
        """(batch, 1, 8, 8) -> (batch, 10), by integers."""
        codes = int8_quantize(x, *self.input)
        codes = int8_max_pool2d(self.conv1(codes), *WINDOW)
        codes = int8_max_pool2d(self.conv2(codes), *WINDOW)
        codes = self.fc2(self.fc1(self.flatten(codes)))
        return int8_dequantize(codes, *self.output)
