"""What is done to all gradients of a model."""

from tinytorch.core.optimizers import clip_grad_norm_, clip_grad_value_

__all__ = ["clip_grad_norm_", "clip_grad_value_"]
