"""The same with other habits: its numbers differ, and it knows more."""

import stub_peer
from stub_peer import arrays, begin

__all__ = ["arrays", "begin", "build", "variants"]


def variants(name):
    return stub_peer.variants(name) or ("",)


def build(name, variant, *, tiny=False):
    step = stub_peer.build(name, variant, tiny=tiny)
    if name == "slower there":
        return lambda: stub_peer.pausing(0.008)
    return (lambda: step() * 1.001) if name == "differs" else step
