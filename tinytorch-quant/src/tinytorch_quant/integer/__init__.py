"""Integer arithmetic: int8 codes, int32 sums, fixed-point multiplication; bit for bit TFLite's reference kernels.

Read fixed_point first, then products, pooling, elementwise, softmax: the ops, which other plugins may answer.
`constants` makes what they take of float layers, `model` runs a list of them (`steps`), `modules` has layers for use
one by one.
"""

from tinytorch_quant.integer.constants import layer_constants, weight_scales
from tinytorch_quant.integer.elementwise import (
    add_constants,
    int8_add,
    int8_dequantize,
    int8_lookup,
    int8_quantize,
)
from tinytorch_quant.integer.fixed_point import multiply_double_rounding, multiply_single_rounding, quantize_multiplier
from tinytorch_quant.integer.model import IntegerModel
from tinytorch_quant.integer.modules import QuantizedConv2d, QuantizedLinear, conv2d_window
from tinytorch_quant.integer.pooling import int8_avg_pool2d, int8_max_pool2d
from tinytorch_quant.integer.products import (
    conv2d_multiplier,
    fold_zero_point,
    int8_conv2d,
    int8_linear,
    linear_multiplier,
)
from tinytorch_quant.integer.softmax import int8_softmax, softmax_table
from tinytorch_quant.integer.steps import Port, Step, Stored, Value

__all__ = [
    "IntegerModel",
    "Port",
    "QuantizedConv2d",
    "QuantizedLinear",
    "Step",
    "Stored",
    "Value",
    "add_constants",
    "conv2d_multiplier",
    "conv2d_window",
    "fold_zero_point",
    "int8_add",
    "int8_avg_pool2d",
    "int8_conv2d",
    "int8_dequantize",
    "int8_linear",
    "int8_lookup",
    "int8_max_pool2d",
    "int8_quantize",
    "int8_softmax",
    "layer_constants",
    "linear_multiplier",
    "multiply_double_rounding",
    "multiply_single_rounding",
    "quantize_multiplier",
    "softmax_table",
    "weight_scales",
]
