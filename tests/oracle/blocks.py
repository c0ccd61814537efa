"""Numbers for GGUF's block codecs, and what the package `gguf` makes of them: recorded, or live where it is there."""

import importlib.util
from pathlib import Path

import numpy as np

RECORDED = Path(__file__).with_name("recorded") / "gguf.npz"
HAS_GGUF = importlib.util.find_spec("gguf") is not None
FORMATS = ("Q8_0", "Q4_0")


def numbers(seed):
    """Rows of blocks: normal numbers of any size, zeros, halves, and blocks whose largest number comes twice."""
    generator = np.random.default_rng(seed)
    rows = generator.standard_normal((6, 96)).astype(np.float32)
    rows *= np.float32(10.0) ** generator.integers(-4, 4, (6, 1)).astype(np.float32)
    rows[1, :32] = 0.0
    rows[2] = np.rint(rows[2] / np.abs(rows[2]).max() * 10) / 2
    rows[3, 5], rows[3, 6] = 9e3, -9e3
    return rows


def ggufs(name, x):
    """The bytes that `gguf` writes, and the numbers that it reads from them."""
    from gguf import GGMLQuantizationType, quants

    kind = GGMLQuantizationType[name]
    encoded = quants.quantize(x, kind)
    return encoded, quants.dequantize(encoded, kind)


if __name__ == "__main__":
    answers = {name: dict(zip(("bytes", "numbers"), ggufs(name, numbers(0)), strict=True)) for name in FORMATS}
    np.savez_compressed(RECORDED, **{f"{name} {what}": told[what] for name, told in answers.items() for what in told})
