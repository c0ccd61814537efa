"""Datasets: samples by number."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from tinytorch.core.tensor.numbers import real, whole
from tinytorch.core.tensor.promotion import tensors_only
from tinytorch.core.tensor.random import randperm

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tinytorch.core.tensor import Tensor
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
        for each in tensors:
            tensors_only("TensorDataset", each)
        if not tensors or any(not each.ndim or len(each) != len(tensors[0]) for each in tensors):
            raise ValueError(
                f"TensorDataset: expected tensors of one first size, got {[each.shape for each in tensors]}"
            )
        self.tensors = tensors

    def __len__(self) -> int:
        return len(self.tensors[0])

    def __getitem__(self, index: Any) -> tuple[Tensor, ...]:
        """The slices at one index, or at many."""
        return tuple(tensor[index] for tensor in self.tensors)


class Subset(Dataset):
    """Some samples of another dataset."""

    def __init__(self, dataset: Dataset, indices: Sequence[int]) -> None:
        if not isinstance(indices, Iterable):
            raise TypeError(f"Subset: expected indices, got {type(indices).__name__}")
        self.dataset, self.indices = dataset, list(indices)

    def __len__(self) -> int:
        return len(self.indices)

    def __getitem__(self, index: int) -> Any:
        """The sample that `indices[index]` names."""
        if not -len(self) <= index < len(self):
            raise IndexError(f"Subset: index {index} is out of range for {len(self)} samples")
        return self.dataset[self.indices[index]]


class Transformed(Dataset):
    """Another dataset whose samples' first element goes through a function when it is asked for."""

    def __init__(self, dataset: Dataset, transform: Callable[[Any], Any]) -> None:
        if not callable(transform):
            raise TypeError(f"Transformed: expected a function, got {type(transform).__name__}")
        self.dataset, self.transform = dataset, transform

    def __len__(self) -> int:
        return len(self.dataset)

    def __getitem__(self, index: int) -> Any:
        """The transformed sample."""
        first, *rest = self.dataset[index]
        return (self.transform(first), *rest)


def random_split(dataset: Dataset, lengths: Sequence[float], generator: Generator | None = None) -> list[Subset]:
    """Divide at random into parts of these lengths, or of these fractions if they add up to 1."""
    check_sized("random_split", dataset)
    sizes = _sizes(len(dataset), lengths)
    order = randperm(len(dataset), generator=generator).tolist()
    starts = [sum(sizes[:i]) for i in range(len(sizes))]
    return [Subset(dataset, order[start : start + size]) for start, size in zip(starts, sizes, strict=True)]


def check_sized(name: str, dataset: Any) -> None:
    """Raise TypeError for what cannot be a dataset."""
    if not hasattr(dataset, "__len__") or not hasattr(dataset, "__getitem__"):
        raise TypeError(f"{name}: expected a dataset with __len__ and __getitem__, got {type(dataset).__name__}")


def _sizes(total: int, lengths: Sequence[float]) -> list[int]:
    if not isinstance(lengths, (list, tuple)):
        raise TypeError(f"random_split: expected a list of lengths or fractions, got {type(lengths).__name__}")
    for length in lengths:
        real("random_split", "a length", length)
    if any(isinstance(length, float) for length in lengths) and math.isclose(sum(lengths), 1.0):
        sizes = [math.floor(total * length) for length in lengths]
        for i in range(total - sum(sizes)):
            sizes[i % len(sizes)] += 1
        return sizes
    if sum(lengths) != total or any(length < 0 for length in lengths):
        raise ValueError(
            f"random_split: lengths {list(lengths)} add up neither to {total}, the size of the dataset, nor to 1"
        )
    return [whole("random_split", "a length", length) for length in lengths]
