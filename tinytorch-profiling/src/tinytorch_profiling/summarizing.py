"""`summary`: what a model is made of, layer by layer, and what one forward pass gives, takes and keeps.

    print(summary(resnet8(), (1, 3, 32, 32)))

The model runs once, in evaluation mode and without gradients, on zeros; afterwards it is as it was, its buffers and the
random numbers to come included.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from weakref import ref

import numpy as np

from tinytorch import Tensor, no_grad, zeros
from tinytorch.core.module import Module
from tinytorch.core.tensor.random import default_generator
from tinytorch.plugins import Instrument, instrumented
from tinytorch_profiling.flops import FLOPCounter
from tinytorch_profiling.layers import Layer, Summary

EXPECTED = "whole numbers (batch, ...), a tensor, or several of them in a list"


def summary(model: Module, input_shape: Any, *, dtype: Any = "float32") -> Summary:
    """Describe a model for inputs of this shape, the batch included; or for an example tensor, or several in a list.

    Of shapes, zeros of the dtype are made (a list of dtypes: one for each): dtype="int64" for a model of tokens.
    """
    if not isinstance(model, Module):
        raise TypeError(f"summary: expected a Module, got {type(model).__name__}")
    inputs = _inputs(input_shape, dtype)
    watch = Watch(inputs)
    with _unchanged(model), instrumented(watch), FLOPCounter() as counter:
        try:
            model(*inputs)
        except Exception as error:
            error.add_note(f"summary: the model was called with {', '.join(f'{x.dtype} {x.shape}' for x in inputs)}")
            raise
    macs = {name: count.macs for name, count in counter.by_module().items()}
    return Summary(
        layer=_layer(model, watch, macs, type(model).__name__, set()),
        inputs=[x.shape for x in inputs],
        input_bytes=sum(x.array.nbytes for x in inputs),
        buffer_bytes=sum(buffer.array.nbytes for buffer in model.buffers()),
    )


class Watch(Instrument):
    """Notes what each module gives: shapes of the first call, how often it was called, and bytes of new memory."""

    name = "summary"

    def __init__(self, inputs: Sequence[Tensor]) -> None:
        self.shapes: dict[Module, list[tuple[int, ...]]] = {}
        self.calls: dict[Module, int] = {}
        self.bytes: dict[Module, int] = {}
        self._owners: dict[int, ref[Any]] = {}
        for each in inputs:
            self._is_new(each)

    def returned(self, module: Module, out: Any) -> None:
        """Note a call's outputs."""
        outputs = list(_tensors(out))
        self.shapes.setdefault(module, [each.shape for each in outputs])
        self.calls[module] = self.calls.get(module, 0) + 1
        new = sum(each.array.nbytes for each in outputs if self._is_new(each))
        self.bytes[module] = self.bytes.get(module, 0) + new

    def _is_new(self, tensor: Tensor) -> bool:
        """Whether nobody has given this memory before; asked weakly, so that nothing is kept alive."""
        owner: Any = tensor.array
        while isinstance(owner.base, np.ndarray):
            owner = owner.base
        known = self._owners.get(id(owner))
        self._owners[id(owner)] = ref(owner)
        return known is None or known() is not owner


def _layer(module: Module, watch: Watch, macs: dict[str, int], path: str, seen: set[int]) -> Layer:
    """A module with its parts; parameters and parts that came before are left out."""
    seen.add(id(module))
    own = [each for each in module.parameters(recurse=False) if id(each) not in seen]
    seen.update(map(id, own))
    parts = [
        _layer(part, watch, macs, f"{path}.{name}", seen)
        for name, part in module.named_children()
        if id(part) not in seen
    ]
    return Layer(
        name=path.rpartition(".")[2],
        kind=type(module).__name__,
        outputs=watch.shapes.get(module, []),
        calls=watch.calls.get(module, 0),
        parameters=sum(each.numel() for each in own) + sum(part.parameters for part in parts),
        trainable=sum(each.numel() for each in own if each.requires_grad) + sum(part.trainable for part in parts),
        macs=macs.get(path, 0),
        parameter_bytes=sum(each.array.nbytes for each in own) + sum(part.parameter_bytes for part in parts),
        activation_bytes=watch.bytes.get(module, 0) + sum(part.activation_bytes for part in parts),
        parts=parts,
    )


@contextmanager
def _unchanged(model: Module) -> Iterator[None]:
    """Evaluate without gradients; leave modes, buffers and random numbers as they were."""
    modules = [(module, module.training, vars(module)["_buffers"].copy()) for module in model.modules()]
    contents = [(buffer, buffer.array, buffer.array.copy()) for buffer in model.buffers()]
    state = default_generator.get_state()
    try:
        model.eval()
        with no_grad():
            yield
    finally:
        default_generator.set_state(state)
        for buffer, array, content in contents:
            buffer.array = array
            if array.tobytes() != content.tobytes():
                np.copyto(array, content)
        for module, training, buffers in modules:
            module.training = training
            vars(module)["_buffers"].update(buffers)


def _inputs(given: Any, dtype: Any) -> list[Tensor]:
    """The tensors to call a model with."""
    several = isinstance(given, (list, tuple)) and any(isinstance(each, (list, tuple, Tensor)) for each in given)
    shapes = list(given) if several else [given]
    dtypes = list(dtype) if isinstance(dtype, (list, tuple)) else [dtype] * len(shapes)
    if len(dtypes) != len(shapes):
        raise ValueError(f"summary: expected a dtype for each of {len(shapes)} inputs, got {len(dtypes)}")
    return [_input(shape, each) for shape, each in zip(shapes, dtypes, strict=True)]


def _input(shape: Any, dtype: Any) -> Tensor:
    if isinstance(shape, Tensor):
        return shape
    if not isinstance(shape, (list, tuple)) or not all(type(size) is int and size >= 0 for size in shape):
        raise TypeError(f"summary: expected input_shape as {EXPECTED}, got {shape!r:.60}")
    return zeros(*shape, dtype=dtype)


def _tensors(out: Any) -> Iterator[Tensor]:
    """The tensors that a module gave, those in tuples, lists and dicts too."""
    if isinstance(out, Tensor):
        yield out
    elif isinstance(out, (list, tuple, dict)):
        for each in out.values() if isinstance(out, dict) else out:
            yield from _tensors(each)
