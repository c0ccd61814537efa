"""A FLOPCounter says how much arithmetic a block takes, where, and what it does not know."""

import json
from types import SimpleNamespace

import pytest

import tinytorch as tt
from tinytorch import models, nn, plugins
from tinytorch_profiling import FLOPCounter

PUBLISHED = {  # MACs of MLPerf Tiny's reference networks
    "ds_cnn": ((1, 49, 10), 2_656_768),
    "resnet8": ((3, 32, 32), 12_501_632),
    "mobilenet_v1": ((3, 96, 96), 7_489_664),
    "autoencoder": ((640,), 264_192),
}


def counted(requires_grad=False):
    model = nn.Sequential(nn.Linear(4, 5), nn.Sequential(nn.GELU(), nn.Linear(5, 2)))
    with FLOPCounter() as counter:
        model(tt.ones(3, 4, requires_grad=requires_grad)).exp().sum().backward()
    return counter


@pytest.mark.parametrize("name", PUBLISHED)
def test_reference_networks_have_their_published_macs(name):
    shape, published = PUBLISHED[name]
    model = getattr(models, name)().eval()
    with FLOPCounter() as counter, tt.no_grad():
        model(tt.zeros(1, *shape))
    assert counter.macs == published
    assert counter.flops == 2 * published


def test_arithmetic_is_told_by_phase_op_and_module():
    counter = counted()
    first, second = 3 * 4 * 5, 3 * 5 * 2
    assert {name: each.macs for name, each in counter.by_phase().items()} == {
        "forward": first + second,
        "backward": first + 2 * second,  # the input needs no gradient
    }
    assert {name: each.macs for name, each in counter.by_op().items() if each.macs} == {
        "linear": first + second,
        "linear_weight_grad": first + second,
        "matmul": second,
    }
    assert {name: each.macs for name, each in counter.by_module().items()} == {
        "Sequential": 2 * first + 3 * second,
        "Sequential.0": 2 * first,
        "Sequential.1": 3 * second,
        "Sequential.1.0": 0,
        "Sequential.1.1": 3 * second,
        "": 0,
    }
    assert list(counter.by_op("forward")) == ["linear"]
    assert counter.by_module("forward")["Sequential.0"].macs == first


def test_an_input_that_requires_grad_costs_a_product_more():
    assert counted(requires_grad=True).macs - counted().macs == 3 * 4 * 5


def test_bytes_are_those_of_the_arrays_and_give_the_intensity():
    with FLOPCounter() as counter:
        tt.ones(3, 4) @ tt.ones(4, 5)
    count = counter.by_op()["matmul"]
    assert count.bytes == 4 * (12 + 20 + 15)
    assert count.intensity == 2 * 60 / count.bytes
    assert counter.total.to_dict() == count.to_dict()


def test_ops_without_a_formula_are_listed_with_their_calls():
    with FLOPCounter() as counter:
        x = tt.ones(3)
        x.exp().exp().log().reshape(1, 3)
    assert counter.without_formula == {"exp": 2, "log": 1}
    assert counter.macs == 0
    assert list(counter.by_op()) == ["reshape_to"]
    assert counter.total.bytes == 3 * 24


def test_what_an_op_calls_is_not_counted_twice():
    def linear(x, weight, bias):
        return plugins.table.matmul(x, weight.T) + bias

    def exp(x):
        return plugins.table.matmul(x, x)

    plugins.register(SimpleNamespace(linear=plugins.hookimpl(linear), exp=plugins.hookimpl(exp)), "nesting")
    with plugins.using("nesting"), FLOPCounter() as counter:
        nn.functional.linear(tt.ones(3, 4), tt.ones(5, 4), tt.ones(5))
        tt.ones(2, 2).exp()
    assert [call.op for call in counter.recording.calls] == ["linear", "matmul", "exp", "matmul"]
    assert {op: each.macs for op, each in counter.by_op().items()} == {"linear": 60, "matmul": 8}
    assert counter.without_formula == {"exp": 1}


def test_a_counter_opened_again_begins_anew():
    counter = FLOPCounter()
    for size in (2, 3):
        with counter:
            tt.ones(size, size) @ tt.ones(size, size)
    assert counter.macs == 27


def test_what_was_counted_before_an_error_stays():
    counter = FLOPCounter()
    with pytest.raises(ValueError, match="matmul"), counter:
        tt.ones(2, 2) @ tt.ones(2, 2) @ tt.ones(3, 3)
    assert counter.macs == 8


def test_it_prints_both_columns_and_says_how_they_are_related():
    text = str(counted())
    assert "MACs" in text
    assert "FLOPs" in text
    assert "1 MAC = 2 FLOPs" in text
    assert "without a formula: reduce_sum 3×, gelu 1×" in text
    assert max(map(len, text.splitlines())) < 120


def test_it_is_shown_in_notebooks_and_written_as_json():
    counter = counted()
    assert "<td" in counter._repr_html_()
    values = json.loads(counter.to_json())
    assert values["macs"] == counter.macs
    assert values["flops"] == 2 * counter.macs
    assert values["modules"]["Sequential.0"]["macs"] == 120
    assert values["without_formula"] == counter.without_formula
