"""Networks drawn by chance, pruned: the same numbers as with zeros, what the formulas say, and still a model."""

import copy

import pytest
from drawn_networks import Drawn
from structured_checks import far, macs_by_formula, parameters_by_formula, structure, zeroed

import tinytorch as tt
from tinytorch_compress import cost
from tinytorch_compress.structured import dependencies, prune_structured, restructure

SEEDS = range(5000, 5050)  # none of them was looked at while the rules were written: those were 0 to 149


@pytest.mark.parametrize("seed", SEEDS)
def test_a_drawn_network_is_pruned(seed):
    tt.manual_seed(seed)
    model, x = Drawn(seed), tt.randn(2, 3, 8, 8)
    dense = copy.deepcopy(model)
    prune_structured(model, x, 0.5, ("magnitude", "random")[seed % 2], global_=seed % 3 == 0)

    kept = structure(model)["kept"]
    assert far(model, zeroed(dense, structure(model)), x) < 1e-6
    before, after = cost(dense, x), cost(model, x)
    assert after.parameters == parameters_by_formula(dense, kept) < before.parameters
    assert after.macs == macs_by_formula(model, x) < before.macs

    fresh = restructure(Drawn(seed), structure(model))
    fresh.load_state_dict(model.state_dict())
    assert far(fresh, model, x) == 0.0


@pytest.mark.parametrize("seed", SEEDS[::10])
def test_a_pruned_network_learns(seed):
    tt.manual_seed(seed)
    model, x, target = Drawn(seed), tt.randn(8, 3, 8, 8), tt.randint(0, 5, (8,))
    prune_structured(model, x[:1], 0.4)
    optimizer = tt.optim.Adam(model.train().parameters(), lr=1e-2)
    losses = []
    for _ in range(8):
        optimizer.zero_grad()
        loss = tt.nn.functional.cross_entropy(model(x), target)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0]


def test_the_drawn_networks_have_what_makes_pruning_hard():
    ops, groups, some = set(), 0, SEEDS[::4]
    for seed in some:
        found = dependencies(Drawn(seed), tt.zeros(1, 3, 8, 8))
        ops |= {call.op for call in found.graph.calls}
        groups += len(found.groups)
    assert ops >= {"add", "multiply", "concatenate", "view_slice", "max_pool2d", "sum_pool2d", "batch_norm_inference"}
    assert groups > 4 * len(some)
