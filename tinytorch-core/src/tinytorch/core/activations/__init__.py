"""Chapter 2, activations: what bends, so that layers on layers are more than one layer.

Read functions first, then modules; erf is there for GELU.
"""

from tinytorch.core.activations.erf import erf
from tinytorch.core.activations.functions import (
    elu,
    gelu,
    hardsigmoid,
    hardswish,
    leaky_relu,
    log_softmax,
    log_softmax_along,
    logsigmoid,
    relu,
    relu6,
    relu_,
    silu,
    softmax,
    softmax_along,
    softplus,
)
from tinytorch.core.activations.modules import (
    ELU,
    GELU,
    Hardsigmoid,
    Hardswish,
    LeakyReLU,
    LogSoftmax,
    ReLU,
    ReLU6,
    Sigmoid,
    SiLU,
    Softmax,
    Softplus,
    Tanh,
)
from tinytorch.core.tensor import Tensor
from tinytorch.core.tensor.elementwise import sigmoid, tanh

__all__ = [
    "ELU",
    "GELU",
    "Hardsigmoid",
    "Hardswish",
    "LeakyReLU",
    "LogSoftmax",
    "ReLU",
    "ReLU6",
    "SiLU",
    "Sigmoid",
    "Softmax",
    "Softplus",
    "Tanh",
    "elu",
    "erf",
    "gelu",
    "hardsigmoid",
    "hardswish",
    "leaky_relu",
    "log_softmax",
    "logsigmoid",
    "relu",
    "relu6",
    "relu_",
    "sigmoid",
    "silu",
    "softmax",
    "softplus",
    "tanh",
]

Tensor.relu, Tensor.softmax, Tensor.log_softmax = relu, softmax_along, log_softmax_along
