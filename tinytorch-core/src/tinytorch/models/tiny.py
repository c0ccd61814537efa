"""The reference networks of MLPerf Tiny (Banbury et al. 2021), layer by layer, so that their published weights fit.

The references are Keras models: batch norm divides by sqrt(variance + 0.001) and forgets by 0.99, and TensorFlow's
padding "SAME" puts the odd pixel at the right and at the bottom. What is left out is their last softmax, which the loss
brings, and their initial distribution, which is PyTorch's here.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from tinytorch.core.activations import ReLU
from tinytorch.core.layers import BatchNorm1d, BatchNorm2d, Dropout, Flatten, Linear, Sequential
from tinytorch.core.module import Module
from tinytorch.core.spatial import AdaptiveAvgPool2d, Conv2d

if TYPE_CHECKING:
    from tinytorch.core.tensor import Tensor

EPS, MOMENTUM = 0.001, 0.01  # of Keras' batch norm; its momentum, 0.99, is what is kept
EVENLY = (1, 1, 1, 1)  # left, right, top, bottom: "SAME" of 3 x 3 at stride 1
LATE = (0, 1, 0, 1)  # at stride 2, over an even number of pixels
MOBILE = (  # of the depthwise separable layers: stride and channels that come out (Howard et al. 2017, table 1) / 4
    *((1, 16), (2, 32), (1, 32), (2, 64), (1, 64), (2, 128)),
    *((1, 128), (1, 128), (1, 128), (1, 128), (1, 128), (2, 256), (1, 256)),
)


def ds_cnn() -> Sequential:
    """Make the network for spotting keywords (Zhang et al. 2017): spectra (batch, 1, 49, 10) -> (batch, 12)."""
    first = Conv2d(1, 64, (10, 4), stride=2, padding=(1, 1, 4, 5))  # (batch, 64, 25, 5)
    parts: list[Module] = [first, *_bent(64), Dropout(0.2)]
    for _ in range(4):
        parts += _separable(64, 64)
    return Sequential(*parts, Dropout(0.4), *_classifier(64, 12))


def mobilenet_v1() -> Sequential:
    """Make the network that sees whether a person is there, of width 0.25: (batch, 3, 96, 96) -> (batch, 2)."""
    channels = 8
    parts: list[Module] = [Conv2d(3, channels, 3, stride=2, padding=LATE), *_bent(channels)]
    for stride, out in MOBILE:
        parts += _separable(channels, out, stride)
        channels = out
    return Sequential(*parts, *_classifier(channels, 2))


def resnet8() -> Sequential:
    """Make the network for CIFAR-10 (He et al. 2016, with three blocks): (batch, 3, 32, 32) -> (batch, 10)."""
    blocks = (Residual(16, 16), Residual(16, 32, stride=2), Residual(32, 64, stride=2))
    return Sequential(Conv2d(3, 16, 3, padding=EVENLY), *_bent(16), *blocks, *_classifier(64, 10))


def autoencoder() -> Sequential:
    """Make the network that hears what is out of order: five spectra of 128 numbers (batch, 640) -> (batch, 640).

    It learns to repeat how machines sound when they are well; what it cannot repeat is out of order.
    """
    sizes = (640, 128, 128, 128, 128, 8, 128, 128, 128, 128)
    parts: list[Module] = []
    for inputs, outputs in pairwise(sizes):
        parts += [Linear(inputs, outputs), BatchNorm1d(outputs, EPS, MOMENTUM), ReLU()]
    return Sequential(*parts, Linear(128, 640))


class Residual(Module):
    """Two convolutions around which the input goes by; where the shape changes, through a convolution of 1 x 1."""

    def __init__(self, inputs: int, outputs: int, stride: int = 1) -> None:
        super().__init__()
        self.conv1 = Conv2d(inputs, outputs, 3, stride, EVENLY if stride == 1 else LATE)
        self.bn1 = BatchNorm2d(outputs, EPS, MOMENTUM)
        self.conv2 = Conv2d(outputs, outputs, 3, padding=EVENLY)
        self.bn2 = BatchNorm2d(outputs, EPS, MOMENTUM)
        self.shortcut = Sequential() if inputs == outputs else Conv2d(inputs, outputs, 1, stride)
        self.relu = ReLU()

    def forward(self, x: Tensor) -> Tensor:
        """(batch, inputs, h, w) -> (batch, outputs, h / stride, w / stride)."""
        out = self.relu(self.bn1(self.conv1(x)))
        return self.relu(self.bn2(self.conv2(out)) + self.shortcut(x))


def _separable(inputs: int, outputs: int, stride: int = 1) -> list[Module]:
    """A window for each channel by itself, then a mixture of the channels for each pixel."""
    around = EVENLY if stride == 1 else LATE
    depthwise = Conv2d(inputs, inputs, 3, stride, around, groups=inputs)
    return [depthwise, *_bent(inputs), Conv2d(inputs, outputs, 1), *_bent(outputs)]


def _bent(channels: int) -> list[Module]:
    return [BatchNorm2d(channels, EPS, MOMENTUM), ReLU()]


def _classifier(channels: int, classes: int) -> list[Module]:
    return [AdaptiveAvgPool2d(1), Flatten(), Linear(channels, classes)]
