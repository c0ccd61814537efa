"""The same weights and data for every peer, drawn by name, shape and nothing else."""

from __future__ import annotations

import math
import zlib
from collections.abc import Mapping

import numpy as np

from tinytorch.types import Array

ROOT3 = math.sqrt(3.0)


def drawn(name: str, *shape: int) -> Array:
    """Numbers of mean 0 and variance 1, equally distributed: (*shape) float32, others for every name."""
    generator = np.random.default_rng(zlib.crc32(name.encode()))
    return np.asarray((generator.random(shape, np.float32) - np.float32(0.5)) * np.float32(2 * ROOT3))


def weights(shapes: Mapping[str, tuple[int, ...]]) -> dict[str, Array]:
    """Weights of a network by their names in its state: as large as training would begin with (He et al. 2015)."""
    return {name: _weight(name, shape) for name, shape in shapes.items()}


def _weight(name: str, shape: tuple[int, ...]) -> Array:
    if name.endswith("num_batches_tracked"):
        return np.array(0)
    if len(shape) > 1:
        return drawn(name, *shape) * np.float32(math.sqrt(2.0 / math.prod(shape[1:])))
    middle = 1.0 if name.endswith(("weight", "running_var")) else 0.0  # of a normalization, or else of a bias
    return np.float32(middle) + np.float32(0.1) * drawn(name, *shape)
