"""Models in INT8 and fewer bits for tinytorch."""

from tinytorch_quant.affine import choose_qparams_affine, dequantize_affine, fake_quantize_affine, quantize_affine
from tinytorch_quant.config import QuantConfig
from tinytorch_quant.correction import correct_bias
from tinytorch_quant.equalization import equalize
from tinytorch_quant.fusion import FusedModel, fold_batch_norms, fuse
from tinytorch_quant.histograms import EntropyObserver, HistogramObserver, PercentileObserver
from tinytorch_quant.observers import (
    MinMaxObserver,
    MovingAverageMinMaxObserver,
    MovingAveragePerChannelMinMaxObserver,
    Observer,
    PerChannelMinMaxObserver,
)
from tinytorch_quant.packed import PackedModel
from tinytorch_quant.qat import (
    FakeQuantize,
    convert,
    disable_fake_quant,
    disable_observer,
    enable_fake_quant,
    enable_observer,
    freeze_bn_stats,
    prepare_qat,
    update_bn_stats,
)
from tinytorch_quant.qtensor import QTensor
from tinytorch_quant.quantizing import dequantize, left_in_float, quantize

__version__ = "0.1.0"

__all__ = [
    "EntropyObserver",
    "FakeQuantize",
    "FusedModel",
    "HistogramObserver",
    "MinMaxObserver",
    "MovingAverageMinMaxObserver",
    "MovingAveragePerChannelMinMaxObserver",
    "Observer",
    "PackedModel",
    "PerChannelMinMaxObserver",
    "PercentileObserver",
    "QTensor",
    "QuantConfig",
    "choose_qparams_affine",
    "convert",
    "correct_bias",
    "dequantize",
    "dequantize_affine",
    "disable_fake_quant",
    "disable_observer",
    "enable_fake_quant",
    "enable_observer",
    "equalize",
    "fake_quantize_affine",
    "fold_batch_norms",
    "freeze_bn_stats",
    "fuse",
    "left_in_float",
    "prepare_qat",
    "quantize",
    "quantize_affine",
    "update_bn_stats",
]
