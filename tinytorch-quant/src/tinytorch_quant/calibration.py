"""Calibration: examples run through a fused model, and from what was seen the scale and zero point of every value."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Protocol

from tinytorch.core.autograd import no_grad
from tinytorch.core.layers import Identity, ModuleList
from tinytorch.core.tensor import Tensor
from tinytorch_quant.affine import RANGES
from tinytorch_quant.layers import Elementwise, OpModule, SoftMax
from tinytorch_quant.observers import Observer

if TYPE_CHECKING:
    from tinytorch_quant.fusion import FusedModel

QParams = tuple[float, int]
SHARES = (1.0 / 256.0, -128)  # of probabilities: those of TFLite
CENTRED = (1.0 / 128.0, 0)  # of numbers from -1 to 1


class Chooser(Protocol):
    """What has watched a value and chooses its scale and zero point."""

    def calculate_qparams(self) -> tuple[Tensor, Tensor]:
        """Scale and zero point."""


def inputs_of(batches: Iterable[Any]) -> Iterator[Tensor]:
    """The inputs of batches, each a tensor or a tuple that begins with one, as a DataLoader gives them."""
    if isinstance(batches, Tensor) or not isinstance(batches, Iterable):
        raise TypeError(f"calibration: expected batches, got {type(batches).__name__}")
    for batch in batches:
        first = batch[0] if isinstance(batch, (tuple, list)) and batch else batch
        if not isinstance(first, Tensor):
            raise TypeError(f"calibration: expected batches of tensors, got {type(first).__name__}")
        yield first


def calibrate(
    model: FusedModel, batches: Iterable[Any], make: Callable[..., Observer], limits: tuple[int, int] = RANGES[8]
) -> dict[int, QParams]:
    """Scale and zero point of each value, by number, as observers made by `make` choose them for codes in the limits.

    Raises ValueError that names the layer where there were no data, or not only finite ones.
    """
    observers = observers_of(model, make, limits)
    watched = [observers.get(number, Identity()) for number in range(len(model.layers) + 1)]
    model.activations = ModuleList([_Named(each, value_name(model, number)) for number, each in enumerate(watched)])
    count = 0
    try:
        with no_grad():
            for x in inputs_of(batches):
                model(x)
                count += len(x.array)
    finally:
        model.activations = None
    if not count:
        raise ValueError("calibration: expected some batches of inputs, got none")
    return chosen(model, observers)


def chosen(model: FusedModel, observers: Mapping[int, Chooser]) -> dict[int, QParams]:
    """What the observers choose, for all values: those that keep a scale have that of what they were computed from."""
    found = dict[int, QParams]()
    for number in range(len(model.layers) + 1):
        if number in observers:
            found[number] = fixed_scale(model, number) or _qparams(observers[number], value_name(model, number))
        else:
            found[number] = found[model.sources[number - 1][0]]
    return found


def observers_of(model: FusedModel, make: Callable[..., Observer], limits: tuple[int, int]) -> dict[int, Observer]:
    """An observer for each value with a scale of its own; the input's has all codes of int8."""
    return {
        number: make(quant_min=low, quant_max=high)
        for number in rounded_values(model)
        for low, high in [limits if number else RANGES[8]]
    }


def rounded_values(model: FusedModel) -> list[int]:
    """The numbers of the values that get a scale of their own."""
    return [0, *(i for i, layer in enumerate(model.layers, start=1) if not layer.keeps_scale)]


def fixed_scale(model: FusedModel, number: int) -> QParams | None:
    """The scale of values whose range is known: probabilities and what tanh gives."""
    layer = model.layers[number - 1] if number else None
    op = layer.function.op if isinstance(layer, Elementwise) and isinstance(layer.function, OpModule) else ""
    if isinstance(layer, SoftMax) or op == "sigmoid":
        return SHARES
    return CENTRED if op == "tanh" else None


def value_name(model: FusedModel, number: int) -> str:
    """What a value is called in errors and reports: its layer's name."""
    return model.names[number - 1] if number else "input"


def _qparams(observer: Chooser, name: str) -> QParams:
    try:
        scale, zero_point = observer.calculate_qparams()
    except ValueError as error:
        raise ValueError(f"calibration: '{name}': {error}") from error
    return float(scale.array), int(zero_point.array)


class _Named(Identity):
    """An observer that says in its errors whose numbers it saw."""

    def __init__(self, observer: Any, name: str) -> None:
        super().__init__()
        self.observer, self.name = observer, name

    def forward(self, input: Tensor) -> Tensor:
        """(...) -> the same tensor."""
        try:
            return self.observer(input)
        except ValueError as error:
            raise ValueError(f"calibration: what '{self.name}' gives cannot be rounded: {error}") from error
