"""GGUF's blocks Q8_0 and Q4_0: 32 numbers that share a float16 scale, byte for byte as llama.cpp lays them out.

Formats: ggml's `ggml-quants.c` (quantize_row_q8_0_ref, quantize_row_q4_0_ref); 8.5 and 4.5 bits a number.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from tinytorch.types import Array

BLOCK = 32  # numbers
SMALLEST = np.float32(1e-38)  # scale whose inverse is taken
Q8_0_BYTES, Q4_0_BYTES = 2 + BLOCK, 2 + BLOCK // 2  # a block's: the scale, then the codes


def encode_q8_0(numbers: Array) -> Array:
    """float32 (..., n) -> uint8 (..., n / 32 * 34): scale max|x| / 127, codes rounded with halves away from zero."""
    blocks = _blocks("encode_q8_0", numbers)
    scale = np.abs(blocks).max(axis=1, keepdims=True) / np.float32(127.0)
    return _joined(scale, _away_from_zero(blocks * _inverse(scale)).astype(np.int8).view(np.uint8), numbers)


def decode_q8_0(encoded: Array) -> Array:
    """uint8 (..., blocks * 34) -> float32 (..., blocks * 32)."""
    scale, codes, rows = _split("decode_q8_0", encoded, Q8_0_BYTES)
    return (codes.view(np.int8).astype(np.float32) * scale).reshape(*rows, -1)


def encode_q4_0(numbers: Array) -> Array:
    """float32 (..., n) -> uint8 (..., n / 32 * 18): the number of largest size becomes code -8, stored plus 8.

    Byte i holds number i in its lower half, number i + 16 in its upper one.
    """
    blocks = _blocks("encode_q4_0", numbers)
    place = np.abs(blocks).argmax(axis=1)[:, None]
    scale = np.take_along_axis(blocks, place, axis=1) / np.float32(-8.0)
    shifted = blocks * _inverse(scale) + np.float32(8.5)
    codes = np.clip(np.trunc(shifted), 0, 15).astype(np.uint8)
    return _joined(scale, codes[:, : BLOCK // 2] | (codes[:, BLOCK // 2 :] << 4), numbers)


def decode_q4_0(encoded: Array) -> Array:
    """uint8 (..., blocks * 18) -> float32 (..., blocks * 32)."""
    scale, packed, rows = _split("decode_q4_0", encoded, Q4_0_BYTES)
    codes = np.concatenate((packed & 15, packed >> 4), axis=1).astype(np.int8) - np.int8(8)
    return (codes.astype(np.float32) * scale).reshape(*rows, -1)


def _blocks(name: str, numbers: Array) -> Array:
    if not numbers.ndim or numbers.shape[-1] % BLOCK:
        raise ValueError(f"{name}: expected rows of a multiple of {BLOCK} numbers, got shape {numbers.shape}")
    blocks = np.ascontiguousarray(numbers, np.float32).reshape(-1, BLOCK)
    if not np.isfinite(blocks).all():
        raise ValueError(f"{name}: expected finite numbers, got nan or infinity")
    return blocks


def _inverse(scale: Array) -> Array:
    """1 / scale, and 0 for a block of zeros or of numbers so small that this would overflow: its float16 scale is 0."""
    return np.divide(np.float32(1.0), scale, out=np.zeros_like(scale), where=np.abs(scale) > SMALLEST)


def _away_from_zero(x: Array) -> Array:
    """Whole numbers next to x, halves away from zero, as C's roundf."""
    size = np.abs(x)
    floor = np.floor(size)
    return np.sign(x) * (floor + np.floor(2.0 * (size - floor)))


def _joined(scale: Array, codes: Array, numbers: Array) -> Array:
    with np.errstate(over="ignore"):  # a scale beyond float16 is infinite, as in ggml
        head = scale.astype("<f2").view(np.uint8)
    return np.concatenate((head, codes), axis=1).reshape(*numbers.shape[:-1], -1)


def _split(name: str, encoded: Array, size: int) -> tuple[Array, Array, tuple[int, ...]]:
    if encoded.dtype != np.uint8 or not encoded.ndim or encoded.shape[-1] % size:
        raise ValueError(
            f"{name}: expected bytes in rows of a multiple of {size}, got {encoded.dtype} of shape {encoded.shape}"
        )
    blocks = np.ascontiguousarray(encoded).reshape(-1, size)
    scale = np.ascontiguousarray(blocks[:, :2]).view("<f2").astype(np.float32)
    return scale, np.ascontiguousarray(blocks[:, 2:]), encoded.shape[:-1]
