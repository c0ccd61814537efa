"""QTensor: the codes that stand for a tensor of floats, one byte each, or two in a byte.

It is a module, so that codes, scales and zero points have names in a state_dict and are saved and loaded with the
model that they are in.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from tinytorch.core.module import Module
from tinytorch.core.tensor import Tensor
from tinytorch.core.tensor.promotion import floats_only
from tinytorch_quant.affine import RANGES, choose_qparams_affine, dequantize_affine, quantize_affine

if TYPE_CHECKING:
    from tinytorch.types import Array, DType, Shape

Granularity = str | int  # "tensor", "channel", or how many numbers of a row share a scale, at most
SCALE_DTYPES = ("float16", "float32", "float64")


class QTensor(Module):
    """Codes of `bits` bits for a tensor of `shape`, with a scale for each block of `block_size`.

    Groups lie in what belongs to one output, (out, everything else); the last one of a row may be shorter, and is
    filled up with zeros, which are cut off again.
    Buffers: `codes`, int8 of the tensor's shape, or uint8 with two codes in a byte, the first in the lower half;
    `scale`, of groups in float16 as in GGUF's blocks; `zero_point`, of the scale's dtype and no whole number, so that
    all codes are used: GGUF's Q4_1, torchao's int4. Symmetric codes have none, and keep 0 exactly; others do not.
    Made empty; `from_float` fills one.
    """

    def __init__(
        self, shape: Shape, bits: int, granularity: Granularity, symmetric: bool, dtype: str = "float32"
    ) -> None:
        super().__init__()
        if bits not in RANGES:
            raise ValueError(f"QTensor: expected {' or '.join(map(str, RANGES))} bits, got {bits}")
        if dtype not in SCALE_DTYPES:
            raise ValueError(f"QTensor: expected scales of {' or '.join(SCALE_DTYPES)}, got {dtype!r:.60}")
        self.shape, self.bits, self.symmetric = tuple(shape), bits, symmetric
        grouped = type(granularity) is int and len(self.shape) > 2
        self.stored = (self.shape[0], math.prod(self.shape[1:])) if grouped else self.shape
        self.granularity, self.block_size = granularity, block_size(self.stored, granularity)
        self.padded = tuple(-(-n // size) * size for n, size in zip(self.stored, self.block_size, strict=True))
        counts = tuple(n // size for n, size in zip(self.padded, self.block_size, strict=True))
        packed = (math.ceil(math.prod(self.padded) / 2),)
        self.register_buffer(
            "codes", Tensor(np.zeros(self.padded, np.int8) if bits == 8 else np.zeros(packed, np.uint8))
        )
        self.register_buffer("scale", Tensor(np.ones(counts, dtype)))
        self.register_buffer("zero_point", None if symmetric else Tensor(np.zeros(counts, dtype)))

    @classmethod
    def from_float(
        cls, input: Tensor, bits: int = 8, granularity: Granularity = "channel", symmetric: bool = True
    ) -> QTensor:
        """The codes of a tensor; symmetric ones leave the lowest code out, so that -x has the code of x, negated."""
        floats_only("QTensor.from_float", input)
        made = cls(input.shape, bits, granularity, symmetric, str(input.dtype))
        low, high = made.quant_range
        mapping = "symmetric" if symmetric else "asymmetric"
        filled = _filled(input.reshape(made.stored), made.padded)
        scale, zero_point = choose_qparams_affine(filled, mapping, made.block_size, low, high, preserve_zero=symmetric)
        dtype = _scale_dtype(scale.array, granularity, input.dtype)
        made.scale.array = scale.array.reshape(made.scale.shape).astype(dtype)  # codes are made with what is kept
        if not symmetric:
            made.zero_point.array = zero_point.array.reshape(made.scale.shape).astype(dtype)
        codes = quantize_affine(filled, made.block_size, made.scale, made.zero_point, low, high)
        made.codes.array = codes.array if bits == 8 else pack_int4(codes.array)
        return made

    @property
    def quant_range(self) -> tuple[int, int]:
        """The least and the largest code."""
        low, high = RANGES[self.bits]
        return (low + 1 if self.symmetric else low), high

    @property
    def dtype(self) -> DType:
        """The dtype of the numbers that it stands for."""
        return np.promote_types(self.scale.dtype, np.float32)

    @property
    def nbytes(self) -> int:
        """Bytes of codes, scales and zero points."""
        return sum(buffer.array.nbytes for buffer in self.buffers())

    def int_repr(self) -> Array:
        """The codes, unpacked: int8 of the tensor's shape."""
        return self._unpacked()[tuple(slice(n) for n in self.stored)].reshape(self.shape)

    def _unpacked(self) -> Array:
        """The codes with those that fill up the last groups."""
        return self.codes.array if self.bits == 8 else unpack_int4(self.codes.array, self.padded)

    def dequantize(self) -> Tensor:
        """The numbers that the codes stand for."""
        scale = self.scale.detach().to(self.dtype)
        numbers = dequantize_affine(Tensor(self._unpacked()), self.block_size, scale, self.zero_point)
        return Tensor(numbers.array[tuple(slice(n) for n in self.stored)].reshape(self.shape))

    def rows(self, indices: Array) -> Tensor:
        """The numbers of some rows only, (...) -> (..., columns), of a tensor of two dimensions."""
        columns = self.padded[1]
        if self.bits == 4 and columns % 2:  # rows begin in the middle of bytes
            return Tensor(self.dequantize().array[indices])
        codes = self.codes.array.reshape(self.padded[0], -1)[indices]
        picked = codes if self.bits == 8 else unpack_int4(codes, (*indices.shape, columns))
        per_row = 0 if self.block_size[0] != 1 else indices  # one scale for all rows, or each its own
        numbers = _in_groups(picked, self.scale.array[per_row].astype(self.dtype), self._zero_points(per_row))
        return Tensor(numbers[..., : self.shape[1]])

    def _zero_points(self, index: Array | int) -> Array | None:
        return None if self.zero_point is None else self.zero_point.array[index]

    def extra_repr(self) -> str:
        """Return the options, as `repr` shows them."""
        kind = "symmetric" if self.symmetric else "affine"
        return f"{self.shape}, int{self.bits}, {kind}, granularity={self.granularity!r}"


def block_size(shape: Shape, granularity: Granularity) -> Shape:
    """How many numbers along each dimension share a scale; channels are the first dimension, groups lie in the last.

    A row is cut into as few groups as there must be, of equal sizes.
    """
    if granularity == "tensor":
        return tuple(max(n, 1) for n in shape)
    if granularity == "channel" and shape:
        return (1, *(max(n, 1) for n in shape[1:]))
    if type(granularity) is not int or granularity < 1:
        raise ValueError(f"block_size: expected 'tensor', 'channel' or a group's size, got {granularity!r}")
    if len(shape) != 2:
        raise ValueError(f"block_size: groups need a tensor of two dimensions at least, got shape {shape}")
    return (1, -(-max(shape[1], 1) // max(-(-shape[1] // granularity), 1)))


def _scale_dtype(scale: Array, granularity: Granularity, dtype: DType) -> DType:
    """float16 for groups, of which there are many, unless even the largest scale is too small or large for it."""
    half = np.finfo(np.float16)
    fits = granularity not in ("tensor", "channel") and half.smallest_normal <= scale.max() <= half.max
    return np.dtype(np.float16) if fits and dtype == np.float32 else dtype


def _filled(input: Tensor, shape: Shape) -> Tensor:
    """A tensor with zeros after it in every dimension, up to the shape."""
    if input.shape == shape:
        return input
    out = np.zeros(shape, input.dtype)
    out[tuple(slice(n) for n in input.shape)] = input.array
    return Tensor(out)


def pack_int4(codes: Array) -> Array:
    """Two codes from -8 to 7 in a byte, plus 8 each, the first in the lower half: (...) int8 -> (bytes,) uint8."""
    halves = (codes.reshape(-1) + 8).astype(np.uint8)
    if len(halves) % 2:
        halves = np.append(halves, np.uint8(8))
    return np.asarray(halves[0::2] | (halves[1::2] << 4))


def unpack_int4(packed: Array, shape: Shape) -> Array:
    """The codes of `pack_int4`, int8 of the given shape."""
    halves = np.empty((packed.size, 2), np.int8)
    halves[:, 0] = packed.reshape(-1) & 15
    halves[:, 1] = packed.reshape(-1) >> 4
    halves -= 8
    return halves.reshape(-1)[: math.prod(shape)].reshape(shape)


def _in_groups(codes: Array, scale: Array, zero_point: Array | None) -> Array:
    """(..., columns) codes with (..., groups) scales -> (..., columns) numbers."""
    groups = codes.reshape(*codes.shape[:-1], scale.shape[-1], -1)
    numbers = groups.astype(scale.dtype)
    if zero_point is not None:
        numbers -= zero_point[..., None].astype(scale.dtype)
    numbers *= scale[..., None]
    return numbers.reshape(codes.shape)
