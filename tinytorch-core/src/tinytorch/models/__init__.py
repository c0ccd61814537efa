"""Models: small networks, ready to be trained; the recipes use them.

They are functions that return a `Sequential`: printing one shows all of it.
"""

from tinytorch.models.images import digits_cnn, fashion_cnn
from tinytorch.models.mlp import mlp

__all__ = ["digits_cnn", "fashion_cnn", "mlp"]
