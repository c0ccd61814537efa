"""An instrument sees all of one block of a program, over the plugins in force, and leaves nothing behind."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest

import tinytorch as tt
from tinytorch import nn, plugins
from tinytorch.plugins import Instrument, instrumented
from tinytorch.plugins.instruments import scope
from tinytorch.plugins.process import process
from tinytorch.testing.plugins import make


class Diary(Instrument):
    """Writes down what it is told, in order."""

    name = "diary"

    def __init__(self):
        self.lines = []

    def wrap_op(self, op, call):
        def noted(*args):
            self.lines.append(op.name)
            return call(*args)

        return noted

    def answered(self, plugin):
        self.lines.append(f"by {plugin}")

    @contextmanager
    def scope(self, kind, subject):
        self.lines.append(f"{kind} {type(subject).__name__}")
        yield
        self.lines.append(f"end of {kind}")

    def returned(self, module, out):
        self.lines.append(f"{type(module).__name__} gave {out.shape}")

    def differentiating(self, node):
        self.lines.append(f"derivative of {node.op.name}")


def exp_and_lines(*names):
    diary = Diary()
    with plugins.using(*names), instrumented(diary):
        tt.ones(1).exp()
    return diary.lines


def test_it_is_told_of_modules_derivatives_and_steps():
    layer = nn.ReLU()
    x = nn.Parameter(tt.ones(2))
    optimizer = tt.optim.SGD([x], lr=0.1)
    diary = Diary()
    with instrumented(diary):
        layer(x).sum().backward()
        optimizer.step()
    assert diary.lines == [
        *["module ReLU", "relu", "end of module", "ReLU gave (2,)", "reduce_sum"],
        *["backward NoneType", "derivative of reduce_sum", "broadcast_to", "derivative of relu", "relu_grad"],
        *["copied", "end of backward", "step SGD", "sgd_step", "end of step"],
    ]


def test_it_is_told_who_answered(registered):
    assert exp_and_lines("loopback") == ["exp", "by loopback"]
    assert exp_and_lines("decliner") == ["exp"]
    assert exp_and_lines("decliner", "loopback") == ["exp", "by loopback"]


def test_the_last_stands_outermost():
    outer, inner = Diary(), Diary()
    outer.lines = inner.lines
    with instrumented(inner), instrumented(outer):
        outer.name = "outer"
        tt.ones(1).exp()
        assert plugins.explain("exp") == [("outer", "watches"), ("diary", "watches"), ("core", "the kernel")]
    assert inner.lines == ["exp", "exp"]


def test_it_stays_where_plugins_are_chosen_inside(registered):
    diary = Diary()
    with instrumented(diary), plugins.using("loopback"):
        tt.ones(1).exp()
    assert diary.lines == ["exp", "by loopback"]


def test_it_follows_what_the_process_enables(registered):
    diary = Diary()
    with instrumented(diary):
        plugins.enable("loopback")
        tt.ones(1).exp()
        plugins.disable("loopback")
        tt.ones(1).exp()
    assert diary.lines == ["exp", "by loopback", "exp"]


def test_inside_a_using_it_follows_nobody(registered):
    diary = Diary()
    with plugins.using(), instrumented(diary):
        plugins.enable("loopback")
        tt.ones(1).exp()
    plugins.disable("loopback")
    assert diary.lines == ["exp"]


def test_it_sees_a_plugin_that_is_registered_anew(registered):
    diary = Diary()
    with plugins.using("loopback"), instrumented(diary):
        tt.ones(1).exp()
        plugins.register(make("decliner"), "loopback")
        tt.ones(1).exp()
    assert diary.lines == ["exp", "by loopback", "exp"]


def test_nothing_is_left_of_it():
    tt.ones(1).exp()
    table = process.table
    with pytest.raises(ZeroDivisionError), instrumented(Diary()):
        raise ZeroDivisionError
    assert process.table is table
    assert plugins.table.exp is tt.exp.kernel
    assert process.state.watched == []


def test_who_outlives_the_block_is_as_the_process_is(registered):
    diary = Diary()
    with instrumented(diary):
        carried = plugins.carry(lambda: plugins.explain("exp"))
        tt.ones(1).exp()
    plugins.enable("loopback")
    try:
        assert [name for name, _ in carried()] == ["loopback", "core"]
    finally:
        plugins.disable("loopback")
    assert diary.lines == ["exp"]


def test_a_scope_is_entered_with_its_block():
    diary = Diary()
    with instrumented(diary):
        block = scope("range", "later")
        tt.ones(1).exp()
        with block:
            pass
    assert diary.lines == ["exp", "range str", "end of range"]


def test_it_sees_its_own_thread_and_what_is_carried():
    diary = Diary()
    with instrumented(diary), ThreadPoolExecutor(1) as pool:
        pool.submit(lambda: tt.ones(1).exp()).result()
        pool.submit(plugins.carry(lambda: tt.ones(1).log())).result()
    assert diary.lines == ["log"]
