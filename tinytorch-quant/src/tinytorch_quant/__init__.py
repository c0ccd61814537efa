"""Models in INT8 and fewer bits for tinytorch."""

from tinytorch_quant.affine import choose_qparams_affine, dequantize_affine, fake_quantize_affine, quantize_affine
from tinytorch_quant.histograms import EntropyObserver, HistogramObserver, PercentileObserver
from tinytorch_quant.observers import (
    MinMaxObserver,
    MovingAverageMinMaxObserver,
    MovingAveragePerChannelMinMaxObserver,
    Observer,
    PerChannelMinMaxObserver,
)
from tinytorch_quant.qtensor import QTensor

__version__ = "0.1.0"

__all__ = [
    "EntropyObserver",
    "HistogramObserver",
    "MinMaxObserver",
    "MovingAverageMinMaxObserver",
    "MovingAveragePerChannelMinMaxObserver",
    "Observer",
    "PerChannelMinMaxObserver",
    "PercentileObserver",
    "QTensor",
    "choose_qparams_affine",
    "dequantize_affine",
    "fake_quantize_affine",
    "quantize_affine",
]
