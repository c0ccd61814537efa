"""From how many numbers on a kernel is asked: below, the core is as fast.

Measured by `python benchmarks/accel_ops.py`, which prints the ratio for each size; a line here moves only with it.
"""

LEAST = {
    "attention": 1,
    "attention_grad": 1,
    "cross_entropy": 1,
    "cross_entropy_grad": 1,
    "log_softmax": 1,
    "log_softmax_grad": 1,
    "softmax": 1,
    "softmax_grad": 1,
    "batch_norm": 1,
    "batch_norm_grad": 1,
    "batch_norm_inference": 1,
    "conv2d": 1,
    "conv2d_input_grad": 1,
    "conv2d_weight_grad": 1,
    "gelu": 1,
    "gelu_grad": 1,
    "layer_norm": 1,
    "layer_norm_grad": 1,
    "max_pool2d": 1,
    "max_pool2d_grad": 1,
    "relu": 1,
    "relu_grad": 1,
    "sum_pool2d": 1,
    "sum_pool2d_grad": 1,
}
