"""Datasets: samples by number."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from tinytorch.core.tensor import Tensor
from tinytorch.core.tensor.random import randperm

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tinytorch.core.tensor.random import Generator


class Dataset:
    """The base: subclasses define `__len__` and `__getitem__(index)`."""

    def __len__(self) -> int:
        raise NotImplementedError(f"{type(self).__name__} defines no __len__")

    def __getitem__(self, index: int) -> Any:
        """One sample."""
        raise NotImplementedError(f"{type(self).__name__} defines no __getitem__")


class TensorDataset(Dataset):
    """Sample i is slice i of each tensor."""

    def __init__(self, *tensors: Tensor) -> None:
        if not tensors or any(not isinstance(t, Tensor) or not t.ndim or len(t) != len(tensors[0]) for t in tensors):
            raise ValueError("TensorDataset: expected tensors of one first size")
        self.tensors = tensors

    def __len__(self) -> int:
        return len(self.tensors[0])

    def __getitem__(self, index: Any) -> tuple[Tensor, ...]:
        """The slices at one index, or at many."""
        return tuple(tensor[index] for tensor in self.tensors)


class Subset(Dataset):
    """Some samples of another dataset."""

    def __init__(self, dataset: Dataset, indices: Sequence[int]) -> None:
        self.dataset, self.indices = dataset, list(indices)

    def __len__(self) -> int:
        return len(self.indices)

    def __getitem__(self, index: int) -> Any:
        """The sample that `indices[index]` names."""
        return self.dataset[self.indices[index]]


class Transformed(Dataset):
    """Another dataset whose samples' first element goes through a function when it is asked for."""

    def __init__(self, dataset: Dataset, transform: Callable[[Any], Any]) -> None:
        self.dataset, self.transform = dataset, transform

    def __len__(self) -> int:
        return len(self.dataset)

    def __getitem__(self, index: int) -> Any:
        """The transformed sample."""
        first, *rest = self.dataset[index]
        return (self.transform(first), *rest)


def random_split(dataset: Dataset, lengths: Sequence[float], generator: Generator | None = None) -> list[Subset]:
    """Divide at random into parts of these lengths, or of these fractions if they add up to 1."""
    sizes = _sizes(len(dataset), lengths)
    order = randperm(len(dataset), generator=generator).tolist()
    starts = [sum(sizes[:i]) for i in range(len(sizes))]
    return [Subset(dataset, order[start : start + size]) for start, size in zip(starts, sizes, strict=True)]


def _sizes(whole: int, lengths: Sequence[float]) -> list[int]:
    if any(isinstance(length, float) for length in lengths) and math.isclose(sum(lengths), 1.0):
        sizes = [math.floor(whole * length) for length in lengths]
        for i in range(whole - sum(sizes)):
            sizes[i % len(sizes)] += 1
        return sizes
    if sum(lengths) != whole or any(length < 0 for length in lengths):
        raise ValueError(f"random_split: lengths {list(lengths)} add up neither to {whole}, the size of the dataset, nor to 1")
    return [int(length) for length in lengths]
