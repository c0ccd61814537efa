"""Affine quantization: real = (code - zero_point) * scale, one scale for each block of numbers.

Names and meaning are torchao's (`torchao.quantization.quant_primitives`): `block_size` says for each dimension how many
numbers share a scale, so that (rows, columns) is a whole tensor, (1, columns) a channel, (1, 32) a group. A dimension
that one block covers is gone from the scale's shape. Codes are computed as PyTorch does, by multiplying with 1 / scale.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from tinytorch.core.tensor import Tensor, op
from tinytorch.core.tensor.promotion import floats_only, tensors_only

if TYPE_CHECKING:
    from tinytorch.types import Array, Shape

EPS = float(np.finfo(np.float32).eps)  # the smallest scale that is chosen, as in torch.ao.quantization
MAPPINGS = ("symmetric", "asymmetric")
RANGES = {8: (-128, 127), 4: (-8, 7)}  # by bits
CODE_DTYPES = (np.int8, np.uint8, np.int16)


def choose_qparams_affine(
    input: Tensor,
    mapping_type: str,
    block_size: Sequence[int],
    quant_min: int = -128,
    quant_max: int = 127,
    eps: float = EPS,
    preserve_zero: bool = True,
) -> tuple[Tensor, Tensor]:
    """Scale (float32) and zero point (int32) for each block; 0 is a number that is kept exactly.

    Without `preserve_zero` zero points are float32, not rounded: then the ends of an asymmetric block's range, which
    reaches to 0 at least, are what is kept exactly. A block of zeros gets the scale `eps`.
    Raises ValueError for nan and infinity, for which no scale is right.
    """
    floats_only("choose_qparams_affine", input)
    blocks, axes, _ = blocked("choose_qparams_affine", input.array, block_size)
    low, high = blocks.min(axis=axes, initial=math.inf), blocks.max(axis=axes, initial=-math.inf)
    if not input.array.size:
        raise ValueError(f"choose_qparams_affine: expected numbers, got an empty tensor {input.shape}")
    if not (np.isfinite(low).all() and np.isfinite(high).all()):
        raise ValueError("choose_qparams_affine: expected finite numbers, got nan or infinity")
    scale, zero_point = qparams_of_range(low, high, mapping_type, quant_min, quant_max, eps, preserve_zero)
    return Tensor(scale), Tensor(zero_point)


def qparams_of_range(
    low: Any,
    high: Any,
    mapping_type: str,
    quant_min: int,
    quant_max: int,
    eps: float = EPS,
    preserve_zero: bool = True,
) -> tuple[Array, Array]:
    """Scale (float32) and zero point (int32; float32 to keep the ends) of numbers from low to high, of any shape.

    Symmetric ones have the zero point of the codes' middle, 0 for signed codes: torch.ao.quantization's observers.
    """
    if mapping_type not in MAPPINGS:
        raise ValueError(f"qparams_of_range: expected a mapping of {' or '.join(MAPPINGS)}, got {mapping_type!r}")
    if not quant_min < quant_max:
        raise ValueError(f"qparams_of_range: expected quant_min below quant_max, got {quant_min} and {quant_max}")
    low = np.minimum(np.asarray(low, np.float32), np.float32(0.0))
    high = np.maximum(np.asarray(high, np.float32), np.float32(0.0))
    if mapping_type == "symmetric":
        scale = np.maximum(np.maximum(-low, high) / np.float32((quant_max - quant_min) / 2), np.float32(eps))
        return np.asarray(scale), np.full(scale.shape, (quant_max + quant_min + 1) // 2, np.int32)
    with np.errstate(over="ignore"):  # told below: a range beyond float32 has no scale
        scale = np.maximum((high - low) / np.float32(quant_max - quant_min), np.float32(eps))
    if not np.isfinite(scale).all():
        raise ValueError(f"qparams_of_range: the range from {low.min()} to {high.max()} is too wide for float32")
    if not preserve_zero:
        return np.asarray(scale), np.asarray(np.float32(quant_min) - low / scale)
    zero_point = np.clip(quant_min - np.rint(low / scale), quant_min, quant_max)
    return np.asarray(scale), np.asarray(zero_point).astype(np.int32)


def quantize_affine(
    input: Tensor,
    block_size: Sequence[int],
    scale: Tensor,
    zero_point: Tensor | None,
    quant_min: int = -128,
    quant_max: int = 127,
) -> Tensor:
    """Numbers as codes: round(input / scale) + zero_point, halves to even, limited to quant_min .. quant_max.

    A zero point of a float dtype is added before rounding.
    Codes are int8, uint8 or int16, the first that has the limits; without a zero point it is 0.
    """
    floats_only("quantize_affine", input)
    dtype = _code_dtype("quantize_affine", quant_min, quant_max)
    shift = None if zero_point is None else zero_point.array
    codes = _codes("quantize_affine", input.array, block_size, scale.array, shift)
    return Tensor(np.clip(codes, quant_min, quant_max).astype(dtype).reshape(input.shape))


def dequantize_affine(input: Tensor, block_size: Sequence[int], scale: Tensor, zero_point: Tensor | None) -> Tensor:
    """The numbers that codes stand for, in the scale's dtype: (code - zero_point) * scale."""
    tensors_only("dequantize_affine", input)
    blocks, _, kept = blocked("dequantize_affine", input.array, block_size)
    numbers = blocks.astype(scale.array.dtype)
    if zero_point is not None:
        numbers -= _of_blocks("dequantize_affine", "zero points", zero_point.array, kept).astype(numbers.dtype)
    numbers *= _of_blocks("dequantize_affine", "scales", scale.array, kept)
    return Tensor(numbers.reshape(input.shape))


def fake_quantize_affine(
    input: Tensor,
    block_size: Sequence[int],
    scale: Tensor,
    zero_point: Tensor,
    quant_min: int = -128,
    quant_max: int = 127,
) -> Tensor:
    """Quantize and dequantize: what the codes will stand for, as floats.

    The gradient passes as if nothing had been rounded where the code was within its limits, and stops where it was
    not: the straight-through estimator (Bengio et al. 2013; `torch.fake_quantize_per_tensor_affine`).
    """
    return fake_quantize(input, scale, zero_point, tuple(block_size), quant_min, quant_max)


def _floats_first(name: str, x: Any, *args: Any) -> tuple[Any, ...]:
    return (*floats_only(name, x), *args)


@op(prepare=_floats_first)
def fake_quantize(
    x: Array, scale: Array, zero_point: Array, block_size: Shape, quant_min: int, quant_max: int
) -> Array:
    """What is left of numbers that become codes: (clamp(round(x / scale) + zero_point) - zero_point) * scale."""
    codes = _codes("fake_quantize", x, block_size, scale, zero_point)
    np.clip(codes, quant_min, quant_max, out=codes)
    _, _, kept = blocked("fake_quantize", x, block_size)
    codes -= zero_point.reshape(kept).astype(codes.dtype)
    codes *= scale.reshape(kept)
    return codes.reshape(x.shape)


@op
def fake_quantize_grad(
    grad: Array, x: Array, scale: Array, zero_point: Array, block_size: Shape, quant_min: int, quant_max: int
) -> Array:
    """Grad where the code of x lies within its limits, 0 elsewhere."""
    codes = _codes("fake_quantize_grad", x, block_size, scale, zero_point)
    inside = (codes >= quant_min) & (codes <= quant_max)
    return np.multiply(grad, inside.reshape(x.shape).astype(grad.dtype))


@fake_quantize.rule
def _fake_quantize_rule(
    grad: Tensor,
    _out: None,
    x: Tensor,
    scale: Tensor,
    zero_point: Tensor,
    block_size: Shape,
    quant_min: int,
    quant_max: int,
) -> tuple[Tensor | None, ...]:
    return fake_quantize_grad(grad, x, scale, zero_point, block_size, quant_min, quant_max), None, None


@fake_quantize_grad.rule
def _fake_quantize_grad_rule(
    grad: Tensor,
    _out: None,
    _grad_out: None,
    x: Tensor,
    scale: Tensor,
    zero_point: Tensor,
    block_size: Shape,
    quant_min: int,
    quant_max: int,
) -> tuple[Tensor | None, ...]:
    return fake_quantize_grad(grad, x, scale, zero_point, block_size, quant_min, quant_max), None, None, None


def blocked(name: str, array: Array, block_size: Sequence[int]) -> tuple[Array, tuple[int, ...], Shape]:
    """The array with blocks as dimensions of their own, which these are, and the shape of a scale that broadcasts."""
    if len(block_size) != array.ndim or any(
        size < 1 or (n and n % size) for n, size in zip(array.shape, block_size, strict=False)
    ):
        raise ValueError(f"{name}: blocks of {tuple(block_size)} do not divide a tensor of shape {array.shape}")
    shape, kept, axes = list[int](), list[int](), list[int]()
    for n, size in zip(array.shape, block_size, strict=True):
        if size == 1:
            shape.append(n)
            kept.append(n)
            continue
        if size != n:
            shape.append(n // size)
            kept.append(n // size)
        axes.append(len(shape))
        shape.append(size)
        kept.append(1)
    return array.reshape(shape), tuple(axes), tuple(kept)


def _codes(name: str, array: Array, block_size: Sequence[int], scale: Array, zero_point: Array | None) -> Array:
    """Codes as floats, not limited yet, with blocks as dimensions of their own."""
    blocks, _, kept = blocked(name, array, block_size)
    codes = blocks * (1.0 / _of_blocks(name, "scales", scale, kept).astype(array.dtype))
    if zero_point is None:
        return np.rint(codes, out=codes)
    shift = _of_blocks(name, "zero points", zero_point, kept).astype(array.dtype)
    if zero_point.dtype.kind != "f":
        np.rint(codes, out=codes)
    codes += shift
    return codes if zero_point.dtype.kind != "f" else np.rint(codes, out=codes)


def _of_blocks(name: str, what: str, numbers: Array, kept: Shape) -> Array:
    """One number for each block, in the shape that broadcasts."""
    if numbers.size != math.prod(kept):
        raise ValueError(f"{name}: expected {math.prod(kept)} {what}, one for each block, got {numbers.size}")
    return numbers.reshape(kept)


def _code_dtype(name: str, quant_min: int, quant_max: int) -> np.dtype[Any]:
    for dtype in CODE_DTYPES:
        if np.iinfo(dtype).min <= quant_min < quant_max <= np.iinfo(dtype).max:
            return np.dtype(dtype)
    raise ValueError(f"{name}: expected quant_min below quant_max within int16, got {quant_min} and {quant_max}")
