"""The files of karpathy/llama2.c: seven integers, then every weight as float32, one after the other.

The first layout of its export.py (version 0). The file is mapped into memory, not read: weights come as they are used,
and what is written to them stays in this process.
"""

from __future__ import annotations

import math
import os
import struct
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tinytorch.models.llama import Llama
from tinytorch.serialization import CheckpointError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tinytorch.types import Array, Shape

HEADER = 7  # width, hidden, layers, heads, key heads, vocabulary (negative: the last layer is not tied), length
LARGEST = 1 << 24  # of a size in a header that is believed
NAMES = {  # what follows the table of tokens, one array for all layers each
    "input_layernorm": ("width",),
    "self_attn.q_proj": ("width", "width"),
    "self_attn.k_proj": ("key_width", "width"),
    "self_attn.v_proj": ("key_width", "width"),
    "self_attn.o_proj": ("width", "width"),
    "post_attention_layernorm": ("width",),
    "mlp.gate_proj": ("hidden", "width"),
    "mlp.down_proj": ("width", "hidden"),
    "mlp.up_proj": ("hidden", "width"),
}


def load_llama2c(path: str | Path) -> Llama:
    """The model of a llama2.c `.bin` file; raises CheckpointError where the file does not hold one, whole."""
    path = Path(path)
    try:
        with path.open("rb") as file:
            header, size = file.read(4 * HEADER), os.fstat(file.fileno()).st_size
    except (OSError, ValueError) as error:  # ValueError: a path with a zero byte
        reason = getattr(error, "strerror", error)
        raise CheckpointError(f"{path}: cannot be read as a llama2.c model: {reason}") from error
    sizes = _sizes(path, header)
    expected = 4 * (HEADER + sum(math.prod(shape) for _, shape in _arrays(sizes)))
    if size != expected:
        raise CheckpointError(f"{path}: expected {expected} bytes for the sizes in its header, got {size}")
    options = {name: sizes[name] for name in ("vocab_size", "layers", "heads", "width", "hidden", "kv_heads")}
    model = Llama(**options, max_length=sizes["length"], interleaved=True, tied=bool(sizes["tied"]))
    _place(model, np.memmap(path, dtype="<f4", mode="c"), sizes)  # "c": writes stay in memory
    return model


def _sizes(path: Path, header: bytes) -> dict[str, int]:
    """The numbers of the header by name, checked before anything is allocated."""
    if len(header) < 4 * HEADER:
        raise CheckpointError(f"{path}: is too short for a llama2.c model")
    numbers = struct.unpack(f"<{HEADER}i", header)
    width, hidden, layers, heads, kv_heads, vocabulary, length = numbers
    sizes = {"width": width, "hidden": hidden, "layers": layers, "heads": heads, "kv_heads": kv_heads}
    sizes |= {"vocab_size": abs(vocabulary), "length": length, "tied": int(vocabulary > 0)}
    if not all(0 < size < LARGEST for name, size in sizes.items() if name != "tied"):
        raise CheckpointError(f"{path}: is not a llama2.c model, its header says {[*numbers]}")
    if width % (2 * heads) or heads % kv_heads:
        raise CheckpointError(f"{path}: width {width}, {heads} heads and {kv_heads} key heads do not divide evenly")
    return {**sizes, "key_width": width // heads * kv_heads}


def _arrays(sizes: dict[str, int]) -> Iterator[tuple[str, Shape]]:
    """The arrays of the file in their order."""
    yield "model.embed_tokens.weight", (sizes["vocab_size"], sizes["width"])
    for name, shape in NAMES.items():
        yield name, (sizes["layers"], *[sizes[each] for each in shape])
    yield "model.norm.weight", (sizes["width"],)
    yield "angles", (2, sizes["length"], sizes["width"] // sizes["heads"] // 2)  # cosines and sines, made anew here
    if not sizes["tied"]:
        yield "lm_head.weight", (sizes["vocab_size"], sizes["width"])


def _place(model: Llama, numbers: Array, sizes: dict[str, int]) -> None:
    """Let every parameter look at its part of the file."""
    parameters: dict[str, Any] = dict(model.named_parameters())
    start = HEADER
    for name, shape in _arrays(sizes):
        part = np.asarray(numbers[start : start + math.prod(shape)]).reshape(shape)
        start += part.size
        if name in NAMES:
            for layer in range(sizes["layers"]):
                parameters[f"model.layers.{layer}.{name}.weight"].array = part[layer]
        elif name != "angles":
            parameters[name].array = part
