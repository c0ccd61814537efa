"""Layers of every kind, pruned by half: what they say of themselves afterwards, and the numbers of the masked model."""

import copy

import pytest
from structured_checks import far, structure, zeroed

import tinytorch as tt
from tinytorch import nn
from tinytorch_compress.structured import dependencies, prune_structured


class QKNorm(nn.Module):
    """Attention whose queries and keys are normalized head by head, with a weight that all heads share."""

    def __init__(self):
        super().__init__()
        self.heads = 4
        self.q, self.k, self.v, self.out = nn.Linear(5, 16), nn.Linear(5, 16), nn.Linear(5, 16), nn.Linear(16, 2)
        self.norm = nn.RMSNorm(4)

    def forward(self, x):
        q, k, v = [each(x).unflatten(2, (self.heads, -1)).transpose(1, 2) for each in (self.q, self.k, self.v)]
        found = nn.functional.scaled_dot_product_attention(self.norm(q), self.norm(k), v)
        return self.out(found.transpose(1, 2).flatten(2))


CASES = {
    "groups are normalized whole": (
        lambda: nn.Sequential(nn.Conv2d(3, 8, 3), nn.GroupNorm(4, 8), nn.ReLU(), nn.Conv2d(8, 4, 3)),
        (2, 3, 8, 8),
        "GroupNorm(2, 4, eps=1e-05, affine=True)",
    ),
    "sequences have channels": (
        lambda: nn.Sequential(nn.Conv1d(3, 8, 3), nn.BatchNorm1d(8), nn.ReLU(), nn.Conv1d(8, 4, 3)),
        (2, 3, 8),
        "Conv1d(3, 4, kernel_size=(3,), stride=1)",
    ),
    "a batch norm learns nothing": (
        lambda: nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8, affine=False), nn.ReLU(), nn.Conv2d(8, 4, 3)),
        (2, 3, 8, 8),
        "BatchNorm2d(4, eps=1e-05, momentum=0.1, affine=False)",
    ),
    "convolutions are depthwise, twice as many come out": (
        lambda: nn.Sequential(nn.Conv2d(3, 6, 1), nn.Conv2d(6, 12, 3, groups=6), nn.ReLU(), nn.Conv2d(12, 4, 1)),
        (2, 3, 8, 8),
        "Conv2d(3, 6, kernel_size=(3, 3), stride=(1, 1), groups=3)",
    ),
    "convolutions are grouped": (
        lambda: nn.Sequential(nn.Conv2d(3, 8, 1), nn.Conv2d(8, 12, 3, groups=4), nn.ReLU(), nn.Conv2d(12, 4, 1)),
        (2, 3, 8, 8),
        "Conv2d(4, 6, kernel_size=(3, 3), stride=(1, 1), groups=2)",
    ),
    "an embedding is looked up": (
        lambda: nn.Sequential(nn.Embedding(7, 8), nn.Flatten(), nn.Linear(24, 2)),
        None,
        "Embedding(7, 4)",
    ),
    "heads are normalized": (QKNorm, (2, 3, 5), "(norm): RMSNorm((4,)"),
}


@pytest.mark.parametrize("name", CASES)
def test_a_layer_is_pruned_where(name):
    make, shape, said = CASES[name]
    tt.manual_seed(2)
    x = tt.tensor([[1, 2, 3], [4, 5, 6]]) if shape is None else tt.randn(*shape)
    model = make()
    dense = copy.deepcopy(model)
    prune_structured(model, x)
    assert said in repr(model)
    assert structure(model)["kept"]
    assert far(model, zeroed(dense, structure(model)), x) < 1e-6


def test_heads_that_a_norm_goes_through_are_removed_whole():
    tt.manual_seed(2)
    model, x = QKNorm(), tt.randn(2, 3, 5)
    (group,) = dependencies(model, x).groups
    assert len(group.units) == 4
    assert prune_structured(model, x, 0.25).heads == 3


@pytest.mark.parametrize("norm", [nn.LayerNorm(8), nn.RMSNorm(8), nn.Softmax(1)])
def test_a_width_that_is_normalized_stays(norm):
    model = nn.Sequential(nn.Linear(3, 8), norm, nn.Linear(8, 6), nn.ReLU(), nn.Linear(6, 2))
    prune_structured(model, tt.randn(2, 3))
    assert [model[place].out_features for place in (0, 2, 4)] == [8, 3, 2]
