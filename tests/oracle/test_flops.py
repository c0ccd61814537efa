"""A FLOPCounter counts what PyTorch's FlopCounterMode counts, forward and backward."""

import flops
import numpy as np
import pytest
from agreement import HAS_TORCH, ORACLE, RECORDED_SEEDS

import tinytorch as tt

FLOPCounter = pytest.importorskip("tinytorch_profiling").FLOPCounter
SEEDS = range(25) if HAS_TORCH else RECORDED_SEEDS


def ours(name, seed):
    run = flops.MODELS[name](tt, np.random.default_rng([seed, len(name)]))
    with FLOPCounter() as counter:
        out = run()
        if out.requires_grad:
            out.sum().backward()
    phases = counter.by_phase()
    return [phases[phase].flops if phase in phases else 0 for phase in ("forward", "backward")]


@pytest.mark.parametrize("name", flops.MODELS, ids=lambda name: f"{ORACLE}-{name}")
def test_a_drawn_model_has_pytorchs_flops(name):
    recorded = flops.recorded()[name]
    for seed in SEEDS:
        assert ours(name, seed) == (flops.pytorchs(name, seed) if HAS_TORCH else recorded[seed]), f"seed {seed}"


@pytest.mark.skipif(not HAS_TORCH, reason="only PyTorch can say whether the recording is right")
@pytest.mark.parametrize("name", flops.MODELS)
def test_recorded_flops_are_right(name):
    assert flops.recorded()[name] == [flops.pytorchs(name, seed) for seed in RECORDED_SEEDS]


@pytest.mark.skipif(not HAS_TORCH, reason="needs PyTorch")
def test_pytorch_counts_the_weights_gradient_of_groups_as_if_it_were_dense():
    from torch import nn, ones
    from torch.utils.flop_counter import FlopCounterMode

    with FlopCounterMode(display=False) as theirs:
        nn.Conv2d(6, 6, 3, groups=3)(ones(1, 6, 5, 5)).sum().backward()
    with FLOPCounter() as mine:
        tt.nn.Conv2d(6, 6, 3, groups=3)(tt.ones(1, 6, 5, 5)).sum().backward()
    counts = mine.by_phase()
    assert theirs.get_total_flops() == counts["forward"].flops + 3 * counts["backward"].flops
