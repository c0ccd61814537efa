"""What Hugging Face's folders hold, by `model_type`: the settings, and every weight with its shape.

A setting that asks for something these models do not do is refused, not passed over.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

from tinytorch.models.bert import BertEncoder
from tinytorch.models.gpt import GPT
from tinytorch.models.llama import Llama
from tinytorch.serialization import CheckpointError

if TYPE_CHECKING:
    from pathlib import Path

    from tinytorch.types import Shape

Pretrained = GPT | Llama | BertEncoder
Shapes = dict[str, "Shape"]
LARGEST = 1 << 24  # of a size that is believed
DEEPEST = 1 << 12  # layers: each has names of its own to be looked for


class Config(NamedTuple):
    """The settings in a config.json, checked as they are asked for."""

    path: Path
    values: dict[str, Any]

    def size(self, key: str, default: int | None = None, most: int = LARGEST) -> int:
        """A whole number from 1 to `most`."""
        value = self._value(key, default)
        if type(value) is not int or not 1 <= value <= most:
            raise self._wrong(key, f"a whole number from 1 to {most}", value)
        return value

    def number(self, key: str, default: float) -> float:
        """A finite number above 0."""
        value = self._value(key, default)
        if type(value) not in (int, float) or not 0 < value < 1e30:
            raise self._wrong(key, "a number above 0", value)
        return float(value)

    def flag(self, key: str, default: bool) -> bool:
        """True or false."""
        value = self._value(key, default)
        if type(value) is not bool:
            raise self._wrong(key, "true or false", value)
        return value

    def only(self, key: str, *allowed: Any) -> None:
        """Raise CheckpointError for all but these values; a setting that is absent is the first of them."""
        value = self.values.get(key, allowed[0])
        if value not in allowed:
            raise self._wrong(key, " or ".join(map(repr, allowed)), value)

    def part(self, key: str) -> Config:
        """The settings inside a setting; none where it is absent or null."""
        value = self.values.get(key) or {}
        if not isinstance(value, dict):
            raise self._wrong(key, "an object", value)
        return Config(self.path, value)

    def _value(self, key: str, default: Any) -> Any:
        value = self.values.get(key)
        return default if value is None else value

    def _wrong(self, key: str, expected: str, value: Any) -> CheckpointError:
        return CheckpointError(f"load_pretrained: {self.path} expected '{key}' as {expected}, got {value!r:.60}")


class Layout(NamedTuple):
    """One model's weights, by the names that it gives them."""

    make: Callable[[], Pretrained]
    shapes: Shapes
    prefix: str  # of most names, which some files leave out or add
    ignored: re.Pattern[str]  # what is no weight of the model
    turned: re.Pattern[str] | None = None  # stored as (in, out)
    tied: tuple[str, str] | None = None  # the first may be absent: it is the second

    def name_of(self, stored: str) -> str:
        """The model's name for a tensor in a file."""
        stored = re.sub(r"LayerNorm\.gamma$", "LayerNorm.weight", stored)  # BERT's oldest files
        stored = re.sub(r"LayerNorm\.beta$", "LayerNorm.bias", stored)
        names = (stored, self.prefix + stored, stored.removeprefix(self.prefix))
        return next((name for name in names if name in self.shapes), stored)


def gpt2(config: Config, stored: set[str]) -> Layout:
    """GPT-2: its matrices are stored as (in, out), its causal masks as weights."""
    config.only("activation_function", "gelu_new")
    config.only("layer_norm_epsilon", 1e-5)
    config.only("scale_attn_weights", True)
    config.only("tie_word_embeddings", True)
    for key in ("scale_attn_by_inverse_layer_idx", "add_cross_attention"):
        config.only(key, False)
    vocab_size, length, width = (config.size(key) for key in ("vocab_size", "n_positions", "n_embd"))
    layers, heads = config.size("n_layer", most=DEEPEST), config.size("n_head")
    config.only("n_inner", None, 4 * width)
    block = {
        **_affine("ln_1", width),
        **_affine("attn.c_attn", 3 * width, width),
        **_affine("attn.c_proj", width, width),
        **_affine("ln_2", width),
        **_affine("mlp.c_fc", 4 * width, width),
        **_affine("mlp.c_proj", width, 4 * width),
    }
    shapes = {
        "transformer.wte.weight": (vocab_size, width),
        "transformer.wpe.weight": (length, width),
        **_repeated("transformer.h", layers, block),
        **_affine("transformer.ln_f", width),
    }
    if "lm_head.weight" in stored:
        shapes["lm_head.weight"] = (vocab_size, width)
    return Layout(
        lambda: GPT(vocab_size, length, layers, heads, width),
        shapes,
        "transformer.",
        re.compile(r"\.attn\.(masked_)?bias$"),
        re.compile(r"\.c_(attn|proj|fc)\.weight$"),
        ("lm_head.weight", "transformer.wte.weight"),
    )


def llama(config: Config, stored: set[str]) -> Layout:
    """Llama, its rotary pairs half a head apart."""
    config.only("hidden_act", "silu")
    for key in ("attention_bias", "mlp_bias"):
        config.only(key, False)
    sizes = {"vocab_size": "vocab_size", "max_length": "max_position_embeddings"}
    sizes |= {"heads": "num_attention_heads", "width": "hidden_size", "hidden": "intermediate_size"}
    options: dict[str, Any] = {name: config.size(key) for name, key in sizes.items()}
    vocab_size, width, hidden, heads = (options[name] for name in ("vocab_size", "width", "hidden", "heads"))
    layers, kv_heads = config.size("num_hidden_layers", most=DEEPEST), config.size("num_key_value_heads", heads)
    config.only("head_dim", None, width // heads)
    tied = config.flag("tie_word_embeddings", default=False)
    options |= {"layers": layers, "kv_heads": kv_heads, "tied": tied}
    options |= {"rope_base": _rope_base(config), "norm_eps": config.number("rms_norm_eps", 1e-6)}
    key_width = width // heads * kv_heads
    block = {
        "input_layernorm.weight": (width,),
        "self_attn.q_proj.weight": (width, width),
        "self_attn.k_proj.weight": (key_width, width),
        "self_attn.v_proj.weight": (key_width, width),
        "self_attn.o_proj.weight": (width, width),
        "post_attention_layernorm.weight": (width,),
        "mlp.gate_proj.weight": (hidden, width),
        "mlp.up_proj.weight": (hidden, width),
        "mlp.down_proj.weight": (width, hidden),
    }
    shapes = {
        "model.embed_tokens.weight": (vocab_size, width),
        **_repeated("model.layers", layers, block),
        "model.norm.weight": (width,),
    }
    if not tied or "lm_head.weight" in stored:
        shapes["lm_head.weight"] = (vocab_size, width)
    ties = ("lm_head.weight", "model.embed_tokens.weight") if tied else None
    return Layout(lambda: Llama(**options), shapes, "model.", re.compile(r"rotary_emb\.inv_freq$"), tied=ties)


def bert(config: Config, stored: set[str]) -> Layout:
    """BERT's encoder, with its pooler where the file has one; the heads of its training are not read."""
    config.only("hidden_act", "gelu")
    config.only("position_embedding_type", "absolute")
    config.only("is_decoder", False)
    keys = ("vocab_size", "max_position_embeddings", "hidden_size", "intermediate_size")
    vocab_size, length, width, hidden = (config.size(key) for key in keys)
    layers, heads = config.size("num_hidden_layers", most=DEEPEST), config.size("num_attention_heads")
    types, eps = config.size("type_vocab_size", 2), config.number("layer_norm_eps", 1e-12)
    pooler = any(name.endswith("pooler.dense.weight") for name in stored)
    block = {
        **_affine("attention.self.query", width, width),
        **_affine("attention.self.key", width, width),
        **_affine("attention.self.value", width, width),
        **_affine("attention.output.dense", width, width),
        **_affine("attention.output.LayerNorm", width),
        **_affine("intermediate.dense", hidden, width),
        **_affine("output.dense", width, hidden),
        **_affine("output.LayerNorm", width),
    }
    shapes = {
        "embeddings.word_embeddings.weight": (vocab_size, width),
        "embeddings.position_embeddings.weight": (length, width),
        "embeddings.token_type_embeddings.weight": (types, width),
        **_affine("embeddings.LayerNorm", width),
        **_repeated("encoder.layer", layers, block),
        **(_affine("pooler.dense", width, width) if pooler else {}),
    }
    return Layout(
        lambda: BertEncoder(vocab_size, length, layers, heads, width, hidden, types, eps, pooler=pooler),
        shapes,
        "bert.",
        re.compile(r"(^|\.)embeddings\.position_ids$|^cls\."),
    )


LAYOUTS: dict[str, Callable[[Config, set[str]], Layout]] = {"gpt2": gpt2, "llama": llama, "bert": bert}


def _affine(name: str, *shape: int) -> Shapes:
    """A weight of this shape and its bias."""
    return {f"{name}.weight": shape, f"{name}.bias": shape[:1]}


def _repeated(name: str, layers: int, block: Shapes) -> Shapes:
    return {f"{name}.{layer}.{key}": shape for layer in range(layers) for key, shape in block.items()}


def _rope_base(config: Config) -> float:
    """The base of the rotary angles, which transformers 5 keeps in an object with what may be done to them."""
    for key in ("rope_scaling", "rope_parameters"):
        for kind in ("type", "rope_type"):
            config.part(key).only(kind, "default")
    return config.part("rope_parameters").number("rope_theta", config.number("rope_theta", 10000.0))
