"""The kinds of caches by name, and the options that say how they are made."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from tinytorch.plugins import PluginError
from tinytorch_cache.kvcache import KVCache
from tinytorch_cache.quantized import QuantizedCache
from tinytorch_cache.sliding import SlidingWindowCache
from tinytorch_cache.static import StaticCache

if TYPE_CHECKING:
    from tinytorch.core.transformers import LanguageModel
    from tinytorch.plugins import Options

KINDS: dict[str, Callable[..., KVCache]] = {
    "static": lambda model, batch, max_length, _: StaticCache(model, batch, max_length),
    "sliding": lambda model, batch, _, chosen: SlidingWindowCache(model, batch, chosen["window"], chosen["sinks"]),
    "quantized": lambda model, batch, max_length, chosen: QuantizedCache(
        model, batch, max_length, chosen["bits"], chosen["block"], chosen["residual"]
    ),
}
DEFAULTS: dict[str, tuple[Any, str]] = {
    "kind": ("static", "the cache that generate uses: static, sliding, quantized or none"),
    "window": (256, "sliding: last tokens that are seen"),
    "sinks": (4, "sliding: first tokens that are seen always"),
    "bits": (8, "quantized: of each number, 8 or 4"),
    "block": (32, "quantized: tokens that are rounded together"),
    "residual": (64, "quantized: last tokens that are kept in full precision"),
}
LEAST = {"window": 1, "sinks": 0, "block": 1, "residual": 0}
options = {name: default for name, (default, _) in DEFAULTS.items()}


def declare(declared: Options) -> None:
    """Declare the plugin's options."""
    for name, (default, help) in DEFAULTS.items():
        declared.add(name, type(default), default=default, help=help)


def configure(given: dict[str, Any]) -> None:
    """Take the options; raises PluginError for what no cache can be made with."""
    if given["kind"] not in (*KINDS, "none"):
        raise PluginError(f"[cache] kind: expected one of {', '.join(KINDS)} or none, got '{given['kind']}'")
    if given["bits"] not in (4, 8):
        raise PluginError(f"[cache] bits: expected 4 or 8, got {given['bits']}")
    for name, least in LEAST.items():
        if given[name] < least:
            raise PluginError(f"[cache] {name}: expected {least} or more, got {given[name]}")
    options.update(given)


def make(model: LanguageModel, batch: int, max_length: int, kind: str | None) -> KVCache | None:
    """Make a cache of the kind, or of that in the options; None for another kind, and for models that keep nothing."""
    maker = KINDS.get(options["kind"] if kind is None else kind)
    return None if maker is None or model.kv_shape is None else maker(model, batch, max_length, options)
