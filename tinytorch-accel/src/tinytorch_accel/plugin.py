"""The face of the plugin `accel`: what it tells the core. The ops stand in a page for each family."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tinytorch.plugins import hookimpl
from tinytorch_accel import backend
from tinytorch_accel.activations import gelu, gelu_grad, relu, relu_grad
from tinytorch_accel.arithmetic import (
    absolute,
    add,
    clip,
    divide,
    dropout,
    multiply,
    negative,
    select,
    sigmoid_grad,
    sqrt,
    subtract,
    tanh_grad,
)
from tinytorch_accel.attention import attention, attention_grad
from tinytorch_accel.functions import exp, log, sigmoid, silu, silu_grad, softplus, tanh
from tinytorch_accel.integers import (
    int8_add,
    int8_avg_pool2d,
    int8_conv2d,
    int8_dequantize,
    int8_linear,
    int8_quantize,
    int8_softmax,
)
from tinytorch_accel.normalization import (
    batch_norm,
    batch_norm_grad,
    batch_norm_inference,
    layer_norm,
    layer_norm_grad,
    rms_norm,
    rms_norm_grad,
)
from tinytorch_accel.probabilities import (
    cross_entropy,
    cross_entropy_grad,
    log_softmax,
    log_softmax_grad,
    softmax,
    softmax_grad,
)
from tinytorch_accel.products import linear, linear_weight_grad, matmul
from tinytorch_accel.sequences import concatenate, embedding, embedding_grad, rotary
from tinytorch_accel.spatial import (
    conv2d,
    conv2d_input_grad,
    conv2d_weight_grad,
    max_pool2d,
    max_pool2d_grad,
    sum_pool2d,
    sum_pool2d_grad,
)
from tinytorch_accel.steps import adam_step, sgd_step
from tinytorch_accel.sums import reduce_mean, reduce_sum

if TYPE_CHECKING:
    from tinytorch.plugins import Options

__all__ = [
    "absolute",
    "adam_step",
    "add",
    "attention",
    "attention_grad",
    "batch_norm",
    "batch_norm_grad",
    "batch_norm_inference",
    "clip",
    "concatenate",
    "conv2d",
    "conv2d_input_grad",
    "conv2d_weight_grad",
    "cross_entropy",
    "cross_entropy_grad",
    "divide",
    "dropout",
    "embedding",
    "embedding_grad",
    "exp",
    "gelu",
    "gelu_grad",
    "int8_add",
    "int8_avg_pool2d",
    "int8_conv2d",
    "int8_dequantize",
    "int8_linear",
    "int8_quantize",
    "int8_softmax",
    "layer_norm",
    "layer_norm_grad",
    "linear",
    "linear_weight_grad",
    "log",
    "log_softmax",
    "log_softmax_grad",
    "matmul",
    "max_pool2d",
    "max_pool2d_grad",
    "multiply",
    "negative",
    "reduce_mean",
    "reduce_sum",
    "relu",
    "relu_grad",
    "rms_norm",
    "rms_norm_grad",
    "rotary",
    "select",
    "sgd_step",
    "sigmoid",
    "sigmoid_grad",
    "silu",
    "silu_grad",
    "softmax",
    "softmax_grad",
    "softplus",
    "sqrt",
    "subtract",
    "sum_pool2d",
    "sum_pool2d_grad",
    "tanh",
    "tanh_grad",
]


@hookimpl
def describe() -> str:
    """Say in one sentence what the plugin is for."""
    return "compiled kernels for the core's ops: the same answers, faster"


@hookimpl
def register_options(options: Options) -> None:
    """Declare the options."""
    options.add("threads", int, default=backend.THREADS, help="threads that compute; 0 for one a processor")
    options.add("memory", int, default=backend.MEMORY, help="MiB of freed memory kept for the next arrays, at most")


@hookimpl
def configure(options: dict[str, Any]) -> None:
    """Take the options."""
    backend.configure(options)


@hookimpl
def unconfigure() -> None:
    """End the threads, give the memory back."""
    backend.give_back()
