"""Networks that learn, answer and write, in the words that tinytorch and PyTorch share: one page builds them for both.

Only names that both have stand here; where the two differ, the `Kit` brings what is needed. `single_ops` has the rest.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tinytorch_bench.peers.kit import Kit, fill, labels, tensor, without_gradients
from tinytorch_bench.peers.peer import Step
from tinytorch_bench.peers.stock import images, model_file
from tinytorch_bench.tinymlperf.tasks import TASKS

OPTIMIZERS: dict[str, tuple[str, dict[str, float]]] = {  # steps so small that hundreds on one batch stay finite
    "sgd": ("SGD", {"lr": 1e-3}),
    "momentum": ("SGD", {"lr": 1e-3, "momentum": 0.9}),
    "adam": ("Adam", {"lr": 1e-4}),
    "adamw": ("AdamW", {"lr": 1e-3}),
}


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
