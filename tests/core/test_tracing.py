"""Tracing: a model's calls, found by running it."""

import contextlib

import pytest

import tinytorch as tt
from tinytorch import models, nn, plugins
from tinytorch.tracing import trace


def ops_of(graph):
    return [call.op for call in graph.calls]


class Twice(nn.Module):
    """Uses one layer twice, around a skip."""

    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(4, 4)

    def forward(self, x):
        return self.layer(self.layer(x)) + x


def test_calls_say_what_they_take_and_give():
    model = Twice()
    graph = trace(model, tt.randn(2, 4))
    first, second, added = graph.calls
    assert ops_of(graph) == ["linear", "linear", "add"]
    assert [each.name for each in first.values] == [None, "layer.weight", "layer.bias"]
    assert second.values[0] is first.outputs[0]
    assert added.values == [second.outputs[0], graph.inputs[0]]
    assert graph.outputs == added.outputs
    assert first.module == "layer"
    assert added.module == ""


def test_a_graph_knows_makers_and_users():
    graph = trace(Twice(), tt.randn(2, 4))
    first, second, added = graph.calls
    assert graph.maker(second.outputs[0]) is second
    assert graph.maker(graph.inputs[0]) is None
    assert graph.users(graph.inputs[0]) == [first, added]
    assert graph.users(first.values[1]) == [first, second]


def test_what_depends_on_parameters_alone_is_constant():
    class Masked(nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = nn.Parameter(tt.ones(3))

        def forward(self, x):
            return x * self.weight.exp()

    exp, multiply = trace(Masked(), tt.ones(2, 3)).calls
    assert exp.outputs[0].is_constant
    assert exp.outputs[0].array == pytest.approx(2.71828, abs=1e-5)
    assert not multiply.outputs[0].is_constant


def test_what_the_program_made_itself_is_a_constant_without_a_name():
    one = tt.ones(3)
    model = nn.Sequential(nn.Identity())
    model.forward = lambda x: x + one
    (call,) = trace(model, tt.zeros(3)).calls
    assert [each.name for each in call.values] == [None, None]
    assert call.values[1].is_constant


def test_layers_that_write_in_place_are_followed():
    model = nn.Sequential(nn.Linear(3, 4), nn.ReLU(inplace=True), nn.Linear(4, 2))
    linear, relu, last = trace(model, tt.randn(2, 3)).calls
    assert relu.values == [linear.outputs[0]]
    assert last.values[0] is relu.outputs[0]


def test_what_no_op_wrote_is_refused():
    class Overwriting(nn.Module):
        def forward(self, x):
            y = x + 1
            y[0] = 5.0
            return y * 2

    with pytest.raises(ValueError, match=r"trace: a tensor of shape \(3,\) was written in place in 'the model'"):
        trace(Overwriting(), tt.randn(3))


def test_blocks_of_transformers_are_ops_from_end_to_end():
    model = models.GPT(vocab_size=20, max_length=16, width=16, layers=2, heads=2).eval()
    with tt.no_grad():
        graph = trace(model, tt.randint(0, 20, (2, 8)))
    made = {id(each) for call in graph.calls for each in call.outputs}
    unmade = [each for call in graph.calls for each in call.values if id(each) not in made and not each.is_constant]
    assert set(unmade) == set(graph.inputs)
    assert graph.outputs[0].shape == (2, 8, 20)


@pytest.mark.parametrize("make", [models.resnet8, models.ds_cnn, models.mobilenet_v1])
def test_every_value_is_made_before_it_is_used(make):
    shapes = {models.resnet8: (1, 3, 32, 32), models.ds_cnn: (1, 1, 49, 10), models.mobilenet_v1: (1, 3, 96, 96)}
    graph = trace(make().eval(), tt.randn(*shapes[make]))
    there = {each.index for each in graph.inputs}
    for call in graph.calls:
        assert all(each.is_constant or each.index in there for each in call.values)
        there |= {each.index for each in call.outputs}
    assert {each.index for each in graph.outputs} <= there


def test_all_outputs_are_found_in_what_a_model_returns():
    model = nn.Identity()
    model.forward = lambda x: {"twice": x * 2, "parts": (x + 1, [x - 1])}
    assert len(trace(model, tt.ones(2)).outputs) == 3


def test_kernels_that_call_kernels_are_one_call_under_any_plugin():
    model = nn.Sequential(nn.Linear(3, 4), nn.Softmax(dim=1))
    alone = ops_of(trace(model, tt.randn(2, 3)))
    assert alone == ["linear", "softmax"]
    with plugins.using():
        assert ops_of(trace(model, tt.randn(2, 3))) == alone


def test_a_part_that_fails_and_is_caught_leaves_no_trace_of_itself():
    class Careful(nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = nn.Linear(3, 3)

        def forward(self, x):
            with contextlib.suppress(ValueError):
                self.inner(x.reshape(-1))
            return x + 1

    (added,) = trace(Careful(), tt.ones(2, 2)).calls[-1:]
    assert (added.op, added.module) == ("add", "")


def test_inputs_must_be_tensors():
    with pytest.raises(TypeError, match="trace: expected tensors as inputs, got list"):
        trace(nn.Identity(), [1.0])
