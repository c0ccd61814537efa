"""Layers that store codes and compute with floats, or round each row as it comes; and putting them into a model.

Such a layer stands where the float layer stood, under its name, so that any model keeps its code: GPT, Llama, BERT.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from tinytorch.core.layers import Embedding, Linear
from tinytorch.core.layers.linear import linear
from tinytorch.core.module import Module, Parameter
from tinytorch.core.spatial import Conv2d
from tinytorch.core.spatial.modules import conv2d
from tinytorch.core.tensor import Tensor, op
from tinytorch.core.tensor.promotion import floats_only
from tinytorch_quant.integer.products import sum_dtype
from tinytorch_quant.qtensor import QTensor

if TYPE_CHECKING:
    from tinytorch.types import Array
    from tinytorch_quant.config import QuantConfig

EMPTY_ROW = np.float32(1.0)  # the scale of a row of zeros


def _rows(name: str, x: Any, codes: Tensor, scale: Tensor, bias: Any) -> tuple[Any, ...]:
    floats_only(name, x)
    if codes.ndim != 2 or not x.ndim or x.shape[-1] != codes.shape[1]:
        raise ValueError(f"{name}: input {x.shape} does not fit a weight of (out, in) = {codes.shape}")
    return x, codes, scale, bias


@op(prepare=_rows)
def int8_dynamic_linear(x: Array, codes: Array, scale: Array, bias: Array | None) -> Array:
    """x @ (codes * scale).T + bias, x rounded row by row: (..., in), (out, in) int8, (out,), (out,) -> (..., out).

    A row's scale is its largest size / 127; sums are of whole numbers and exact.
    """
    rows = x.reshape(-1, x.shape[-1])
    row_scale = np.abs(rows).max(axis=1, keepdims=True, initial=0.0) / x.dtype.type(127.0)
    row_scale[row_scale == 0.0] = EMPTY_ROW
    dtype = sum_dtype(rows.shape[1])
    sums = np.rint(rows / row_scale).astype(dtype) @ codes.T.astype(dtype)
    out = (sums * row_scale).astype(x.dtype) * scale
    if bias is not None:
        out += bias
    return out.reshape(*x.shape[:-1], len(codes))


class Stored(Module):
    """The base of layers whose weight is a QTensor: `weight` gives its numbers, made anew each time."""

    replaces: type[Module] = Module

    def __init__(self, qweight: QTensor, bias: Parameter | None, dynamic: bool, options: dict[str, Any]) -> None:
        super().__init__()
        self.qweight = qweight
        self.register_parameter("bias", bias)
        self.dynamic, self.options = dynamic, options

    @property
    def weight(self) -> Tensor:
        """The numbers that the codes stand for."""
        return self.qweight.dequantize()

    def extra_repr(self) -> str:
        """Return whether rows of inputs are rounded, as `repr` shows it."""
        return "dynamic" if self.dynamic else "weight only"


class StoredLinear(Stored):
    """x @ weight.T + bias, of a weight in codes."""

    replaces = Linear

    def forward(self, input: Tensor) -> Tensor:
        """(..., in) -> (..., out)."""
        if not self.dynamic:
            return linear(input, self.weight, self.bias)
        scale = self.qweight.scale.expand((self.qweight.shape[0], 1)).reshape(-1)
        return int8_dynamic_linear(input, Tensor(self.qweight.int_repr()), scale, self.bias)


class StoredEmbedding(Stored):
    """The rows of a table in codes; only rows that are looked up become numbers."""

    replaces = Embedding

    def forward(self, input: Tensor) -> Tensor:
        """(...) integers -> (..., width)."""
        indices = input.array
        if indices.dtype.kind not in "iu":
            raise TypeError(f"embedding: expected an integer tensor of indices, got {input.dtype}")
        if indices.size and not 0 <= indices.min() <= indices.max() < self.qweight.shape[0]:
            raise IndexError(f"embedding: an index is outside the table's 0 ... {self.qweight.shape[0] - 1}")
        return self.qweight.rows(indices)


class StoredConv2d(Stored):
    """Windows over images, of a weight in codes."""

    replaces = Conv2d

    def forward(self, input: Tensor) -> Tensor:
        """(batch, in, h, w) -> (batch, out, h', w')."""
        return conv2d(input, self.weight, self.bias, **self.options)


KINDS: dict[type[Module], type[Stored]] = {
    kind.replaces: kind for kind in (StoredLinear, StoredEmbedding, StoredConv2d)
}
OPTIONS = {Conv2d: ("stride", "padding", "dilation", "groups"), Embedding: ("padding_idx",)}


def swapped(model: Module, configs: Mapping[str, QuantConfig | None], *, refuse: bool) -> Module:
    """A copy of the model whose layers with a config store codes; refuse: raise for layers that cannot.

    A weight that two layers share is stored once.
    """
    chosen = {name: module for name, module in model.named_modules() if configs.get(name) and type(module) in KINDS}
    if refuse and (left := [name for name in weighted(model) if configs.get(name) and name not in chosen]):
        raise ValueError(f"quantize: cannot quantize {', '.join(left)}; unsupported='float' leaves them as they are")
    if not chosen:
        raise ValueError("quantize: found no Linear, Embedding or Conv2d to quantize")
    shared: dict[Any, QTensor] = {}
    replacements: dict[int, Any] = {}
    head = _head(model)
    for name, module in chosen.items():
        replacements[id(module)] = _stored(name, module, cast("QuantConfig", configs[name]), shared, head)
    return copy.deepcopy(model, replacements)


def _head(model: Module) -> Parameter | None:
    """The weight of a language model's output head: its last Linear, of the shape of an Embedding."""
    linears = [module for module in model.modules() if type(module) is Linear]
    tables = {module.weight.shape for module in model.modules() if type(module) is Embedding}
    return linears[-1].weight if linears and linears[-1].weight.shape in tables else None


def _stored(name: str, module: Any, config: QuantConfig, shared: dict[Any, QTensor], head: Parameter | None) -> Stored:
    options = config.stored(head=module.weight is head)
    key = id(module.weight), *options
    try:
        if key not in shared:
            shared[key] = QTensor.from_float(module.weight.detach(), *options)
    except ValueError as error:
        raise ValueError(f"quantize: '{name}': {error}") from error
    return _made(module, shared[key], config.mode == "dynamic")


def _made(module: Any, qweight: QTensor, dynamic: bool) -> Stored:
    bias = getattr(module, "bias", None)
    options = {option: getattr(module, option) for option in OPTIONS.get(type(module), ())}
    dynamic = dynamic and type(module) is Linear
    made = KINDS[type(module)](qweight, None if bias is None else Parameter(bias.detach().clone()), dynamic, options)
    return made.train(module.training)


def swap_back(model: Module) -> Module:
    """A copy of the model with float layers in place of those that store codes."""
    numbers: dict[int, Parameter] = {}
    replacements: dict[int, Any] = {}
    for module in model.modules():
        if isinstance(module, Stored):
            weight = numbers.setdefault(id(module.qweight), Parameter(module.weight))
            replacements[id(module)] = _float(module, weight)
    return copy.deepcopy(model, replacements)


def _float(module: Stored, weight: Parameter) -> Module:
    shape = weight.shape
    made: Any
    if isinstance(module, StoredLinear):
        made = Linear(shape[1], shape[0], module.bias is not None)
    elif isinstance(module, StoredEmbedding):
        made = Embedding(*shape, **module.options)
    else:
        groups = module.options["groups"]
        made = Conv2d(shape[1] * groups, shape[0], shape[2:], **module.options, bias=module.bias is not None)
    made.weight = weight
    if module.bias is not None:
        made.bias = Parameter(module.bias.detach().clone())
    return made.train(module.training)


def described(model: Module) -> dict[str, Any]:
    """What a fresh model needs to know to be given the same structure: `blank` takes it."""
    return {
        name: {
            "bits": module.qweight.bits,
            "granularity": module.qweight.granularity,
            "symmetric": module.qweight.symmetric,
            "scale": str(module.qweight.scale.dtype),
            "dynamic": module.dynamic,
        }
        for name, module in model.named_modules()
        if isinstance(module, Stored)
    }


def blank(model: Module, layers: Any) -> Module:
    """The model with layers that store codes, of zeros, as `described` said; raises ValueError where they cannot be."""
    if not isinstance(layers, dict):
        raise ValueError(f"quantize: expected layers by name, got {layers!r:.60}")  # noqa: TRY004  a file's mistake
    modules = dict(model.named_modules())
    shared: dict[int, QTensor] = {}
    replacements: dict[int, Any] = {}
    for name, told in layers.items():
        module: Any = modules.get(name)
        if type(module) not in KINDS or not isinstance(told, dict) or set(told) != DESCRIPTION:
            raise ValueError(f"quantize: the model has no layer '{name}' to quantize as {told!r:.80}")
        made = QTensor(module.weight.shape, told["bits"], told["granularity"], bool(told["symmetric"]), told["scale"])
        replacements[id(module)] = _made(module, shared.setdefault(id(module.weight), made), bool(told["dynamic"]))
    return copy.deepcopy(model, replacements)


DESCRIPTION = {"bits", "granularity", "symmetric", "scale", "dynamic"}


def weighted(model: Module) -> list[str]:
    """The names of the layers that hold float parameters of two dimensions or more."""
    return [
        name
        for name, module in model.named_modules()
        if any(each.ndim > 1 for each in module.parameters(recurse=False))
    ]
