"""Single ops, and small chains of them, in the words that tinytorch and PyTorch share."""

from __future__ import annotations

from typing import Any

from tinytorch_bench.peers.kit import Kit, fill, labels, leaf, tensor, with_gradients, without_gradients
from tinytorch_bench.peers.peer import Step


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
