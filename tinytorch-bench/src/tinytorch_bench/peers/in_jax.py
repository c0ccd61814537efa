"""JAX on the processor, a step compiled as a whole by XLA: training of the MLP, the CNN and the GPTs, and generation.

Written as its users write it: pure functions over a dict of weights, under the names that tinytorch's models give them.
Steps that warm up compile, untimed. XLA's threads are as many as the worker may have processors.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import numpy as np
from jax import Array, lax
from jax import numpy as jnp

import tinytorch as tt
from tinytorch import models, nn
from tinytorch_bench.peers.alike import OPTIMIZERS
from tinytorch_bench.peers.kit import fill
from tinytorch_bench.peers.numbers import drawn
from tinytorch_bench.peers.ours import KIT
from tinytorch_bench.peers.peer import Step
from tinytorch_bench.peers.workloads import WORKLOADS

Weights = dict[str, Array]
ORDERS = {"channels first": "NCHW", "channels last": "NHWC"}
DECAY = 0.01  # AdamW's, in PyTorch


class Sizes(NamedTuple):
    """A GPT's."""

    layers: int
    heads: int


class State(NamedTuple):
    """What is kept from step to step."""

    weights: Weights
    means: Weights
    squares: Weights
    count: Array


def begin(threads: int) -> dict[str, Any]:
    """Compute on the processor."""
    jax.config.update("jax_platforms", "cpu")
    return {"version": f"JAX {jax.__version__}", "plugins": []}


def variants(name: str) -> tuple[str, ...]:
    """Both orders of memory for images."""
    make = WORKLOADS[name].make if name in WORKLOADS else ""
    if make == "generate":
        return ("",) if WORKLOADS[name].sizes["cached"] else ()
    return tuple(ORDERS) if make == "cnn" else ("",) if make in ("mlp", "gpt") else ()


def build(name: str, variant: str, *, tiny: bool = False) -> Step:
    """Build the workload."""
    workload = WORKLOADS[name]
    maker = MAKERS[workload.make]
    sizes = workload.tiny if tiny else workload.sizes
    return maker(ORDERS[variant], **sizes) if variant else maker(**sizes)


def arrays(result: Any) -> list[Any]:
    """Give the numbers."""
    return [np.asarray(result)]


def _mlp(batch: int, inputs: int, hidden: int, classes: int, optimizer: str) -> Step:
    model = nn.Sequential(nn.Linear(inputs, hidden), nn.ReLU(), nn.Linear(hidden, classes))

    def scores(weights: Weights, x: Array) -> Array:
        return _linear(weights, "2", jax.nn.relu(_linear(weights, "0", x)))

    return _training(_filled(model), scores, drawn("x", batch, inputs), np.arange(batch) % classes, optimizer)


def _cnn(order: str, batch: int, pixels: int, channels: tuple[int, int, int], optimizer: str) -> Step:
    first, second, third = channels
    convs = (nn.Conv2d(first, second, 3, padding=1), nn.ReLU(), nn.Conv2d(second, third, 3, padding=1), nn.ReLU())
    model = nn.Sequential(*convs, nn.MaxPool2d(2), nn.Flatten(), nn.Linear(third * (pixels // 2) ** 2, 10))
    window = tuple(2 if axis in "HW" else 1 for axis in order)

    def conv(weights: Weights, name: str, x: Array) -> Array:
        out = lax.conv_general_dilated(
            x, weights[f"{name}.weight"], (1, 1), "SAME", dimension_numbers=(order, "OIHW", order)
        )
        return jax.nn.relu(out + weights[f"{name}.bias"].reshape([-1 if axis == "C" else 1 for axis in order]))

    def scores(weights: Weights, x: Array) -> Array:
        x = conv(weights, "2", conv(weights, "0", x))
        x = lax.reduce_window(x, -jnp.inf, lax.max, window, window, "VALID")
        x = x if order == "NCHW" else x.transpose(0, 3, 1, 2)
        return _linear(weights, "6", x.reshape(batch, -1))

    x = drawn("x", batch, first, pixels, pixels)
    x = x if order == "NCHW" else x.transpose(0, 2, 3, 1)
    return _training(_filled(model), scores, x, np.arange(batch) % 10, optimizer)


def _gpt(batch: int, time: int, vocabulary: int, layers: int, heads: int, width: int) -> Step:
    model = models.GPT(vocabulary, time, layers=layers, heads=heads, width=width)
    tokens = np.arange(batch * time) * 7 % vocabulary

    def attend(layer: int, q: Array, k: Array, v: Array) -> Array:
        return jax.nn.dot_product_attention(q, k, v, is_causal=True)

    def scores(weights: Weights, x: Array) -> Array:
        return _network(weights, x, jnp.arange(time), Sizes(layers, heads), attend)

    labels = ((tokens + 7) % vocabulary).reshape(batch, time)
    return _training(_filled(model), scores, tokens.reshape(batch, time), labels, "adamw")


def _generate(tokens: int, vocabulary: int, layers: int, heads: int, width: int, cached: bool) -> Step:
    """The whole loop is compiled; keys and values lie in arrays that are written place by place."""
    weights = _filled(models.GPT(vocabulary, tokens + 1, layers=layers, heads=heads, width=width))
    empty = jnp.zeros((layers, 2, 1, tokens, heads, width // heads))

    def next_token(carry: tuple[Array, Array], place: Array) -> tuple[tuple[Array, Array], Array]:
        token, kept = carry
        seen = (jnp.arange(tokens) <= place)[None, None, None]

        def attend(layer: int, q: Array, k: Array, v: Array) -> Array:
            nonlocal kept
            kept = lax.dynamic_update_slice(kept, jnp.stack([k, v])[None], (layer, 0, 0, place, 0, 0))
            return jax.nn.dot_product_attention(q, kept[layer, 0], kept[layer, 1], mask=seen)

        scores = _network(weights, token[None], place[None], Sizes(layers, heads), attend)
        best = scores[0].argmax(1)
        return (best, kept), best[0]

    loop = jax.jit(lambda: lax.scan(next_token, (jnp.zeros(1, jnp.int32), empty), jnp.arange(tokens))[1])
    return lambda: loop().block_until_ready()


def _network(
    weights: Weights, tokens: Array, places: Array, sizes: Sizes, attend: Callable[[int, Array, Array, Array], Array]
) -> Array:
    """GPT-2: tokens (batch, time) at these places -> scores (batch, time, vocabulary)."""
    table = weights["transformer.wte.weight"]
    x = table[tokens] + weights["transformer.wpe.weight"][places]
    for layer in range(sizes.layers):
        name = f"transformer.h.{layer}"
        mixed = _linear(weights, f"{name}.attn.c_attn", _norm(weights, f"{name}.ln_1", x))
        q, k, v = (part.reshape(*x.shape[:2], sizes.heads, -1) for part in jnp.split(mixed, 3, axis=2))
        x = x + _linear(weights, f"{name}.attn.c_proj", attend(layer, q, k, v).reshape(x.shape))
        wide = jax.nn.gelu(_linear(weights, f"{name}.mlp.c_fc", _norm(weights, f"{name}.ln_2", x)))
        x = x + _linear(weights, f"{name}.mlp.c_proj", wide)
    return _norm(weights, "transformer.ln_f", x) @ table.T


def _linear(weights: Weights, name: str, x: Array) -> Array:
    return x @ weights[f"{name}.weight"].T + weights[f"{name}.bias"]


def _norm(weights: Weights, name: str, x: Array) -> Array:
    centred = x - x.mean(-1, keepdims=True)
    scaled = centred * lax.rsqrt(jnp.square(centred).mean(-1, keepdims=True) + 1e-5)
    return scaled * weights[f"{name}.weight"] + weights[f"{name}.bias"]


def _filled(model: tt.nn.Module) -> Weights:
    """The weights that all peers get, each once."""
    fill(KIT, model)
    return {name: jnp.asarray(each.detach().numpy()) for name, each in model.named_parameters()}


def _training(weights: Weights, scores: Callable[[Weights, Array], Array], x: Any, y: Any, optimizer: str) -> Step:
    """Forward, loss, backward and update; the step returns the loss."""
    given, labels = jnp.asarray(x), jnp.asarray(y)
    kind, options = OPTIMIZERS[optimizer]

    def loss(weights: Weights) -> Array:
        logs = jax.nn.log_softmax(scores(weights, given))
        return -jnp.take_along_axis(logs, labels[..., None], -1).mean()

    def update(state: State) -> tuple[State, Array]:
        value, grads = jax.value_and_grad(loss)(state.weights)
        return (_sgd if kind == "SGD" else _adam)(state, grads, decoupled=kind == "AdamW", **options), value

    compiled = jax.jit(update)
    zeros = {name: jnp.zeros_like(each) for name, each in weights.items()}
    state = State(weights, zeros, zeros, jnp.zeros((), jnp.float32))

    def step() -> float:
        nonlocal state
        state, value = compiled(state)
        return float(value)

    return step


def _sgd(state: State, grads: Weights, decoupled: bool, lr: float, momentum: float = 0.0) -> State:
    means = {name: momentum * state.means[name] + grad for name, grad in grads.items()} if momentum else state.means
    moves = means if momentum else grads
    return state._replace(weights={name: each - lr * moves[name] for name, each in state.weights.items()}, means=means)


def _adam(state: State, grads: Weights, decoupled: bool, lr: float) -> State:
    count = state.count + 1
    means = jax.tree.map(lambda mean, grad: 0.9 * mean + 0.1 * grad, state.means, grads)
    squares = jax.tree.map(lambda square, grad: 0.999 * square + 0.001 * grad * grad, state.squares, grads)
    rate, root = lr / (1 - 0.9**count), jnp.sqrt(1 - 0.999**count)
    kept = 1 - lr * DECAY if decoupled else 1.0

    def moved(weight: Array, mean: Array, square: Array) -> Array:
        return kept * weight - rate * mean / (jnp.sqrt(square) / root + 1e-8)

    return State(jax.tree.map(moved, state.weights, means, squares), means, squares, count)


MAKERS: dict[str, Callable[..., Step]] = {"mlp": _mlp, "cnn": _cnn, "gpt": _gpt, "generate": _generate}
