"""Sums and means: over dimensions that follow each other in memory."""

from __future__ import annotations

from tinytorch.plugins import answered_by, hookimpl
from tinytorch.types import Array
from tinytorch_accel.compiled import NEAR, kernels


@hookimpl
@NEAR
@answered_by(kernels.reduce_sum)
def reduce_sum(x: Array, dims: tuple[int, ...], keepdim: bool) -> Array | None:
    """The sum along `dims`, nearer to the right one than float32 sums are."""


@hookimpl
@NEAR
@answered_by(kernels.reduce_mean)
def reduce_mean(x: Array, dims: tuple[int, ...], keepdim: bool) -> Array | None:
    """The mean along `dims`, likewise."""
