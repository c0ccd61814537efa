"""Shadow mode: real training under a plugin, held against the core op by op."""

import inspect
import threading
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import pytest
from sabotage import SABOTAGES

import tinytorch as tt
from tinytorch import nn, plugins
from tinytorch.testing import ShadowError, shadow
from tinytorch.testing.plugins import make


def train(steps=3):
    tt.manual_seed(0)
    model = nn.Sequential(nn.Linear(3, 5), nn.GELU(), nn.LayerNorm(5), nn.Linear(5, 2))
    optimizer = tt.optim.Adam(model.parameters(), lr=0.1)
    losses = []
    for _ in range(steps):
        optimizer.zero_grad()
        loss = model(tt.ones(7, 3)).exp().mean()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


def registered(name):
    plugins.register(next(each for each in SABOTAGES if each.name == name).plugin(), "sabotage")


@pytest.mark.parametrize("name", ["loopback", "decliner"])
def test_training_under_a_right_plugin_goes_through(name):
    plugins.register(make(name), name)
    with shadow(name):
        shadowed = train()
    assert shadowed == train()


def test_memory_in_another_order_is_no_difference():
    plugins.register(make("loopback"), "loopback")
    x = tt.randn(300, 200)
    with shadow("loopback"):
        x.T.sum(0)
        x.T.softmax(-1)
        x.reshape(20, 30, 100).permute(2, 0, 1).mean((0, 1))


@pytest.mark.parametrize(
    ("name", "op"),
    [
        ("wrong in float32 alone", "exp"),
        ("writes its input", "exp"),
        ("wrong in the backward alone", "gelu_grad"),
        ("wrong in a fused backward", "layer_norm_grad"),
        ("wrong in its second output", "layer_norm"),
        ("writes gradients in its step", "adam_step"),
        ("gives another dtype", "exp"),
    ],
)
def test_the_first_difference_stops_the_program(name, op):
    registered(name)
    with shadow("sabotage"), pytest.raises(ShadowError, match=rf"^{op}: "):
        train()


def test_the_message_names_inputs_and_the_line_of_the_program():
    registered("wrong in float32 alone")
    with shadow("sabotage"), pytest.raises(ShadowError) as caught:
        tt.ones(2, 3).exp()
    line = inspect.currentframe().f_lineno - 1
    assert str(caught.value).endswith(f"at (0, 0), 6 of 6 numbers (float32[2, 3]), called in {__file__}:{line}")


def test_outside_the_block_nothing_is_compared():
    registered("wrong in float32 alone")
    with shadow("sabotage"):
        pass
    right = tt.ones(2).exp()
    with plugins.using("sabotage"):
        assert (tt.ones(2).exp() != right).all()


def test_a_declaration_beyond_the_contract_is_no_excuse():
    registered("declares what no op may be")
    with shadow("sabotage"), pytest.raises(ShadowError):
        tt.ones(2).exp()


def test_a_shadow_leaves_nothing_behind_after_an_exception_either():
    registered("wrong in float32 alone")
    before = plugins.list()
    with shadow("sabotage"):
        pass
    with pytest.raises(ShadowError), shadow("sabotage"):
        tt.ones(2).exp()
    with pytest.raises(plugins.PluginError), shadow("nobody"):
        pass
    assert plugins.list() == before
    assert not [each.name for each in before if "shadow" in each.name]


def test_a_shadow_in_a_shadow_leaves_the_outer_one_as_it_was():
    registered("wrong in float32 alone")
    plugins.register(SimpleNamespace(relu=make("loopback").relu), "right")
    with shadow("sabotage"):
        with shadow("right"):
            tt.ones(2).exp()
        with pytest.raises(ShadowError):
            tt.ones(2).exp()


def test_shadows_in_two_threads_do_not_see_each_other():
    registered("wrong in float32 alone")
    plugins.register(SimpleNamespace(relu=make("loopback").relu), "right")
    inside = threading.Barrier(2)

    def caught(name):
        with shadow(name):
            inside.wait()
            try:
                tt.ones(2).exp()
            except ShadowError:
                return True
            finally:
                inside.wait()
        return False

    with ThreadPoolExecutor(2) as pool:
        assert [*pool.map(caught, ("sabotage", "right"))] == [True, False]
