"""Models: small networks ready to be trained, which the recipes use, and language models.

The small ones are functions that return a `Sequential`: printing one shows all of it.
"""

from tinytorch.models.bert import BertEncoder, sentence_embeddings
from tinytorch.models.foreign import import_model
from tinytorch.models.gpt import GPT
from tinytorch.models.images import digits_cnn, fashion_cnn
from tinytorch.models.llama import Llama
from tinytorch.models.llama2c import load_llama2c
from tinytorch.models.mlp import mlp
from tinytorch.models.pretrained import load_pretrained
from tinytorch.models.tiny import autoencoder, ds_cnn, mobilenet_v1, resnet8

__all__ = [
    "GPT",
    "BertEncoder",
    "Llama",
    "autoencoder",
    "digits_cnn",
    "ds_cnn",
    "fashion_cnn",
    "import_model",
    "load_llama2c",
    "load_pretrained",
    "mlp",
    "mobilenet_v1",
    "resnet8",
    "sentence_embeddings",
]
