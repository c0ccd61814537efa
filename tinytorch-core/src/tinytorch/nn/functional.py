"""The functions behind the layers, under PyTorch's names: `import tinytorch.nn.functional as F`."""

from tinytorch.core.activations import (
    elu,
    hardsigmoid,
    hardswish,
    leaky_relu,
    logsigmoid,
    relu6,
    sigmoid,
    silu,
    tanh,
)
from tinytorch.core.activations.functions import gelu_of as gelu
from tinytorch.core.activations.functions import log_softmax_along as log_softmax
from tinytorch.core.activations.functions import relu_with_inplace as relu
from tinytorch.core.activations.functions import softmax_along as softmax
from tinytorch.core.activations.functions import softplus_of as softplus
from tinytorch.core.attention import scaled_dot_product_attention
from tinytorch.core.layers import batch_norm, dropout, embedding, group_norm, layer_norm, linear
from tinytorch.core.losses import (
    binary_cross_entropy,
    binary_cross_entropy_with_logits,
    cross_entropy,
    kl_div,
    l1_loss,
    mse_loss,
    nll_loss,
    smooth_l1_loss,
)
from tinytorch.core.losses.functions import one_hot
from tinytorch.core.spatial import adaptive_avg_pool2d, avg_pool2d, conv1d, conv2d, max_pool2d
from tinytorch.core.tensor.joining import pad
from tinytorch.core.transformers import rms_norm

__all__ = [
    "adaptive_avg_pool2d",
    "avg_pool2d",
    "batch_norm",
    "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
    "conv1d",
    "conv2d",
    "cross_entropy",
    "dropout",
    "elu",
    "embedding",
    "gelu",
    "group_norm",
    "hardsigmoid",
    "hardswish",
    "kl_div",
    "l1_loss",
    "layer_norm",
    "leaky_relu",
    "linear",
    "log_softmax",
    "logsigmoid",
    "max_pool2d",
    "mse_loss",
    "nll_loss",
    "one_hot",
    "pad",
    "relu",
    "relu6",
    "rms_norm",
    "scaled_dot_product_attention",
    "sigmoid",
    "silu",
    "smooth_l1_loss",
    "softmax",
    "softplus",
    "tanh",
]
