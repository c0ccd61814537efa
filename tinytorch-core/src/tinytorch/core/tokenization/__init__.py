"""Chapter 10, tokenization: text as whole numbers, and back.

Read in this order: tokenizer, characters, merging, learning, bytepair, scored, huggingface; with files at hand, which
writes and reads them.
"""

from tinytorch.core.tokenization.bytepair import BPETokenizer
from tinytorch.core.tokenization.characters import CharTokenizer
from tinytorch.core.tokenization.files import TokenizerError
from tinytorch.core.tokenization.huggingface import HuggingFaceTokenizer
from tinytorch.core.tokenization.scored import ScoredTokenizer
from tinytorch.core.tokenization.tokenizer import Tokenizer

__all__ = [
    "BPETokenizer",
    "CharTokenizer",
    "HuggingFaceTokenizer",
    "ScoredTokenizer",
    "Tokenizer",
    "TokenizerError",
]
