"""Saying the same thing to PyTorch and to tinytorch, and comparing the answers.

A case is an expression and a sampler of its variables. Since tinytorch has PyTorch's names, one expression serves both:
`t` is the library, arrays become tensors that require grad (those of floats, unless their name ends in "_"). What
PyTorch answers is taken live where it is installed, and from `recorded/*.npz` where it is not.
"""

import importlib
import importlib.util
import json
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

RECORDED = Path(__file__).with_name("recorded")
RECORDED_SEEDS = range(2)
RECORDED_NUMBERS = 90  # of one answer, about; of larger ones every second number is kept, or every third ...
LIVE_SEEDS = range(5)
HAS_TORCH = importlib.util.find_spec("torch") is not None
SEEDS = LIVE_SEEDS if HAS_TORCH else RECORDED_SEEDS
ORACLE = "torch" if HAS_TORCH else "recorded"

TOLERANCE = {"float16": (1e-2, 1e-2), "float32": (2e-5, 2e-6), "float64": (1e-9, 1e-10)}  # sums in another order


@dataclass(frozen=True)
class Case:
    """An expression that both libraries understand, and how to draw its variables from a seed."""

    group: str
    expression: str
    draw: Callable[[np.random.Generator], dict[str, Any]]
    loose: float = 1.0  # times the tolerance

    def inputs(self, seed: int) -> dict[str, Any]:
        """The variables: arrays, lists of arrays, and plain values."""
        return self.draw(np.random.default_rng([zlib.crc32(str(self).encode()), seed]))

    def __str__(self) -> str:
        return f"{self.group}: {self.expression}"


@dataclass
class Part:
    """Every `step`-th number of an array: what is recorded of a large one."""

    shape: tuple[int, ...]
    step: int
    numbers: np.ndarray

    @property
    def dtype(self) -> np.dtype:
        """The array's number type."""
        return self.numbers.dtype


@dataclass
class Answer:
    """What a library gave: outputs, which of them require grad, and the gradients by the name of the input."""

    outputs: list[np.ndarray | Part] = field(default_factory=list)
    require_grad: list[bool] = field(default_factory=list)
    gradients: dict[str, np.ndarray | Part | None] = field(default_factory=dict)


def cases(
    group: str, draw: Callable[[np.random.Generator], dict[str, Any]], text: str, loose: float = 1.0
) -> list[Case]:
    """One case for each expression in the text; they are separated by semicolons and line ends."""
    expressions = [each.strip() for each in text.replace("\n", ";").split(";")]
    return [Case(group, expression, draw, loose) for expression in expressions if expression]


def given(**variables: Any) -> Callable[[np.random.Generator], dict[str, Any]]:
    """A sampler: each variable is drawn where it is a function of the generator, and itself where it is not."""
    return lambda rng: {name: value(rng) if callable(value) else value for name, value in variables.items()}


def answer(library: str, case: Case, seed: int) -> Answer:
    """Evaluate a case with a library, forward and backward; numpy's warnings about inf and nan are not compared."""
    with np.errstate(all="ignore"):
        return _answer(importlib.import_module(library), case, seed)


def _answer(t: Any, case: Case, seed: int) -> Answer:
    variables, leaves = as_variables(t, case.inputs(seed))
    outputs = tensors_in(evaluate(case.expression, t, variables))
    found = Answer()
    rng = np.random.default_rng(seed + 1000)
    for out in outputs:
        is_tensor = isinstance(out, t.Tensor)
        found.outputs.append(as_array(out) if is_tensor else np.asarray(out))
        found.require_grad.append(is_tensor and bool(out.requires_grad))
        if found.require_grad[-1]:
            weight = np.asarray(rng.standard_normal(tuple(out.shape))).astype(found.outputs[-1].dtype)
            out.backward(t.tensor(weight), retain_graph=True)
    for name, leaf in leaves.items():
        found.gradients[name] = None if leaf.grad is None else as_array(leaf.grad)
    return found


def evaluate(expression: str, t: Any, variables: dict[str, Any]) -> Any:
    """The value of an expression in which `t` is the library."""
    return eval(expression, {"t": t, "F": t.nn.functional, "put": put, **variables})  # noqa: S307  our own tables


def put(x: Any, index: Any, value: Any) -> Any:
    """`x[index] = value` on a clone, as an expression."""
    out = x.clone()
    out[index] = value
    return out


def as_variables(t: Any, inputs: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The inputs with tensors for arrays, and those of them that collect a gradient."""
    variables, leaves = {}, {}
    for name, value in inputs.items():
        if isinstance(value, list) and value and isinstance(value[0], np.ndarray):
            variables[name] = [as_leaf(t, array, name) for array in value]
            leaves.update({f"{name}[{i}]": each for i, each in enumerate(variables[name])})
        elif isinstance(value, np.ndarray):
            leaves[name] = variables[name] = as_leaf(t, value, name)
        else:
            variables[name] = value
    return variables, {name: leaf for name, leaf in leaves.items() if leaf.requires_grad}


def as_leaf(t: Any, array: np.ndarray, name: str) -> Any:
    """A tensor on a copy of the array; it requires grad if it can and its name does not end in "_"."""
    tensor = t.tensor(np.ascontiguousarray(array).reshape(array.shape))
    return tensor.requires_grad_() if array.dtype.kind == "f" and not name.endswith("_") else tensor


def tensors_in(out: Any) -> list[Any]:
    """An output as a flat list."""
    return [each for part in out for each in tensors_in(part)] if isinstance(out, list | tuple) else [out]


def as_array(tensor: Any) -> np.ndarray:
    """The numbers of a tensor of either library."""
    return np.array(tensor.detach().numpy())


def compare(found: Answer, expected: Answer, loose: float = 1.0) -> None:
    """Raise AssertionError where two answers differ in number, shape, dtype, value or gradient."""
    assert len(found.outputs) == len(expected.outputs), f"{len(found.outputs)} outputs, not {len(expected.outputs)}"
    assert found.require_grad == expected.require_grad, (
        f"requires_grad {found.require_grad}, not {expected.require_grad}"
    )
    for number, (mine, theirs) in enumerate(zip(found.outputs, expected.outputs, strict=True)):
        compare_arrays(f"output {number}", mine, theirs, loose)
    for name, theirs in expected.gradients.items():
        mine = found.gradients[name]
        if mine is None or theirs is None:
            assert mine is theirs, f"gradient of {name}: {mine}, not {theirs}"
        else:
            compare_arrays(f"gradient of {name}", mine, theirs, loose)


def compare_arrays(what: str, mine: np.ndarray, theirs: np.ndarray | Part, loose: float = 1.0) -> None:
    """Raise AssertionError where two arrays differ by more than rounding."""
    assert mine.shape == theirs.shape, f"{what}: shape {mine.shape}, not {theirs.shape}"
    assert mine.dtype == theirs.dtype, f"{what}: dtype {mine.dtype}, not {theirs.dtype}"
    if isinstance(theirs, Part):
        mine, theirs = mine.ravel()[:: theirs.step], theirs.numbers
    rtol, atol = TOLERANCE.get(str(theirs.dtype), (0.0, 0.0))
    np.testing.assert_allclose(mine, theirs, rtol=rtol * loose, atol=atol * loose, err_msg=what)


def tables() -> dict[str, list[Case]]:
    """The cases of every `cases_*.py` beside this file, by its name."""
    found = {}
    for path in sorted(Path(__file__).parent.glob("cases_*.py")):
        found[path.stem] = list(importlib.import_module(path.stem).CASES)
    return found


def digest(case: Case, seed: int) -> int:
    """A number that changes where the inputs do: a recording is of these inputs and no others."""
    return zlib.crc32(_bytes(case.inputs(seed)))


def _bytes(value: Any) -> bytes:
    if isinstance(value, np.ndarray):
        return f"{value.dtype}{value.shape}".encode() + value.tobytes()
    if isinstance(value, dict | list | tuple):
        return b"".join(_bytes(each) for each in (value.items() if isinstance(value, dict) else value))
    return repr(value).encode()


def save(table: str, answers: dict[str, tuple[int, Answer]]) -> None:
    """Write answers as one flat array for each dtype, and an index of what lies where; large ones in part."""
    index, data = [], {}
    for key, (inputs, each) in answers.items():
        arrays = [*each.outputs, *each.gradients.values()]
        step = 1 + sum(array.size for array in arrays if array is not None) // RECORDED_NUMBERS
        for array in arrays:
            if array is not None:
                data.setdefault(str(array.dtype), []).append(array.ravel()[::step])
        shapes = [None if array is None else [str(array.dtype), *array.shape] for array in arrays]
        index.append([key, inputs, step, shapes, each.require_grad, list(each.gradients)])
    RECORDED.mkdir(exist_ok=True)
    flat = {dtype: np.concatenate(parts) for dtype, parts in data.items()}
    text = np.frombuffer(json.dumps(index, separators=(",", ":")).encode(), np.uint8)
    np.savez_compressed(RECORDED / f"{table}.npz", index=text, **flat)


def load(table: str) -> dict[str, tuple[int, Answer]]:
    """Read what `save` wrote."""
    with np.load(RECORDED / f"{table}.npz", allow_pickle=False) as file:
        data = {name: file[name] for name in file.files}
    start = dict.fromkeys(data, 0)
    answers = {}
    for key, inputs, step, shapes, require_grad, names in json.loads(data["index"].tobytes()):
        arrays = [None if each is None else _next(data, start, step, *each) for each in shapes]
        count = len(arrays) - len(names)
        answers[key] = inputs, Answer(arrays[:count], require_grad, dict(zip(names, arrays[count:], strict=True)))
    return answers


def _next(data: dict[str, np.ndarray], start: dict[str, int], step: int, dtype: str, *shape: int) -> Part:
    count = -(-int(np.prod(shape, dtype=int)) // step)
    start[dtype] += count
    return Part(shape, step, data[dtype][start[dtype] - count : start[dtype]])
