"""Convolutional networks for small grey images: filters that look at 3 × 3 pixels, then a perceptron."""

from __future__ import annotations

from tinytorch.core.activations import ReLU
from tinytorch.core.layers import Dropout, Flatten, Linear, Sequential
from tinytorch.core.spatial import Conv2d, MaxPool2d


def digits_cnn() -> Sequential:
    """Make the network for the handwritten digits: (batch, 1, 8, 8) -> (batch, 10)."""
    return Sequential(
        Conv2d(1, 16, kernel_size=3, padding=1),
        ReLU(),
        Conv2d(16, 32, kernel_size=3, padding=1),
        ReLU(),
        MaxPool2d(2),  # (batch, 32, 4, 4)
        Flatten(),
        Dropout(0.25),
        Linear(32 * 4 * 4, 64),
        ReLU(),
        Linear(64, 10),
    )


def fashion_cnn() -> Sequential:
    """Make the network for Fashion-MNIST: (batch, 1, 28, 28) -> (batch, 10)."""
    return Sequential(
        Conv2d(1, 16, kernel_size=3, padding=1),
        ReLU(),
        MaxPool2d(2),  # (batch, 16, 14, 14)
        Conv2d(16, 32, kernel_size=3, padding=1),
        ReLU(),
        MaxPool2d(2),  # (batch, 32, 7, 7)
        Flatten(),
        Linear(32 * 7 * 7, 128),
        ReLU(),
        Linear(128, 10),
    )
