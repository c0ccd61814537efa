"""The dtype that two operands give: every pair of dtypes, as tensors, 0-d tensors and numbers, in every operation."""

import importlib
from itertools import product

import numpy as np
from agreement import RECORDED

DTYPES = ("bool", "uint8", "int8", "int16", "int32", "int64", "float16", "float32", "float64")
OPERATIONS = (
    *("a + b", "a - b", "a * b", "a / b", "a // b", "a % b", "a ** b", "a == b", "a < b", "a & b", "a | b", "a ^ b"),
    *("t.where(m, a, b)", "t.add(a, b)", "a.add_(b)", "a.mul_(b)", "a.div_(b)", "a.sub_(b)", "a.pow_(b)"),
)
TENSORS_ONLY = (
    *("t.maximum(a, b)", "t.minimum(a, b)", "t.cat([a, b])", "t.stack([a, a]) + b", "t.isclose(a, b)", "a.copy_(b)"),
    *("a.clamp(min=b)", "t.logical_and(a, b)", "a.masked_fill(m, b)"),
)
NUMBERS = {"True": True, "2": 2, "2.5": 2.5}
LEFT = {"tensor": [3, 1, 2], "0-d": 3}
RIGHT = {"tensor": [1, 2, 2], "0-d": 2}
RAISES = len(DTYPES)


def questions():
    """All (operation, left, right): each operand a (kind, dtype), or ("number", its text)."""
    left = list(product(LEFT, DTYPES))
    right = list(product(RIGHT, DTYPES))
    numbers = [("number", text) for text in NUMBERS]
    yield from product(OPERATIONS, left, right + numbers)
    yield from product(OPERATIONS[:7], numbers, left)
    yield from product(TENSORS_ONLY, left, right)


def ask(library, operation, left, right):
    """The result as an array, None where the library raises."""
    t = importlib.import_module(library)
    variables = {"a": operand(t, LEFT, *left), "b": operand(t, RIGHT, *right), "m": t.tensor([True, False, True])}
    try:
        out = eval(operation, {"t": t, **variables})  # noqa: S307  our own table
    except (RuntimeError, TypeError, ValueError, IndexError):
        return None
    return np.array(out.numpy()) if isinstance(out, t.Tensor) else None


def operand(t, values, kind, name):
    """A tensor of a dtype, or a Python number."""
    return NUMBERS[name] if kind == "number" else t.tensor(values[kind], dtype=getattr(t, name))


def code(result):
    """A dtype as a number, for the recording."""
    return RAISES if result is None else DTYPES.index(str(result.dtype))


def record():
    """Write PyTorch's answers."""
    codes = [code(ask("torch", *question)) for question in questions()]
    np.savez_compressed(RECORDED / "promotion.npz", codes=np.array(codes, np.uint8))


def recorded():
    """PyTorch's answers, as numbers."""
    with np.load(RECORDED / "promotion.npz", allow_pickle=False) as file:
        return file["codes"].tolist()
