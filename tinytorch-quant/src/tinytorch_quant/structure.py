"""Structures: what a file says of a quantized model, and a fresh model made like it, which then takes its numbers.

The steps of an integer model are written compressed: for networks of microcontrollers they would be longer than the
weights.
"""

from __future__ import annotations

import base64
import json
import zlib
from typing import Any

from tinytorch.core.module import Module
from tinytorch_quant import swapping
from tinytorch_quant.packed import PackedModel

LARGEST = 1 << 24  # bytes that steps may unpack to


def described(model: Module) -> dict[str, Any]:
    """The structure of a quantized model, in plain values."""
    if isinstance(model, PackedModel):
        text = json.dumps(model.structure(), separators=(",", ":"))
        return {"steps": base64.b85encode(zlib.compress(text.encode(), 9)).decode()}
    return {"layers": swapping.described(model)}


def restructure(model: Module, structure: dict[str, Any]) -> Module:
    """Give a fresh model this structure; raises ValueError for what is none."""
    if set(structure) == {"layers"}:
        return swapping.blank(model, structure["layers"])
    if set(structure) != {"steps"} or not isinstance(structure["steps"], str):
        raise ValueError(f"quantize: expected a structure of steps or layers, got {sorted(structure)}")
    return PackedModel.from_structure(_steps(structure["steps"])).eval()


def _steps(text: str) -> Any:
    try:
        unpacking = zlib.decompressobj()
        told = unpacking.decompress(base64.b85decode(text), LARGEST)
        steps = json.loads(told)
    except (ValueError, zlib.error, RecursionError) as error:
        raise ValueError(f"quantize: the file's steps cannot be read: {error}") from error
    if not unpacking.eof:
        raise ValueError("quantize: the file's steps cannot be read: they are too long or cut off")
    return steps
