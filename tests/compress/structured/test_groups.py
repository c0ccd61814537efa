"""Groups: what goes together in small models whose answer can be seen."""

import json

import numpy as np
import pytest

import tinytorch as tt
from tinytorch import nn
from tinytorch_compress.structured import dependencies, prune_structured


class Made(nn.Module):
    """Layers by name, and a function that calls them."""

    def __init__(self, call, **layers):
        super().__init__()
        self.call = call
        for name, layer in layers.items():
            self.add_module(name, layer)

    def forward(self, x):
        return self.call(self, x)


def groups_of(call, *shape, **layers):
    found = dependencies(Made(call, **layers), tt.zeros(2, *shape))
    return {group.name: group for group in found.groups}, found


def test_a_skip_ties_what_it_adds():
    def call(m, x):
        a = m.a(x)
        return m.out((a + m.b(a.relu())).relu())

    groups, _ = groups_of(call, 5, a=nn.Linear(5, 6), b=nn.Linear(6, 6), out=nn.Linear(6, 2))
    (group,) = groups.values()
    assert set(group.axes) == {
        *(("a.weight", 0), ("a.bias", 0), ("b.weight", 0), ("b.weight", 1), ("b.bias", 0), ("out.weight", 1))
    }
    assert [unit["out.weight", 1].tolist() for unit in group.units] == [[i] for i in range(6)]


def test_a_skip_from_the_input_freezes():
    groups, found = groups_of(lambda m, x: m.out(x + m.a(x)), 5, a=nn.Linear(5, 5), out=nn.Linear(5, 2))
    assert not groups
    assert found.frozen["a.weight", 0] == "the op add in ''"
    assert found.frozen["out.weight", 0] == "the model's output"


def test_concatenated_channels_keep_their_own_places():
    def call(m, x):
        return m.out(tt.cat([m.a(x), x, m.b(x)], 1))

    groups, _ = groups_of(call, 3, 4, 4, a=nn.Conv2d(3, 4, 1), b=nn.Conv2d(3, 2, 1), out=nn.Conv2d(9, 2, 1, bias=False))
    assert [unit["out.weight", 1].tolist() for unit in groups["a"].units] == [[0], [1], [2], [3]]
    assert [unit["out.weight", 1].tolist() for unit in groups["b"].units] == [[7], [8]]


def test_a_flattened_channel_is_a_block_of_features():
    groups, _ = groups_of(lambda m, x: m.out(m.a(x).flatten(1)), 3, 2, 2, a=nn.Conv2d(3, 5, 1), out=nn.Linear(20, 2))
    assert groups["a"].units[1]["out.weight", 1].tolist() == [4, 5, 6, 7]


def test_channels_last_flatten_to_every_so_many_features():
    def call(m, x):
        return m.out(m.a(x).permute(0, 2, 3, 1).flatten(1))

    groups, _ = groups_of(call, 3, 2, 2, a=nn.Conv2d(3, 5, 1), out=nn.Linear(20, 2))
    assert groups["a"].units[1]["out.weight", 1].tolist() == [1, 6, 11, 16]


@pytest.mark.parametrize(("groups", "first"), [(1, None), (2, [0, 1]), (4, [0])])
def test_grouped_convolution_loses_whole_groups(groups, first):
    found, _ = groups_of(
        lambda m, x: m.out(m.b(m.a(x))),
        *(3, 2, 2),
        a=nn.Conv2d(3, 4, 1),
        b=nn.Conv2d(4, 8, 1, groups=groups),
        out=nn.Conv2d(8, 2, 1),
    )
    if first is None:
        assert ("b.weight", 0) not in found["a"].axes
    else:
        assert found["a"].units[0]["a.weight", 0].tolist() == first
        assert found["a"].units[0]["b.weight", 0].tolist() == list(range(8 // groups))


def test_halves_of_a_gate_lose_the_same_places():
    def call(m, x):
        a, b = m.a(x).chunk(2, 1)
        return m.out(a * b.sigmoid())

    groups, _ = groups_of(call, 5, a=nn.Linear(5, 8), out=nn.Linear(4, 2))
    assert [unit["a.weight", 0].tolist() for unit in groups["a"].units] == [[0, 4], [1, 5], [2, 6], [3, 7]]


def test_halves_lose_the_same_places_even_where_nothing_else_ties_them():
    def call(m, x):
        a, b = m.a(x).chunk(2, 1)
        return m.out(tt.cat([b, a.relu()], 1))

    groups, _ = groups_of(call, 5, a=nn.Linear(5, 8), out=nn.Linear(8, 2))
    assert [unit["a.weight", 0].tolist() for unit in groups["a"].units] == [[0, 4], [1, 5], [2, 6], [3, 7]]
    assert groups["a"].units[0]["out.weight", 1].tolist() == [0, 4]


def test_rows_that_a_reshape_made_are_joined_to_channels():
    def call(m, x):
        rows, channels = m.a(x).reshape(2, -1, 4), m.b(x.reshape(2, 1, 5))[:, :, :4]
        return m.out(tt.cat([rows, channels], 1))

    layers = {"a": nn.Linear(5, 12), "b": nn.Conv1d(1, 6, 1), "out": nn.Conv1d(9, 2, 1)}
    groups, _ = groups_of(call, 5, **layers)
    assert [unit["a.weight", 0].tolist() for unit in groups["a"].units] == [[i, i + 1, i + 2, i + 3] for i in (0, 4, 8)]
    assert [unit["out.weight", 1].tolist() for unit in groups["b"].units] == [[i] for i in range(3, 9)]
    prune_structured(Made(call, **layers), tt.randn(2, 5))
    assert layers["out"].weight.shape == (2, 4, 1)  # two of 3 go, since 1.5 is rounded to the even, and three of 6


def test_a_mean_over_time_keeps_the_channels_apart():
    groups, _ = groups_of(lambda m, x: m.out(m.a(x).mean(1)), 3, 5, a=nn.Linear(5, 6), out=nn.Linear(6, 2))
    assert [unit["out.weight", 1].tolist() for unit in groups["a"].units] == [[i] for i in range(6)]


def test_positions_that_a_model_keeps_stay():
    class Placed(nn.Module):
        def __init__(self):
            super().__init__()
            self.table, self.out = nn.Embedding(4, 6), nn.Linear(6, 2)
            self.register_buffer("places", tt.arange(4))

        def forward(self, x):
            return self.out(x + self.table(self.places))

    model = Placed()
    model_of = nn.Sequential(nn.Linear(3, 6), model)
    (group,) = dependencies(model_of, tt.randn(2, 4, 3)).groups
    assert group.axes[0] == ("0.weight", 0)
    assert "1.places" not in {name for name, _ in group.axes}


@pytest.mark.parametrize(
    "call",
    [
        lambda m, x: m.out(m.a(x).softmax(1)),
        lambda m, x: m.out(m.a(x).cumsum(1)),
        lambda m, x: m.out(nn.functional.layer_norm(m.a(x), (6,))),
        lambda m, x: m.out(m.a(x) * m.a(x).mean(1, keepdim=True)),
        lambda m, x: m.out(m.a(x)[:, [0, 1, 2, 3, 4, 5]]),  # an op of which no rule knows
        lambda m, x: m.out(tt.cat([m.a(x)[:, :4], m.a(x)[:, 4:]], 1)),  # parts that are not equal
        lambda m, x: m.out(m.a(x) + tt.ones(6)),
        lambda m, x: m.out(m.a(x).reshape(-1, 2, 3).permute(0, 2, 1).flatten(1)),
    ],
)
def test_what_mixes_or_fixes_channels_keeps_them(call):
    groups, found = groups_of(call, 5, a=nn.Linear(5, 6), out=nn.Linear(6, 2))
    assert not groups
    assert found.frozen["a.weight", 0]


def test_axes_of_a_weight_that_are_merged_stay():
    def call(m, x):
        return m.out(m.a(x) * m.b.weight.flatten())

    groups, found = groups_of(call, 5, a=nn.Linear(5, 6), b=nn.Linear(2, 3), out=nn.Linear(6, 2))
    assert not groups
    assert {found.frozen["b.weight", axis] for axis in (0, 1)} == {"a reshape that merges it with others"}


def test_a_shared_layer_is_one():
    groups, _ = groups_of(
        lambda m, x: m.out(m.b(m.b(m.a(x)))), 5, a=nn.Linear(5, 6), b=nn.Linear(6, 6), out=nn.Linear(6, 2)
    )
    assert set(groups["a"].axes) >= {("b.weight", 0), ("b.weight", 1), ("a.weight", 0), ("out.weight", 1)}


def test_heads_of_attention_that_somebody_wrote_out_are_removed_whole():
    def call(m, x):
        q, k, v = [each(x).reshape(2, 3, 4, 2).transpose(1, 2) for each in (m.q, m.k, m.v)]
        found = (q @ k.transpose(2, 3) * 0.7).softmax(-1) @ v
        return m.out(found.transpose(1, 2).flatten(2))

    layers = {name: nn.Linear(5, 8) for name in "qkv"}
    groups, _ = groups_of(call, 3, 5, **layers, out=nn.Linear(8, 2))
    assert groups["q"].units[1]["v.weight", 0].tolist() == [2, 3]
    assert groups["q"].units[1]["out.weight", 1].tolist() == [2, 3]
    assert len(groups["q"].units) == 4


def test_tied_tables_are_one_parameter():
    table = nn.Embedding(7, 6)
    model = Made(lambda m, x: m.a(m.table(x)).relu() @ m.table.weight.T, table=table, a=nn.Linear(6, 6))
    found = dependencies(model, tt.tensor([[1, 2]]))
    (group,) = found.groups
    assert set(group.axes) == {("table.weight", 1), ("a.weight", 0), ("a.bias", 0), ("a.weight", 1)}


def test_ignored_layers_keep_their_shape():
    model = nn.Sequential(nn.Linear(4, 6), nn.ReLU(), nn.Linear(6, 8), nn.ReLU(), nn.Linear(8, 2))
    found = dependencies(model, tt.zeros(1, 4), ignored=["2"])
    assert not found.groups
    assert found.frozen["2.weight", 0] == "ignored by '2'"
    assert [group.name for group in dependencies(model, tt.zeros(1, 4), ignored=["0.*"]).groups] == ["2"]
    with pytest.raises(ValueError, match="there is no parameter '7' to ignore"):
        dependencies(model, tt.zeros(1, 4), ignored=["7"])


def test_every_index_belongs_to_one_unit():
    model = nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(16, 3))
    (group,) = dependencies(model, tt.zeros(1, 1, 4, 4)).groups
    for axis in group.axes:
        indices = np.concatenate([unit[axis] for unit in group.units])
        assert sorted(indices.tolist()) == list(range(len(indices)))


def test_tracing_leaves_the_model_as_it_was():
    model = nn.Sequential(nn.BatchNorm1d(4), nn.Linear(4, 6), nn.Dropout(0.5).eval(), nn.Linear(6, 2))
    dependencies(model, tt.ones(3, 4))
    assert [each.training for each in model] == [True, True, False, True]
    assert model[0].num_batches_tracked.item() == 0


def test_inputs_that_a_model_does_not_take_are_one_sentence():
    with pytest.raises(
        ValueError, match=r"prune_structured: Sequential cannot be run on inputs \(1, 5\): linear: .*fit"
    ):
        dependencies(nn.Sequential(nn.Linear(4, 6)), tt.zeros(1, 5))
    with pytest.raises(ValueError, match="cannot be run on inputs str, str: trace: expected tensors"):
        dependencies(nn.Sequential(nn.Linear(4, 6)), ["a", "b"])


def test_channels_that_are_padded_keep_what_has_no_partner():
    def call(m, x):
        a = m.a(x)
        return m.out(nn.functional.pad(a, (0, 0, 0, 0, 1, 1)) + m.b(a))

    groups, found = groups_of(call, 3, 2, 2, a=nn.Conv2d(3, 4, 1), b=nn.Conv2d(4, 6, 1), out=nn.Conv2d(6, 2, 1))
    assert [unit["b.weight", 0].tolist() for unit in groups["a"].units] == [[1], [2], [3], [4]]
    assert not found.frozen.get(("b.weight", 0))


def test_a_masked_table_of_attention_freezes_its_heads():
    class Biased(nn.Module):
        def __init__(self):
            super().__init__()
            self.qkv, self.out = nn.Linear(4, 24), nn.Linear(8, 2)
            self.bias = nn.Parameter(tt.randn(1, 1, 3, 3))

        def forward(self, x):
            q, k, v = [each.reshape(1, 3, 2, 4).transpose(1, 2) for each in self.qkv(x).chunk(3, -1)]
            return self.out(nn.functional.scaled_dot_product_attention(q, k, v, self.bias).transpose(1, 2).flatten(2))

    found = dependencies(Biased(), tt.randn(1, 3, 4))
    assert not found.groups
    assert found.frozen["bias", 2].startswith("the op attention")


def test_groups_are_described_by_plain_values():
    model = nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(16, 3))
    told = dependencies(model, tt.zeros(1, 1, 4, 4)).describe()
    axes = [["0.weight", 0, 1], ["0.bias", 0, 1], ["3.weight", 1, 4]]
    assert told["groups"] == [{"name": "0", "units": 4, "axes": axes}]
    assert {"parameter": "3.bias", "axis": 0, "reason": "the model's output"} in told["frozen"]
    assert json.loads(json.dumps(told)) == told
