"""From how many numbers on a kernel is asked: below, the core is as fast.

Measured by `python benchmarks/accel_ops.py`, which prints the ratio for each size; a line here moves only with it.
An op without a line gains from 8 numbers on, and its kernel is called directly.
"""

LEAST = {
    "conv2d": 1,
    "conv2d_input_grad": 1,
    "conv2d_weight_grad": 1,
    "max_pool2d": 1,
    "max_pool2d_grad": 1,
}

# Up to how many numbers in the weight a convolution's kernel is asked: beyond, the core's matrix product is as fast.
# `pointwise` is a window of one pixel without a stride, which is such a product as it is.
MOST = {
    "conv2d": 1 << 22,
    "conv2d_input_grad": 1 << 19,
    "conv2d_weight_grad": 1 << 16,
    "pointwise": 1 << 10,
}
