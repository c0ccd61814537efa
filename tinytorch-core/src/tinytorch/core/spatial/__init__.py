"""Chapter 8, spatial: layers that know what is next to what.

Read convolution and pooling first, with geometry at hand; modules holds what people call.
"""

from tinytorch.core.layers import BatchNorm1d, BatchNorm2d
from tinytorch.core.spatial.modules import AdaptiveAvgPool2d, AvgPool2d, Conv1d, Conv2d, MaxPool2d, conv1d, conv2d
from tinytorch.core.spatial.pooling import adaptive_avg_pool2d
from tinytorch.core.spatial.pooling import avg_pooled as avg_pool2d
from tinytorch.core.spatial.pooling import max_pooled as max_pool2d

__all__ = [
    "AdaptiveAvgPool2d",
    "AvgPool2d",
    "BatchNorm1d",
    "BatchNorm2d",
    "Conv1d",
    "Conv2d",
    "MaxPool2d",
    "adaptive_avg_pool2d",
    "avg_pool2d",
    "conv1d",
    "conv2d",
    "max_pool2d",
]
