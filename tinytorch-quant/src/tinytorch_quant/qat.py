"""Training with rounding: weights learn where codes are few, activations are rounded as they will be.

`prepare_qat` makes a model that any Trainer can train; gradients pass rounding straight through. `convert` then makes
the integer model of it. Names of switches are torch.ao.quantization's.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from tinytorch.core.layers import Identity, ModuleList
from tinytorch.core.module import Module
from tinytorch.core.tensor import Tensor
from tinytorch.transforming import PLACE, applied
from tinytorch_quant.affine import fake_quantize_affine
from tinytorch_quant.calibration import QParams, calibrate, chosen, observers_of
from tinytorch_quant.config import OBSERVERS, QuantConfig
from tinytorch_quant.correction import WeightRounding
from tinytorch_quant.fusion import FusedModel, fold_batch_norms, fuse
from tinytorch_quant.layers import AvgPool, Weighted
from tinytorch_quant.observers import MovingAverageMinMaxObserver, Observer
from tinytorch_quant.quantizing import lowered, of_layers

if TYPE_CHECKING:
    from tinytorch_quant.packed import PackedModel


class FakeQuantize(Module):
    """Watch numbers and round them: in training the observer sees each batch, unless it is disabled.

    With `qparams`, which calibration has found, it is disabled, and they hold until it is enabled.
    """

    limits: Tensor
    found: Tensor
    enabled: Tensor

    def __init__(self, observer: Observer, qparams: QParams | None = None) -> None:
        super().__init__()
        self.observer = observer
        self.register_buffer("limits", Tensor(np.full(2, np.nan, np.float32)))  # the observer's; nan: none yet
        self.register_buffer("found", Tensor(np.asarray(qparams or (np.nan, np.nan), np.float32)))  # by calibration
        self.register_buffer("enabled", Tensor(np.asarray([qparams is None, True])))

    @property
    def qparams(self) -> QParams | None:
        """The scale and zero point that calibration has found."""
        scale, zero_point = self.found.array
        return None if np.isnan(scale) else (float(scale), int(zero_point))

    @property
    def observer_enabled(self) -> bool:
        """Whether ranges follow the batches."""
        return bool(self.enabled.array[0])

    @observer_enabled.setter
    def observer_enabled(self, on: bool) -> None:
        self.enabled.array[0] = on

    @property
    def fake_quant_enabled(self) -> bool:
        """Whether numbers are rounded."""
        return bool(self.enabled.array[1])

    @fake_quant_enabled.setter
    def fake_quant_enabled(self, on: bool) -> None:
        self.enabled.array[1] = on

    def forward(self, input: Tensor) -> Tensor:
        """(...) -> what codes will stand for, the same shape."""
        if self.observer_enabled and self.training:
            self.found.array[:] = np.nan
            self._remember()
            self.observer(input.detach())
            if self.observer.min_val is not None:
                self.limits.array[:] = self.observer.range()
        return self.rounded(input)

    def _remember(self) -> None:
        """Give the observer the limits that the state has."""
        if not np.isnan(self.limits.array[0]):
            low, high = self.limits.array
            self.observer.min_val, self.observer.max_val = np.asarray(low), np.asarray(high)

    def rounded(self, input: Tensor) -> Tensor:
        """(...) -> what codes will stand for, unobserved."""
        if not self.fake_quant_enabled or (self.qparams is None and np.isnan(self.limits.array[0])):
            return input
        scale, zero_point = self.calculate_qparams()
        limits = self.observer.quant_min, self.observer.quant_max
        return fake_quantize_affine(input, input.shape, scale, zero_point, *limits)

    def calculate_qparams(self) -> tuple[Tensor, Tensor]:
        """Scale and zero point: those of calibration, or the observer's."""
        if self.qparams is None:
            self._remember()
            return self.observer.calculate_qparams()
        return Tensor(np.asarray(self.qparams[0], np.float32)), Tensor(np.asarray(self.qparams[1], np.int32))


class BorrowedQuantize(Module):
    """Round numbers by the scale of what they were computed from: means of codes are codes of the same scale."""

    def __init__(self, source: FakeQuantize) -> None:
        super().__init__()
        self.source = (source,)  # which is no part of this one: its state is saved at its own place

    def forward(self, input: Tensor) -> Tensor:
        """(...) -> what codes will stand for, the same shape."""
        return self.source[0].rounded(input)


class QATModel(FusedModel):
    """A fused model that rounds as it computes; `configs` says how each of its layers will be stored."""

    def __init__(
        self,
        fused: FusedModel,
        config: QuantConfig,
        configs: Mapping[str, QuantConfig | None],
        qparams: Mapping[int, QParams],
    ) -> None:
        super().__init__([*fused.layers], fused.sources, fused.names)
        self.configs, self.activation_range = dict(configs), config.activation_range
        for _, name, layer in self.weighted():
            chosen_config = self.configs[name]
            layer.rounding = Identity() if chosen_config is None else WeightRounding(chosen_config)
        observers = observers_of(self, MovingAverageMinMaxObserver, config.activation_range)
        rounding = {i: FakeQuantize(observer, qparams.get(i)) for i, observer in observers.items()}
        passed: list[Module] = [rounding[0]]
        for number, computed in enumerate(self.layers, start=1):
            source = rounding.setdefault(number, rounding[self.sources[number - 1][0]])
            passed.append(source if number in observers else Identity())
            if isinstance(computed, AvgPool):
                passed[-1] = BorrowedQuantize(source)
        self.activations = ModuleList(passed)


def prepare_qat(
    model: Module, example: Tensor, config: QuantConfig | None = None, calibration: Iterable[Any] | None = None
) -> QATModel:
    """Return a copy of the model, fused, that computes with rounded weights and activations and learns them.

    `example` is a batch of inputs. With `calibration`, batches as `quantize` takes them, activations begin with the
    ranges that the config's observer finds, and keep them until `enable_observer`; else moving averages of the least
    and largest numbers follow the training. Few bits learn better with the first.

    Batch norms learn until `freeze_bn_stats`; dropout is left out, since the trace of the evaluation has none. Layers
    that the config leaves in float stay so. What is called twice becomes two layers, each with weights of its own, and
    parameters that no layer of the integer model holds (a layer norm's, a bare `Parameter`) are not learned.
    """
    config = QuantConfig() if config is None else config
    if config.mode != "static":
        raise ValueError(f"prepare_qat: expected a config of static mode, got {config.mode!r}")
    fused = fuse(model, example, fold=False)
    configs = of_layers(fused, config.for_layers(name for name, _ in model.named_modules()))
    limits = config.activation_range
    qparams = {} if calibration is None else calibrate(fused, calibration, OBSERVERS[config.observer], limits)
    made = QATModel(fused, config, configs, qparams)
    setattr(made, PLACE, applied(model))
    return made.train()


def convert(model: QATModel) -> PackedModel:
    """Return the integer model of one that `prepare_qat` made and that was trained; it is not changed."""
    if not isinstance(model, QATModel):
        raise TypeError(f"convert: expected a model that prepare_qat has made, got {type(model).__name__}")
    still = copy.deepcopy(model).eval()
    fold_batch_norms(still)
    assert still.activations is not None
    observers = {i: each for i, each in enumerate(still.activations) if isinstance(each, FakeQuantize)}
    return lowered(still, chosen(still, observers), still.configs, model, still.activation_range)


def disable_observer(model: Module) -> None:
    """Let ranges stay as they are."""
    _switch(model, FakeQuantize, "observer_enabled", on=False)


def enable_observer(model: Module) -> None:
    """Let ranges follow the batches again."""
    _switch(model, FakeQuantize, "observer_enabled", on=True)


def disable_fake_quant(model: Module) -> None:
    """Let activations pass as they are; weights are rounded still."""
    _switch(model, FakeQuantize, "fake_quant_enabled", on=False)


def enable_fake_quant(model: Module) -> None:
    """Round activations again."""
    _switch(model, FakeQuantize, "fake_quant_enabled", on=True)


def freeze_bn_stats(model: Module) -> None:
    """Fold batch norms by their averages from now on, as the integer model will; gamma and beta learn on."""
    _switch(model, Weighted, "frozen", on=True)


def update_bn_stats(model: Module) -> None:
    """Let batch norms use and follow the batches again."""
    _switch(model, Weighted, "frozen", on=False)


def _switch(model: Module, kind: type[Module], name: str, *, on: bool) -> None:
    for module in model.modules():
        if isinstance(module, kind):
            setattr(module, name, on)
