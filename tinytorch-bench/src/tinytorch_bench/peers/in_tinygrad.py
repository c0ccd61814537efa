"""tinygrad on the processor, a training step captured by its TinyJit: the MLP, the CNN, ResNet-8 and the GPTs.

Written as its users write it: its layers, its optimizers, networks as lists of what is called. It comes as it is,
without the search for kernels (BEAM), which takes minutes. What was captured once is kept, and begins anew.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from importlib.metadata import version
from typing import Any, TypeAlias

import numpy as np
from tinygrad import Context, Tensor, TinyJit, helpers, nn

from tinytorch.models.tiny import EPS, EVENLY, LATE, MOMENTUM
from tinytorch_bench.peers.alike import OPTIMIZERS
from tinytorch_bench.peers.numbers import drawn, weights
from tinytorch_bench.peers.peer import Step
from tinytorch_bench.peers.workloads import WORKLOADS

Layers: TypeAlias = list[Callable[[Tensor], Tensor]]
Training: TypeAlias = tuple[Callable[[], None], Step]  # what puts the first state back, and a step


def begin(threads: int) -> dict[str, Any]:
    """Compile for so many threads, here: processes that compile would be left when this one is ended."""
    helpers.NUM_CPU_THREADS.value, helpers.PARALLEL.value = threads, 0
    return {"version": f"tinygrad {version('tinygrad')}", "plugins": []}


def variants(name: str) -> tuple[str, ...]:
    """Trainings, one form of each: it arranges loops by itself."""
    return ("",) if name in WORKLOADS and WORKLOADS[name].make in MAKERS else ()


def build(name: str, variant: str, *, tiny: bool = False) -> Step:
    """Build the workload, or begin it anew."""
    restart, step = _made(name, tiny)
    restart()
    return step


def arrays(result: float) -> list[Any]:
    """Give the number."""
    return [np.asarray(result)]


@cache
def _made(name: str, tiny: bool) -> Training:
    workload = WORKLOADS[name]
    made: Training = MAKERS[workload.make](**(workload.tiny if tiny else workload.sizes))
    return made


def _mlp(batch: int, inputs: int, hidden: int, classes: int, optimizer: str) -> Training:
    layers: Layers = [nn.Linear(inputs, hidden), Tensor.relu, nn.Linear(hidden, classes)]
    return _training(layers, drawn("x", batch, inputs), np.arange(batch) % classes, optimizer)


def _cnn(batch: int, pixels: int, channels: tuple[int, int, int], optimizer: str) -> Training:
    first, second, third = channels
    layers: Layers = [
        *(nn.Conv2d(first, second, 3, padding=1), Tensor.relu),
        *(nn.Conv2d(second, third, 3, padding=1), Tensor.relu),
        *(Tensor.max_pool2d, _flat, nn.Linear(third * (pixels // 2) ** 2, 10)),
    ]
    return _training(layers, drawn("x", batch, first, pixels, pixels), np.arange(batch) % 10, optimizer)


def _resnet8(batch: int, pixels: int) -> Training:
    blocks = (Residual(16, 16), Residual(16, 32, stride=2), Residual(32, 64, stride=2))
    first = nn.Conv2d(3, 16, 3, padding=EVENLY)
    layers: Layers = [first, _norm(16), Tensor.relu, *blocks, _pooled, _flat, nn.Linear(64, 10)]
    return _training(layers, drawn("x", batch, 3, pixels, pixels), np.arange(batch) % 10, "sgd")


def _gpt(batch: int, time: int, vocabulary: int, layers: int, heads: int, width: int) -> Training:
    tokens = (np.arange(batch * time) * 7 % vocabulary).reshape(batch, time)
    return _training([GPT(vocabulary, time, layers, heads, width)], tokens, (tokens + 7) % vocabulary, "adamw", "0.")


class Residual:
    """Two convolutions around which the input goes by."""

    def __init__(self, inputs: int, outputs: int, stride: int = 1) -> None:
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, EVENLY if stride == 1 else LATE)
        self.bn1 = _norm(outputs)
        self.conv2, self.bn2 = nn.Conv2d(outputs, outputs, 3, padding=EVENLY), _norm(outputs)
        self.shortcut = _same if inputs == outputs else nn.Conv2d(inputs, outputs, 1, stride)

    def __call__(self, x: Tensor) -> Tensor:
        """(batch, inputs, h, w) -> (batch, outputs, h / stride, w / stride)."""
        out = self.bn2(self.conv2(self.bn1(self.conv1(x)).relu()))
        return (out + self.shortcut(x)).relu()


class GPT:
    """Scores for the next token: (batch, time) -> (batch, time, vocabulary)."""

    def __init__(self, vocabulary: int, length: int, layers: int, heads: int, width: int) -> None:
        self.transformer: dict[str, Any] = {
            "wte": nn.Embedding(vocabulary, width),
            "wpe": nn.Embedding(length, width),
            "h": [Block(width, heads) for _ in range(layers)],
            "ln_f": nn.LayerNorm(width),
        }
        self.lm_head = nn.Linear(width, vocabulary, bias=False)
        self.lm_head.weight = self.transformer["wte"].weight

    def __call__(self, tokens: Tensor) -> Tensor:
        """(batch, time) -> (batch, time, vocabulary)."""
        parts = self.transformer
        x = parts["wte"](tokens) + parts["wpe"](Tensor.arange(tokens.shape[1]))
        return self.lm_head(parts["ln_f"](x.sequential(parts["h"])))


class Block:
    """Attention and a network for each token, each normalized first."""

    def __init__(self, width: int, heads: int) -> None:
        self.ln_1, self.attn = nn.LayerNorm(width), Attention(width, heads)
        self.ln_2 = nn.LayerNorm(width)
        self.mlp = {"c_fc": nn.Linear(width, 4 * width), "c_proj": nn.Linear(4 * width, width)}

    def __call__(self, x: Tensor) -> Tensor:
        """(batch, time, width) -> the same."""
        x = x + self.attn(self.ln_1(x))
        return x + self.mlp["c_proj"](self.mlp["c_fc"](self.ln_2(x)).gelu())


class Attention:
    """One matrix for queries, keys and values."""

    def __init__(self, width: int, heads: int) -> None:
        self.heads = heads
        self.c_attn, self.c_proj = nn.Linear(width, 3 * width), nn.Linear(width, width)

    def __call__(self, x: Tensor) -> Tensor:
        """(batch, time, width) -> the same."""
        batch, time, width = x.shape
        parts = self.c_attn(x).split(width, dim=2)
        q, k, v = (part.reshape(batch, time, self.heads, -1).transpose(1, 2) for part in parts)
        out = q.scaled_dot_product_attention(k, v, is_causal=True)
        return self.c_proj(out.transpose(1, 2).reshape(batch, time, width))


def _norm(channels: int) -> nn.BatchNorm:
    return nn.BatchNorm(channels, EPS, momentum=MOMENTUM)


def _same(x: Tensor) -> Tensor:
    return x


def _flat(x: Tensor) -> Tensor:
    return x.flatten(1)


def _pooled(x: Tensor) -> Tensor:
    return x.mean((2, 3), keepdim=True)


def _training(layers: Layers, x: Any, y: Any, optimizer: str, prefix: str = "") -> Training:
    """Forward, loss, backward and update; the step returns the loss."""
    state = nn.state.get_state_dict(layers)
    first = weights({name.removeprefix(prefix): tuple(each.shape) for name, each in state.items()})
    for name, each in state.items():
        each.assign(Tensor(first[name.removeprefix(prefix)], dtype=each.dtype)).realize()
    kind, options = OPTIMIZERS[optimizer]
    update = getattr(nn.optim, kind)(nn.state.get_parameters(layers), **options)
    given, labels = Tensor(x).realize(), Tensor(y).realize()

    def computed() -> Tensor:
        update.zero_grad()
        loss = given.sequential(layers).sparse_categorical_crossentropy(labels)
        loss.backward()
        return loss.realize(*update.schedule_step())

    captured = TinyJit(computed)

    def step() -> float:
        with Context(TRAINING=1):
            return float(captured().item())

    everything = [each.contiguous().realize() for each in nn.state.get_parameters([layers, update])]
    begun = [each.numpy() for each in everything]

    def restart() -> None:
        for each, values in zip(everything, begun, strict=True):
            each.assign(Tensor(values, dtype=each.dtype)).realize()

    return restart, step


MAKERS: dict[str, Callable[..., Training]] = {"mlp": _mlp, "cnn": _cnn, "resnet8": _resnet8, "gpt": _gpt}
