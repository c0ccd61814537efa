"""Peers: what a module has to offer so that its framework can be compared, and which there are.

A peer is a module that builds the workloads of `workloads` from the weights and data of `numbers`. It is imported in
its worker only, never here.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from tinytorch.types import Array

Step = Callable[[], Any]  # takes one step of a workload and returns a number, a tensor or some tensors


class PeerError(RuntimeError):
    """A peer cannot be compared; the sentence says why."""


class Peer(Protocol):
    """What a peer's module offers."""

    def begin(self, threads: int) -> dict[str, Any]:
        """Compute with so many threads from now on, and tell `version` and `plugins`."""

    def variants(self, name: str) -> Sequence[str]:
        """Give the forms in which the workload can be built; none where it cannot."""

    def build(self, name: str, variant: str, *, tiny: bool = False) -> Step:
        """Build the workload; tiny, it runs the same code on next to nothing."""

    def arrays(self, result: Any) -> list[Array]:
        """Give the numbers of what a step returned."""


@dataclass(frozen=True)
class Known:
    """A peer by name, before it is imported."""

    name: str
    title: str
    module: str
    imports: tuple[str, ...]  # what has to be installed
    install: str = ""
    compiler: str = ""  # a program that it calls, or the one that CC names

    def expect(self) -> None:
        """Raise PeerError where the framework, or the compiler that it calls, is not installed."""
        if any(importlib.util.find_spec(name) is None for name in self.imports):
            raise PeerError(f"the peer '{self.name}' needs {self.title}: {self.install}")
        if self.compiler and shutil.which(os.environ.get("CC", self.compiler)) is None:
            raise PeerError(f"the peer '{self.name}' needs {self.compiler}: install it, or name it in CC")


OURS = Known("tinytorch", "tinytorch", "tinytorch_bench.peers.ours", ("tinytorch",))
_INSTALL = "pip install 'tinytorch-bench[{}]'"
PEERS = {
    known.name: known
    for known in (
        Known("torch", "PyTorch", "tinytorch_bench.peers.pytorch", ("torch",), _INSTALL.format("peers")),
        Known("jax", "JAX", "tinytorch_bench.peers.in_jax", ("jax",), _INSTALL.format("jax")),
        Known("onnx", "ONNX Runtime", "tinytorch_bench.peers.onnxrt", ("onnxruntime", "onnx"), _INSTALL.format("onnx")),
        Known("litert", "LiteRT", "tinytorch_bench.peers.litert", ("ai_edge_litert",), _INSTALL.format("litert")),
        Known(
            *("tinygrad", "tinygrad", "tinytorch_bench.peers.in_tinygrad", ("tinygrad",)),
            _INSTALL.format("tinygrad"),
            compiler="clang",
        ),
    )
}


def find(name: str) -> Known:
    """Return the peer of that name, installed; raise PeerError that says what is missing."""
    if name not in PEERS:
        raise PeerError(f"there is no peer '{name}'; there are {', '.join(PEERS)}")
    PEERS[name].expect()
    return PEERS[name]
