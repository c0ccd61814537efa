"""Datasets: a toy, real handwritten digits that come with the core, and Fashion-MNIST from the person's disk.

Each is a function that returns `(train, test)`, two `TensorDataset`s of images and labels. Nothing is ever
downloaded. Read small, then idx, then fashion.
"""

from tinytorch.datasets.fashion import fashion_mnist
from tinytorch.datasets.idx import DatasetError
from tinytorch.datasets.small import digits, xor

__all__ = ["DatasetError", "digits", "fashion_mnist", "xor"]
