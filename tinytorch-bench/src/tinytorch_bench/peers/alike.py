"""The workloads in the words that tinytorch and PyTorch share: one page builds them for both.

Only names that both have stand here; where the two differ, the `Kit` brings what is needed.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from tinytorch_bench.peers.numbers import drawn, weights
from tinytorch_bench.peers.peer import Step
from tinytorch_bench.peers.stock import images, model_file
from tinytorch_bench.tinymlperf.tasks import TASKS, Task

OPTIMIZERS: dict[str, tuple[str, dict[str, float]]] = {  # steps so small that hundreds on one batch stay finite
    "sgd": ("SGD", {"lr": 1e-3}),
    "momentum": ("SGD", {"lr": 1e-3, "momentum": 0.9}),
    "adam": ("Adam", {"lr": 1e-4}),
    "adamw": ("AdamW", {"lr": 1e-3}),
}


@dataclass(frozen=True)
class Kit:
    """What one of the two libraries brings."""

    library: Any  # nn, optim, autograd, from_numpy
    models: Any  # GPT and the networks of MLPerf Tiny
    inference: Callable[[], AbstractContextManager[Any]]  # where no derivative will be asked for
    arranged: Callable[[Any], Any] = lambda given: given  # a network or images, in the order of memory that is tried
    options: dict[str, Any] = field(default_factory=dict)  # of optimizers
    decode: Callable[[Any, int, bool], list[int]] | None = None  # tokens greedily after 0, with or without a cache
    imported: Callable[[Path, Task], Step] | None = None  # a .tflite file, asked about one drawn input


def mlp(kit: Kit, batch: int, inputs: int, hidden: int, classes: int, optimizer: str) -> Step:
    """Train two linear layers."""
    nn = kit.library.nn
    model = nn.Sequential(nn.Linear(inputs, hidden), nn.ReLU(), nn.Linear(hidden, classes))
    return training(kit, model, tensor(kit, "x", batch, inputs), labels(kit, batch, classes), optimizer)


def cnn(kit: Kit, batch: int, pixels: int, channels: tuple[int, int, int], optimizer: str) -> Step:
    """Train two convolutions, a pooling and a linear layer."""
    nn = kit.library.nn
    first, second, third = channels
    model = nn.Sequential(
        *(nn.Conv2d(first, second, 3, padding=1), nn.ReLU()),
        *(nn.Conv2d(second, third, 3, padding=1), nn.ReLU()),
        *(nn.MaxPool2d(2), nn.Flatten(), nn.Linear(third * (pixels // 2) ** 2, 10)),
    )
    x = kit.arranged(tensor(kit, "x", batch, first, pixels, pixels))
    return training(kit, kit.arranged(model), x, labels(kit, batch), optimizer)


def resnet8(kit: Kit, batch: int, pixels: int) -> Step:
    """Train the network of MLPerf Tiny, batch norm included."""
    x = kit.arranged(tensor(kit, "x", batch, 3, pixels, pixels))
    return training(kit, kit.arranged(kit.models.resnet8()), x, labels(kit, batch), "sgd")


def gpt(kit: Kit, batch: int, time: int, vocabulary: int, layers: int, heads: int, width: int) -> Step:
    """Train a language model."""
    model = kit.models.GPT(vocabulary, time, layers=layers, heads=heads, width=width)
    tokens = np.arange(batch * time) * 7 % vocabulary
    x = kit.library.from_numpy(tokens.reshape(batch, time))
    return training(kit, model, x, kit.library.from_numpy((tokens + 7) % vocabulary), "adamw")


def training(kit: Kit, model: Any, x: Any, y: Any, optimizer: str) -> Step:
    """Forward, loss, backward and update; the step returns the loss."""
    fill(kit, model)
    name, options = OPTIMIZERS[optimizer]
    update = getattr(kit.library.optim, name)(model.parameters(), **options, **kit.options)
    loss_fn = kit.library.nn.CrossEntropyLoss()

    def step() -> float:
        scores = model(x)
        loss = loss_fn(scores.reshape(-1, scores.shape[-1]), y)
        update.zero_grad()
        loss.backward()
        update.step()
        return float(loss.item())

    return step


def infer(kit: Kit, network: str, shape: tuple[int, ...]) -> Step:
    """Ask a network of MLPerf Tiny about one input."""
    model = getattr(kit.models, network)().eval()
    fill(kit, model)
    x = tensor(kit, "x", *shape)
    if len(shape) == 4:
        model, x = kit.arranged(model), kit.arranged(x)
    return without_gradients(kit, lambda: model(x))


def generate(kit: Kit, tokens: int, vocabulary: int, layers: int, heads: int, width: int, cached: bool) -> Step:
    """Write tokens, the best each time, after the first of the vocabulary."""
    model = kit.models.GPT(vocabulary, tokens + 1, layers=layers, heads=heads, width=width).eval()
    fill(kit, model)
    assert kit.decode is not None
    decode = kit.decode
    return lambda: kit.library.from_numpy(np.array(decode(model, tokens, cached)))


def int8(kit: Kit, task: str) -> Step:
    """Ask an int8 model of MLPerf Tiny about one input."""
    path = model_file(TASKS[task])
    assert path is not None
    assert kit.imported is not None
    return kit.imported(path, TASKS[task])


def to_accuracy(kit: Kit, data: str, target: float) -> Step:
    """Train until enough of the test images are known; the step returns how many updates that took, nan if too many."""
    nn, batch, every, most = kit.library.nn, 64, (20 if data == "digits" else 200), 4000
    inputs, labels, *test = images(data)
    pixels = inputs.shape[-1]
    layers = (nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten())
    model = nn.Sequential(*layers, nn.Linear(16 * (pixels // 2) ** 2, 10))
    shown, wanted = kit.library.from_numpy(test[0]), test[1]
    orders = np.random.default_rng(0)
    rows = np.concatenate([orders.permutation(len(inputs)) for _ in range(most * batch // len(inputs) + 1)])

    def known() -> float:
        with kit.inference():
            return float((model(shown).numpy().argmax(1) == wanted).mean())

    def step() -> float:
        fill(kit, model)
        update = kit.library.optim.Adam(model.parameters(), lr=3e-3, **kit.options)
        loss_fn = nn.CrossEntropyLoss()
        for count in range(1, most + 1):
            part = rows[(count - 1) * batch : count * batch]
            update.zero_grad()
            loss_fn(model(kit.library.from_numpy(inputs[part])), kit.library.from_numpy(labels[part])).backward()
            update.step()
            if count % every == 0 and known() >= target:
                return float(count)
        return math.nan

    return step


def gelu(kit: Kit, rows: int, width: int) -> Step:
    """GELU alone."""
    x = tensor(kit, "x", rows, width)
    return without_gradients(kit, lambda: kit.library.nn.functional.gelu(x))


def gelu_grad(kit: Kit, rows: int, width: int) -> Step:
    """Its backward alone."""
    x = leaf(kit, "x", rows, width)
    out, grad = kit.library.nn.functional.gelu(x), tensor(kit, "grad", rows, width)
    return lambda: kit.library.autograd.grad(out, [x], grad, retain_graph=True)


def layer_norm(kit: Kit, rows: int, width: int) -> Step:
    """Layer norm, forward and backward."""
    inputs = [leaf(kit, "x", rows, width), leaf(kit, "weight", width), leaf(kit, "bias", width)]
    forward = kit.library.nn.functional.layer_norm
    return with_gradients(kit, lambda: forward(inputs[0], (width,), inputs[1], inputs[2]), inputs)


def softmax(kit: Kit, rows: int, width: int) -> Step:
    """Softmax along rows."""
    x = tensor(kit, "x", rows, width)
    return without_gradients(kit, lambda: kit.library.nn.functional.softmax(x, dim=1))


def cross_entropy(kit: Kit, rows: int, width: int) -> Step:
    """The mean loss of rows of scores, forward and backward."""
    scores, y = leaf(kit, "scores", rows, width), labels(kit, rows, width)
    return with_gradients(kit, lambda: kit.library.nn.functional.cross_entropy(scores, y), [scores])


def attention(kit: Kit, batch: int, heads: int, time: int, width: int) -> Step:
    """Causal attention alone."""
    q, k, v = (tensor(kit, name, batch, heads, time, width) for name in "qkv")
    attend = kit.library.nn.functional.scaled_dot_product_attention
    return without_gradients(kit, lambda: attend(q, k, v, is_causal=True))


def attention_train(kit: Kit, batch: int, heads: int, time: int, width: int) -> Step:
    """Causal attention, forward and backward."""
    q, k, v = inputs = [leaf(kit, name, batch, heads, time, width) for name in "qkv"]
    attend = kit.library.nn.functional.scaled_dot_product_attention
    return with_gradients(kit, lambda: attend(q, k, v, is_causal=True), inputs)


def conv(kit: Kit, inputs: int, outputs: int, groups: int = 1, batch: int = 32, pixels: int = 32) -> Step:
    """A convolution with windows of 3 × 3, as a layer."""
    layer = kit.library.nn.Conv2d(inputs, outputs, 3, padding=1, groups=groups)
    fill(kit, layer)
    layer, x = kit.arranged(layer), kit.arranged(tensor(kit, "x", batch, inputs, pixels, pixels))
    return without_gradients(kit, lambda: layer(x))


def adam(kit: Kit, parts: int, size: int) -> Step:
    """Adam's step over parameters whose gradients are there."""
    parameters = [leaf(kit, f"parameter {part}", size) for part in range(parts)]
    for part, parameter in enumerate(parameters):
        parameter.grad = tensor(kit, f"grad {part}", size)
    update = kit.library.optim.Adam(parameters, lr=1e-3, **kit.options)

    def step() -> Any:
        update.step()
        return parameters

    return step


def linear(kit: Kit, rows: int, inputs: int, outputs: int) -> Step:
    """A linear layer alone."""
    x, weight, bias = tensor(kit, "x", rows, inputs), tensor(kit, "weight", outputs, inputs), tensor(kit, "b", outputs)
    return without_gradients(kit, lambda: kit.library.nn.functional.linear(x, weight, bias))


def matmul(kit: Kit, size: int) -> Step:
    """A product of square matrices."""
    a, b = tensor(kit, "a", size, size), tensor(kit, "b", size, size)
    return without_gradients(kit, lambda: a @ b)


def add(kit: Kit) -> Step:
    """One small addition with its gradient."""
    a, b = leaf(kit, "a", 8, 8), leaf(kit, "b", 8, 8)
    grad = kit.library.ones(8, 8)

    def step() -> Any:
        a.grad = b.grad = None
        (a + b).backward(grad)
        return a.grad

    return step


def chain(kit: Kit) -> Step:
    """1000 small ops, forward and backward."""
    a, b = leaf(kit, "a", 8, 8), leaf(kit, "b", 8, 8)

    def step() -> Any:
        a.grad = b.grad = None
        out = a
        for _ in range(250):
            out = ((out * b + b).tanh()) * 0.5
        out.sum().backward()
        return b.grad

    return step


def with_gradients(kit: Kit, forward: Step, inputs: list[Any]) -> Step:
    """Make the step that computes something and the gradients of its inputs."""
    grad = kit.library.from_numpy(drawn("grad", *forward().shape))

    def step() -> Any:
        out = forward()
        return [out, *kit.library.autograd.grad(out, inputs, grad)]

    return step


def without_gradients(kit: Kit, forward: Step) -> Step:
    """Make the step that computes something where no gradient will be asked for."""

    def step() -> Any:
        with kit.inference():
            return forward()

    return step


def fill(kit: Kit, model: Any) -> None:
    """Give a network the weights that all peers get."""
    state = weights({name: tuple(each.shape) for name, each in model.state_dict().items()})
    model.load_state_dict({name: kit.library.from_numpy(values) for name, values in state.items()})


def tensor(kit: Kit, name: str, *shape: int) -> Any:
    """Numbers that all peers get."""
    return kit.library.from_numpy(drawn(name, *shape))


def leaf(kit: Kit, name: str, *shape: int) -> Any:
    """The same, with a gradient to come."""
    return tensor(kit, name, *shape).requires_grad_()


def labels(kit: Kit, count: int, classes: int = 10) -> Any:
    """Numbers of classes, one after the other."""
    return kit.library.from_numpy(np.arange(count) % classes)


def arrays(result: Any) -> list[Any]:
    """Give the numbers of a number, a tensor or some tensors, as copies."""
    parts = result if isinstance(result, (list, tuple)) else [result]
    return [np.array(part if isinstance(part, float) else part.detach().numpy()) for part in parts]
