"""The core by itself: that it computes what its formulas say, works from data to checkpoint, and pays for no plugin."""

from __future__ import annotations

import importlib
import os
import pkgutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from timeit import repeat

import numpy as np

import tinytorch
from tinytorch import core, nn, optim, plugins
from tinytorch.core.layers import linear
from tinytorch.core.spatial.convolution import conv2d
from tinytorch.core.tensor.elementwise import negative
from tinytorch.core.tensor.random import Generator, drawing_from
from tinytorch.core.tensor.tensor import Tensor
from tinytorch.datasets import digits
from tinytorch.plugins import registry
from tinytorch.plugins.discovery import GROUP, entry_points
from tinytorch.testing import OP_CASES, check_gradient
from tinytorch.testing.arguments import arrays_in
from tinytorch.testing.case import OpCase
from tinytorch.types import Array
from tinytorch.verify.report import Plan, Row, row

GRADIENT_DRAWS = 3
NEAR = 1e-5  # relative, of float32 against the formula in float64
CALLS = 20_000

OWN = {"tinytorch", "numpy", "pluggy", "importlib_metadata"}
LOADED = """
import sys, importlib_metadata, numpy.random, pluggy
known = {*sys.modules}
import tinytorch
print(*sorted({*sys.modules} - known))
"""


def rows(plan: Plan) -> Iterator[Row]:
    """Try the core alone, whatever is installed or enabled."""
    tried: dict[str, Callable[[Plan], Row]] = {
        "imports": imports,
        "numerical consistency": derivatives,
        "linear": linear_layers,
        "convolution": convolution,
        "optimizer behaviour": optimizers,
        "optimizations optional": optional,
        "end-to-end workflow": workflow,
        "performance preservation": absence,
    }
    for name, function in tried.items():
        with plugins.using():
            found = function(plan)
        yield Row(name, found.outcome, found.detail, found.difference)


def imports(plan: Plan) -> Row:
    """Every page of the core can be imported; `import tinytorch` imports no plugin, nor more than it depends on."""
    pages = [each.name for each in pkgutil.walk_packages(core.__path__, "tinytorch.core.")]
    for page in pages:
        importlib.import_module(page)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    child = subprocess.run([sys.executable, "-c", LOADED], capture_output=True, text=True, check=False, env=environment)  # noqa: S603  this Python, with a program of ours
    wrong = child.stderr.strip().splitlines()[-1:] if child.returncode else foreign(child.stdout.split())
    return row("imports", wrong, f"{len(pages)} pages of the core, no plugin, nothing beyond three distributions")


def foreign(loaded: list[str]) -> list[str]:
    """Say which modules are an installed plugin's, whatever they are called, or of what the core needs not."""
    brought = {point.value.partition(":")[0].strip(): point.name for *_, point in entry_points(GROUP)}
    found = {
        module: name for module, name in brought.items() if any(f"{each}.".startswith(f"{module}.") for each in loaded)
    }
    others = {each.partition(".")[0] for each in loaded} - OWN - sys.stdlib_module_names
    others -= {module.partition(".")[0] for module in found}
    return [
        *(f"`import tinytorch` imports {module}, the plugin '{name}'" for module, name in found.items()),
        *(f"`import tinytorch` imports {name}, which the core does not depend on" for name in sorted(others)),
    ]


def derivatives(plan: Plan) -> Row:
    """First and second derivatives of every op are those of finite differences in float64."""
    tried, wrong = 0, []
    for case in OP_CASES:
        if case.declared().derivative is None or case.order == 0 or (plan.ops and case.op not in plan.ops):
            continue
        rng = np.random.default_rng(plan.seed)
        for _ in range(1 if plan.quick else GRADIENT_DRAWS):
            wrong += _gradient_problems(case, rng)
            tried += 1
    return row("derivatives", wrong, f"{tried} derivatives against finite differences")


def _gradient_problems(case: OpCase, rng: np.random.Generator) -> list[str]:
    """What finite differences say of a drawn input that has elements."""
    arguments = case.sample(rng, np.dtype("float64"))
    while not all(array.size for array in arrays_in(arguments)):
        arguments = case.sample(rng, np.dtype("float64"))
    function, arrays = case.differentiable(arguments)
    try:
        check_gradient(function, arrays, case.order, name=case.op)
    except AssertionError as error:
        return [str(error)]
    return []


def linear_layers(plan: Plan) -> Row:
    """x @ weight.T + bias, against the sum written out in float64."""
    rng = np.random.default_rng(plan.seed)
    x, weight, bias = (_normal(rng, *shape) for shape in ((32, 100), (10, 100), (10,)))
    out = linear(Tensor(x), Tensor(weight), Tensor(bias)).array
    expected = np.einsum("ni,oi->no", *_wide(x, weight)) + bias
    return _compared("linear", out, expected, "(32, 100) by (10, 100)")


def convolution(plan: Plan) -> Row:
    """Every output is a sum over the window, against that sum in float64."""
    rng = np.random.default_rng(plan.seed)
    x, weight = _normal(rng, 2, 3, 9, 8), _normal(rng, 4, 3, 3, 2)
    out = conv2d(Tensor(x), Tensor(weight), None, (2, 1), ((1, 1), (0, 1)), (1, 1), 1).array
    padded = np.pad(x.astype(np.float64), ((0, 0), (0, 0), (1, 1), (0, 1)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 2), (2, 3))[:, :, ::2, ::1]
    expected = np.einsum("nchwij,ocij->nohw", windows, weight.astype(np.float64))
    return _compared("convolution", out, expected, "stride (2, 1), padding on four sides")


def optimizers(plan: Plan) -> Row:
    """Steps of SGD with momentum, Adam and AdamW, against the papers' formulas in float64."""
    rng = np.random.default_rng(plan.seed)
    start, gradients = _normal(rng, 20), [_normal(rng, 20) for _ in range(5)]
    param = tinytorch.tensor(start)
    exact = start.astype(np.float64)
    found = [
        _stepped("SGD", optim.SGD([param], lr=0.1, momentum=0.9), gradients, _sgd(exact, gradients)),
        _stepped("Adam", optim.Adam([param], lr=0.1), gradients, _adam(exact, gradients, decay=0.0)),
        _stepped(
            "AdamW", optim.AdamW([param], lr=0.1, weight_decay=0.1), gradients, _adam(exact, gradients, decay=0.1)
        ),
    ]
    wrong = [f"{each.name}: {each.detail}" for each in found if each.outcome == "failed"]
    return row("optimizers", wrong, "5 steps of SGD, Adam, AdamW", max(each.difference or 0.0 for each in found))


def _stepped(name: str, optimizer: optim.Optimizer, gradients: list[Array], expected: Array) -> Row:
    """The parameter after a step along each gradient; it starts where it was."""
    (param,) = optimizer.param_groups[0]["params"]
    before = param.array.copy()
    for gradient in gradients:
        param.grad = Tensor(gradient.copy())
        optimizer.step()
    found = _compared(name, param.array, expected, "")
    param.array[...] = before
    return found


def _sgd(p: Array, gradients: list[Array]) -> Array:
    velocity = np.zeros_like(p)
    for g in gradients:
        velocity = 0.9 * velocity + g
        p = p - 0.1 * velocity
    return p


def _adam(p: Array, gradients: list[Array], *, decay: float) -> Array:
    m, v = np.zeros_like(p), np.zeros_like(p)
    for t, g in enumerate(gradients, 1):
        m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g.astype(np.float64) ** 2
        p = p * (1 - 0.1 * decay) - 0.1 * (m / (1 - 0.9**t)) / (np.sqrt(v / (1 - 0.999**t)) + 1e-8)
    return p


def optional(plan: Plan) -> Row:
    """With no plugin enabled the table holds the core's kernels themselves, for every op."""
    ops = registry.ops()
    wrong = [f"{name} is answered by something else than its kernel" for name in ops if not _is_own(name)]
    return row("optional", wrong, f"{len(ops)} ops are the core's own kernels")


def _is_own(name: str) -> bool:
    return getattr(plugins.table, name) is registry.find(name).kernel


def workflow(plan: Plan) -> Row:
    """From data to a trained model to a file and back: it has learned, and what is read back answers the same."""
    train, test = digits()
    with drawing_from(Generator(plan.seed)):  # the process's own stream stays where it is
        model, again = (_perceptron() for _ in range(2))
    _train(model, *train.tensors)
    with tempfile.TemporaryDirectory() as folder, tinytorch.no_grad():
        path = Path(folder) / "model.npz"
        tinytorch.save(model.state_dict(), path)
        again.load_state_dict(tinytorch.load(path))
        scores, same = model(test.tensors[0]).array, again(test.tensors[0]).array
    right = float((scores.argmax(1) == test.tensors[1].array).mean())
    wrong = [f"only {right:.0%} of the digits are right, expected 85 %"] if right < 0.85 else []
    wrong += [] if np.array_equal(scores, same) else ["the model that was read back answers something else"]
    return row("workflow", wrong, f"{right:.1%} of the test digits after 30 steps; the same from a file")


def _perceptron() -> nn.Module:
    return nn.Sequential(nn.Flatten(), nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 10))


def _train(model: nn.Module, x: Tensor, y: Tensor) -> None:
    optimizer = optim.Adam(model.parameters(), lr=0.01)
    for _ in range(30):
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(x), y).backward()
        optimizer.step()


def absence(plan: Plan) -> Row:
    """What the seam adds to the call of a kernel when no plugin is enabled."""
    x = np.ones((2, 2), np.float32)
    through = min(repeat(lambda: negative.run(x), number=CALLS, repeat=5))
    direct = min(repeat(lambda: negative.kernel(x), number=CALLS, repeat=5))
    return Row(
        "absence", "measured", f"{1e9 * (through - direct) / CALLS:.0f} ns more than a direct call of the kernel"
    )


def _normal(rng: np.random.Generator, *shape: int) -> Array:
    return rng.standard_normal(shape).astype(np.float32)


def _wide(*arrays: Array) -> list[Array]:
    return [array.astype(np.float64) for array in arrays]


def _compared(name: str, found: Array, expected: Array, detail: str) -> Row:
    """Whether the largest distance is small beside the largest number."""
    apart = float(np.abs(found - expected).max() / np.abs(expected).max())
    wrong = [] if apart <= NEAR else [f"is {apart:.1e} from the formula, expected at most {NEAR:g}"]
    return row(name, wrong, detail, apart)
