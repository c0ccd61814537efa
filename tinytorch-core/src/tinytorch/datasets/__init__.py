"""Datasets: a toy, real handwritten digits that come with the core, Fashion-MNIST and texts from the person's disk.

Each is a function that returns `(train, test)`, two `TensorDataset`s, of images and labels or of characters. Nothing is
ever downloaded. Read small, then idx, then fashion; sentences, then text.
"""

from tinytorch.datasets.fashion import fashion_mnist
from tinytorch.datasets.idx import DatasetError
from tinytorch.datasets.small import digits, xor
from tinytorch.datasets.text import characters

__all__ = ["DatasetError", "characters", "digits", "fashion_mnist", "xor"]
