"""QuantConfig: what becomes of which layer, in plain values, so that a recipe or a file can say it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from typing import Any

from tinytorch_quant.affine import RANGES
from tinytorch_quant.histograms import EntropyObserver, HistogramObserver, PercentileObserver
from tinytorch_quant.observers import MinMaxObserver, MovingAverageMinMaxObserver, Observer
from tinytorch_quant.qtensor import Granularity

MODES = ("static", "dynamic", "weight_only")
UNSUPPORTED = ("float", "refuse")
OBSERVERS: dict[str, type[Observer]] = {
    "minmax": MinMaxObserver,
    "moving_average": MovingAverageMinMaxObserver,
    "histogram": HistogramObserver,
    "percentile": PercentileObserver,
    "entropy": EntropyObserver,
}
GROUP = 32  # numbers that share a scale, as in GGUF's blocks
OF_A_LAYER = ("bits", "granularity", "symmetric")


@dataclass(frozen=True)
class QuantConfig:
    """How a model is quantized.

    `mode`: "static" computes with integers from end to end, in ranges that calibration found; "dynamic" finds the
    range of each row as it comes; "weight_only" computes with floats and stores codes. `bits`, `granularity` ("tensor",
    "channel" or a group's size) and `symmetric` are the weights'. `layers` says otherwise for names that match a glob:
    {"*.head": {"bits": 8}, "0": None}, where None leaves the layer in float; of several that match the last wins.
    """

    mode: str = "static"
    bits: int = 8
    granularity: Granularity | None = None  # None: groups of 32 where weights are only stored, else channels
    symmetric: bool | None = None  # None: all but weights of 4 bits that are only stored
    head_bits: int = 8  # at least, of a language model's output head, where weights are only stored
    activation_bits: int = 8  # in static mode, of what layers give; the input has 8
    observer: str = "histogram"  # of activations, of static mode
    equalize: bool = False  # channels over consecutive layers first, in static mode
    correct_bias: bool = False  # of what rounding weights moves on average, in static mode
    unsupported: str = "float"  # layers that cannot be quantized are left in "float", or the model is "refuse"d
    layers: Mapping[str, Mapping[str, Any] | None] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for what, value, known in (
            ("mode", self.mode, MODES),
            ("bits", self.bits, (*RANGES,)),
            ("head_bits", self.head_bits, (*RANGES,)),
            ("activation_bits", self.activation_bits, (*RANGES,)),
            ("observer", self.observer, (*OBSERVERS,)),
            ("unsupported", self.unsupported, UNSUPPORTED),
        ):
            if value not in known:
                raise ValueError(f"QuantConfig: expected {what} as one of {known}, got {value!r}")
        if self.granularity not in (None, "tensor", "channel") and (
            type(self.granularity) is not int or self.granularity < 1
        ):
            raise ValueError(
                f"QuantConfig: expected granularity as 'tensor', 'channel' or a group's size, got {self.granularity!r}"
            )
        if self.mode != "weight_only" and (self.symmetric is False or type(self.granularity) is int):
            raise ValueError(f"QuantConfig: {self.mode} mode needs symmetric weights, by tensor or channel")
        if not isinstance(self.layers, Mapping):
            raise TypeError(f"QuantConfig: expected layers as options by name, got {self.layers!r:.60}")
        for pattern, options in self.layers.items():
            if options is not None and not (isinstance(options, Mapping) and set(options) <= set(OF_A_LAYER)):
                raise ValueError(f"QuantConfig: layer '{pattern}' may have {OF_A_LAYER} or None, got {options!r}")
            if options is not None:
                replace(self, layers={}, **options)  # which checks them

    @property
    def activation_range(self) -> tuple[int, int]:
        """The least and the largest code of activations."""
        return RANGES[self.activation_bits]

    def stored(self, *, head: bool) -> tuple[int, Granularity, bool]:
        """Bits, granularity and symmetry of a weight that is stored in codes."""
        bits = max(self.bits, self.head_bits) if head and self.mode == "weight_only" else self.bits
        symmetric = self.mode != "weight_only" or bits == 8 if self.symmetric is None else self.symmetric
        return bits, self.granularity or (GROUP if self.mode == "weight_only" else "channel"), symmetric

    def for_layer(self, name: str) -> QuantConfig | None:
        """What holds for the layer of that name; None leaves it in float."""
        found: QuantConfig | None = replace(self, layers={})
        for pattern, options in self.layers.items():
            if fnmatchcase(name, pattern):
                own = {} if options is None else {"head_bits": options.get("bits", self.head_bits), **options}
                found = None if options is None else replace(self, layers={}, **own)
        return found
