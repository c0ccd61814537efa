"""Transforms: functions on one sample, made by a call and composed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from tinytorch.core.tensor import Tensor
from tinytorch.core.tensor.creation import as_tensor
from tinytorch.core.tensor.joining import pad_constant
from tinytorch.core.tensor.numbers import real, whole
from tinytorch.core.tensor.promotion import tensors_only
from tinytorch.core.tensor.random import stream
from tinytorch.core.tensor.shapes import flip_dims

if TYPE_CHECKING:
    from collections.abc import Callable

    from tinytorch.core.tensor.random import Generator


class Compose:
    """Transforms one after the other."""

    def __init__(self, transforms: Sequence[Callable[[Any], Any]]) -> None:
        self.transforms = list(transforms) if isinstance(transforms, Iterable) else [transforms]
        for each in self.transforms:
            if not callable(each):
                raise TypeError(f"Compose: expected functions, got {type(each).__name__}")

    def __call__(self, sample: Any) -> Any:
        """Apply all."""
        for transform in self.transforms:
            sample = transform(sample)
        return sample


class ToTensor:
    """An image as bytes, (h, w) or (h, w, channels), to floats from 0 to 1, (channels, h, w)."""

    def __call__(self, image: Any) -> Tensor:
        """Convert one image."""
        array = np.asarray(image)
        if array.ndim not in {2, 3}:
            raise ValueError(f"ToTensor: expected an image of 2 or 3 dimensions, got shape {array.shape}")
        planes = array[None] if array.ndim == 2 else array.transpose(2, 0, 1)
        scaled = planes.astype(np.float32) / np.float32(255.0) if array.dtype == np.uint8 else planes.astype(np.float32)
        return as_tensor(np.ascontiguousarray(scaled))


class Normalize:
    """(x - mean) / std, for each channel of (channels, h, w)."""

    def __init__(self, mean: Sequence[float], std: Sequence[float]) -> None:
        if not isinstance(mean, Sequence) or not isinstance(std, Sequence):
            raise TypeError(
                f"Normalize: expected a mean and a standard deviation for each channel, got {mean!r} and {std!r}"
            )
        if len(mean) != len(std) or any(each <= 0 for each in std):
            raise ValueError(f"Normalize: expected as many means as positive standard deviations, got {mean} and {std}")
        self.mean, self.std = (np.asarray(each, np.float32).reshape(-1, 1, 1) for each in (mean, std))

    def __call__(self, image: Tensor) -> Tensor:
        """Normalize one image."""
        tensors_only("Normalize", image)
        if image.ndim != 3 or image.shape[0] != len(self.mean):
            raise ValueError(f"Normalize: expected an image of ({len(self.mean)}, height, width), got {image.shape}")
        return (image - Tensor(self.mean)) / Tensor(self.std)


class RandomHorizontalFlip:
    """The image mirrored, with probability p."""

    def __init__(self, p: float = 0.5, generator: Generator | None = None) -> None:
        if not 0.0 <= real("RandomHorizontalFlip", "p", p) <= 1.0:
            raise ValueError(f"RandomHorizontalFlip: expected a probability from 0 to 1, got {p}")
        self.p, self.generator = p, generator

    def __call__(self, image: Tensor) -> Tensor:
        """Mirror the last dimension, or not."""
        tensors_only("RandomHorizontalFlip", image)
        flipped: Tensor = flip_dims(image, (image.ndim - 1,)) if stream(self.generator).random() < self.p else image
        return flipped


class RandomCrop:
    """A square of `size` somewhere in the image, after `padding` zeros on all sides."""

    def __init__(self, size: int, padding: int = 0, generator: Generator | None = None) -> None:
        self.size = whole("RandomCrop", "size", size, least=1)
        self.padding = whole("RandomCrop", "padding", padding, least=0)
        self.generator = generator

    def __call__(self, image: Tensor) -> Tensor:
        """Cut one piece out of (channels, h, w)."""
        if tensors_only("RandomCrop", image)[0].ndim != 3:
            raise ValueError(f"RandomCrop: expected an image of (channels, height, width), got {image.shape}")
        around = ((0, 0), (self.padding, self.padding), (self.padding, self.padding))
        padded = pad_constant(image, around, 0.0) if self.padding else image
        spare = [n - self.size for n in padded.shape[1:]]
        if min(spare) < 0:
            raise ValueError(f"RandomCrop: an image of shape {image.shape} is smaller than {self.size}")
        top, left = (int(stream(self.generator).integers(0, n + 1)) for n in spare)
        return padded[:, top : top + self.size, left : left + self.size]
