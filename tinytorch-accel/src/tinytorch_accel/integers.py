"""Int8 codes: the ops that tinytorch-quant declares, bit for bit; where it is not there, nobody asks for them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinytorch.plugins import answered_by, exact, hookimpl
from tinytorch.types import Array
from tinytorch_accel.compiled import kernels

if TYPE_CHECKING:
    Unit = tuple[int, int, int]
    from tinytorch.core.spatial.geometry import Pair, Sides


@hookimpl(optionalhook=True)
@exact
@answered_by(kernels.int8_conv2d)
def int8_conv2d(
    x: Array,
    weight: Array,
    bias: Array,
    mantissa: Array,
    shift: Array,
    stride: Pair,
    padding: Sides,
    dilation: Pair,
    groups: int,
    fill: int,
    zero_point: int,
    low: int,
    high: int,
) -> Array | None:
    """Weights that are channels-last in memory; all channels together, or each by itself."""


@hookimpl(optionalhook=True)
@exact
@answered_by(kernels.int8_linear)
def int8_linear(
    x: Array, weight: Array, bias: Array, mantissa: Array, shift: Array, zero_point: int, low: int, high: int
) -> Array | None:
    """Rows that lie in a row."""


@hookimpl(optionalhook=True)
@exact
@answered_by(kernels.int8_quantize)
def int8_quantize(x: Array, scale: float, zero_point: int) -> Array | None:
    """Of float32."""


@hookimpl(optionalhook=True)
@exact
@answered_by(kernels.int8_dequantize)
def int8_dequantize(x: Array, scale: float, zero_point: int) -> Array | None:
    """Any order of dimensions."""


@hookimpl(optionalhook=True)
@exact
@answered_by(kernels.int8_add)
def int8_add(
    a: Array, b: Array, a_unit: Unit, b_unit: Unit, mantissa: int, shift: int, zero_point: int, low: int, high: int
) -> Array | None:
    """Both in one order of dimensions."""


@hookimpl(optionalhook=True)
@exact
@answered_by(kernels.int8_avg_pool2d)
def int8_avg_pool2d(x: Array, kernel: Pair, stride: Pair, padding: Sides, low: int, high: int) -> Array | None:
    """Windows that are the whole image."""


@hookimpl(optionalhook=True)
@exact
@answered_by(kernels.int8_softmax)
def int8_softmax(x: Array, table: Array) -> Array | None:
    """Rows that lie in a row."""
