"""PyTorch, eager, in its best form: fused optimizers, its own attention, images in both orders of memory."""

from __future__ import annotations

from functools import partial
from typing import Any

import torch

from tinytorch_bench.peers import alike, kit, single_ops, twins
from tinytorch_bench.peers.decoding import decode
from tinytorch_bench.peers.peer import Step
from tinytorch_bench.peers.stock import at_hand
from tinytorch_bench.peers.workloads import WORKLOADS

ORDERS: dict[str, dict[str, Any]] = {
    "channels first": {},
    "channels last": {"memory_format": torch.channels_last},
}
arrays = kit.arrays


def begin(threads: int) -> dict[str, Any]:
    """Set the threads."""
    torch.set_num_threads(threads)
    return {"version": f"PyTorch {torch.__version__}", "plugins": []}


def variants(name: str) -> tuple[str, ...]:
    """Both orders of memory for images; none for what it cannot build."""
    if name not in WORKLOADS or WORKLOADS[name].group == "int8" or not at_hand(WORKLOADS[name]):
        return ()
    return tuple(ORDERS) if WORKLOADS[name].images else ("",)


def build(name: str, variant: str, *, tiny: bool = False) -> Step:
    """Build the workload."""
    arranged = partial(_arranged, **ORDERS.get(variant, {}))
    brought = kit.Kit(torch, twins, torch.inference_mode, arranged, {"fused": True}, decode)
    makers = single_ops if WORKLOADS[name].group == "ops" else alike
    step: Step = WORKLOADS[name].built_by(makers, brought, tiny=tiny)
    return step


def _arranged(given: Any, **options: Any) -> Any:
    return given.to(**options) if options else given
