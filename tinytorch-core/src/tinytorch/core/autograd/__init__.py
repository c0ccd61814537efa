"""Chapter 5, autograd: the derivative of everything before this page, and of everything after it.

Read engine first, then the rules, those of arithmetic before the others; modes says when nothing is recorded.
"""

from tinytorch.core.autograd import (
    arithmetic_rules,
    elementwise_rules,
    layer_rules,
    product_rules,
    reduction_rules,
    shape_rules,
)
from tinytorch.core.autograd.anomaly import detect_anomaly
from tinytorch.core.autograd.engine import backward, grad, vjp
from tinytorch.core.autograd.modes import enable_grad, is_grad_enabled, no_grad, set_grad_enabled

__all__ = [
    "arithmetic_rules",
    "backward",
    "detect_anomaly",
    "elementwise_rules",
    "enable_grad",
    "grad",
    "is_grad_enabled",
    "layer_rules",
    "no_grad",
    "product_rules",
    "reduction_rules",
    "set_grad_enabled",
    "shape_rules",
    "vjp",
]
