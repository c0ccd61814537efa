"""Chapter 5, autograd: the derivative of everything before this page, and of everything after it.

Read engine first, then the rules; modes says when nothing is recorded.
"""

from tinytorch.core.autograd import layer_rules, tensor_rules
from tinytorch.core.autograd.anomaly import detect_anomaly
from tinytorch.core.autograd.engine import backward, grad, vjp
from tinytorch.core.autograd.modes import enable_grad, is_grad_enabled, no_grad, set_grad_enabled

__all__ = [
    "backward",
    "detect_anomaly",
    "enable_grad",
    "grad",
    "is_grad_enabled",
    "layer_rules",
    "no_grad",
    "set_grad_enabled",
    "tensor_rules",
    "vjp",
]
