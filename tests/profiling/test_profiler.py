"""A profile sees every op of its block, where it was called, and for whose derivative."""

import asyncio
import threading
from dataclasses import dataclass
from types import SimpleNamespace

import numpy as np
import pytest

import tinytorch as tt
from tinytorch import nn, plugins
from tinytorch.core.autograd import detect_anomaly
from tinytorch.plugins import hookimpl
from tinytorch.plugins.instruments import watching
from tinytorch.plugins.process import process
from tinytorch.testing.plugins import make
from tinytorch_profiling import Spec, profile, record, schedule


def step(model, optimizer):
    optimizer.zero_grad()
    loss = model(tt.ones(3, 4)).sum()
    loss.backward()
    optimizer.step()


def trained(**options):
    model = nn.Sequential(nn.Linear(4, 5), nn.GELU(), nn.Linear(5, 2))
    optimizer = tt.optim.Adam(model.parameters(), lr=0.1)
    with profile(**options) as p:
        step(model, optimizer)
    return p


def test_every_op_has_its_module_and_phase():
    calls = trained().recording.calls
    assert [(call.op, call.module) for call in calls if call.phase == "forward"] == [
        ("linear", "Sequential.0"),
        ("gelu", "Sequential.1"),
        ("linear", "Sequential.2"),
        ("reduce_sum", ""),
    ]
    gelu = next(call for call in calls if call.op == "gelu_grad")
    assert (gelu.phase, gelu.module, gelu.derivative_of.op) == ("backward", "Sequential.1", "gelu")
    assert [call.phase for call in calls if call.op == "adam_step"] == ["step"]


def test_self_times_add_up_to_the_time_of_the_outermost_calls():
    calls = trained().recording.calls
    assert sum(call.self_time for call in calls) == sum(call.time for call in calls if call.parent is None)
    assert all(call.parent.start <= call.start <= call.end <= call.parent.end for call in calls if call.parent)


def test_results_are_the_same_bits():
    def weights(block):
        tt.manual_seed(3)
        model = nn.Sequential(nn.Linear(4, 5), nn.GELU(), nn.Linear(5, 2))
        optimizer = tt.optim.Adam(model.parameters(), lr=0.1)
        with block:
            for _ in range(3):
                step(model, optimizer)
        return [each.array.tobytes() for each in model.parameters()]

    assert weights(profile()) == weights(plugins.using())


def test_nothing_is_left_where_no_profile_is_open():
    tt.ones(1).exp()
    table = process.table
    p = profile()
    with pytest.raises(FloatingPointError), detect_anomaly(), p:
        tt.zeros(1).exp().log().log()
    assert process.table is table
    assert plugins.table.exp is tt.exp.kernel
    assert [call.op for call in p.recording.calls] == ["exp", "log"]


def test_profiles_lie_in_each_other():
    with profile() as outer:
        tt.ones(1).exp()
        with profile() as inner:
            tt.ones(1, requires_grad=True).log().backward()
    assert inner.recording.calls[0].op == "log"
    assert [call.op for call in outer.recording.calls][:2] == ["exp", "log"]
    assert inner.recording.calls[-1].derivative_of is inner.recording.calls[0]
    assert outer.recording.calls[-1].derivative_of is outer.recording.calls[1]


def test_ranges_have_names():
    with profile() as p, record("outer"), record("inner"):
        tt.ones(1).exp()
    (call,) = p.recording.calls
    assert (call.scope.name, call.scope.parent.name) == ("inner", "outer")
    assert call.module == ""


@pytest.fixture
def registered():
    plugins.register(make("loopback"), "loopback")
    yield
    plugins.unregister("loopback")


def test_it_tells_which_plugin_answered(registered):
    with profile() as p, plugins.using("loopback"):
        tt.ones(1).exp()
    assert [call.plugin for call in p.recording.calls] == ["loopback"]


def test_who_answered_before_the_window_is_forgotten(registered):
    with profile(schedule(wait=1)) as p, plugins.using("loopback"):
        tt.ones(1).exp()
        p.step()
        with plugins.using():
            tt.ones(1).tanh()
    assert [call.plugin for call in p.recording.calls] == ["core"]


def test_who_wraps_and_gives_another_result_answers():
    @hookimpl(wrapper=True)
    def exp(x):
        return (yield) + 1 if x.size > 1 else (yield)

    plugins.register(SimpleNamespace(exp=exp), "wrapping")
    with profile() as p, plugins.using("wrapping"):
        tt.ones(1).exp()
        tt.ones(2).exp()
    plugins.unregister("wrapping")
    assert [call.plugin for call in p.recording.calls] == ["core", "wrapping"]


def test_where_pluggy_is_monitored_nobody_knows_who_answered(registered):
    with profile() as p, plugins.using("loopback"):
        stop = plugins.manager().add_hookcall_monitoring(lambda *_: None, lambda *_: None)
        tt.ones(1).exp()
        stop()
    assert [call.plugin for call in p.recording.calls] == ["one of loopback, core"]


def test_kernels_may_be_given_numbers():
    with profile() as p:
        assert plugins.table.add(np.ones(2), 1.0).tolist() == [2.0, 2.0]
    assert p.recording.calls[0].inputs == (Spec((2,), "float64"), 1.0)


def test_a_model_that_cannot_be_hashed_is_profiled():
    @dataclass
    class Model(nn.Module):
        size: int

        def __post_init__(self):
            nn.Module.__init__(self)

        def forward(self, x):
            return x.exp()

    with profile() as p:
        Model(3)(tt.ones(3))
    assert [call.module for call in p.recording.calls] == ["Model"]


def test_a_part_of_two_models_belongs_to_the_one_that_is_called():
    part = nn.ReLU()
    first, second = nn.Sequential(part), nn.Sequential(nn.Sequential(part))
    with profile() as p:
        for model in (first, second, first):
            model(tt.ones(1))
    names = [call.module for call in p.recording.calls]
    assert names == ["Sequential.0", "Sequential#2.0.0", "Sequential.0"]


def test_a_range_goes_on_over_windows():
    seen = []
    plan = schedule(wait=1, active=1, repeat=2)
    with (
        profile(plan, on_trace_ready=lambda p: seen.append((p.table("range").rows, p.recording.wall))) as p,
        record("epoch"),
    ):
        for _ in range(4):
            with record("step"):
                tt.ones(1).exp()
            p.step()
    for rows, wall in seen:
        assert {row["name"] for row in rows} == {"epoch", "step"}
        assert all(0 <= row["self_time"] <= wall for row in rows)
    assert len(seen) == 2


def test_inside_of_the_block_what_is_open_lasts_till_now():
    with profile() as p, record("open"):
        tt.ones(1).exp()
        (row,) = p.table("range").rows
        assert 0 < row["total_time"] <= p.recording.wall


def test_a_range_begins_where_its_block_does_and_may_be_used_again():
    later = record("later")

    @record("decorated")
    def work():
        tt.ones(1).exp()

    with profile() as p:
        tt.ones(1).log()
        for _ in range(2):
            with later:
                work()
    assert [call.scope and call.scope.name for call in p.recording.calls] == [None, "decorated", "decorated"]
    assert [scope.name for scope in p.recording.scopes] == ["later", "decorated"] * 2


def test_a_name_is_text():
    with pytest.raises(TypeError, match="record: expected a name, got int"):
        record(5)


def test_a_profile_is_left_even_if_telling_fails():
    with pytest.raises(ZeroDivisionError), profile(on_trace_ready=lambda _: 1 / 0):
        pass
    assert watching() == ()


def test_what_is_no_schedule_is_refused():
    with pytest.raises(TypeError, match=r"expected a schedule as schedule\(\.\.\.\) makes it, got function"):
        profile(schedule)


def test_tasks_have_scopes_of_their_own():
    async def work(name, op):
        with record(name):
            await asyncio.sleep(0)
            getattr(tt.ones(1), op)()

    async def both():
        await asyncio.gather(work("first", "exp"), work("second", "log"))

    with profile() as p:
        asyncio.run(both())
    assert {call.op: call.scope.name for call in p.recording.calls} == {"exp": "first", "log": "second"}


def test_threads_that_are_carried_are_seen():
    with profile() as p:
        other = threading.Thread(target=plugins.carry(lambda: tt.ones(1, requires_grad=True).log().backward()))
        other.start()
        tt.ones(1).exp()
        other.join()
    threads = {call.op: call.thread for call in p.recording.calls}
    assert threads["exp"] == threading.get_ident() != threads["log"]


def test_a_schedule_records_its_active_steps():
    seen = []
    plan = schedule(wait=1, warmup=1, active=2, repeat=2, skip_first=1)
    with profile(plan, on_trace_ready=lambda p: seen.append([call.op for call in p.recording.calls])) as p:
        for number in range(12):
            getattr(tt.ones(1), ["exp", "log", "sin", "cos", "tanh", "sqrt"][number % 6])()
            p.step()
    assert seen == [["cos", "tanh"], ["log", "sin"]]


@pytest.mark.parametrize("wrong", [{"active": 0}, {"wait": -1}, {"warmup": 1.5}, {"repeat": True}])
def test_a_schedule_that_cannot_be_is_refused(wrong):
    with pytest.raises(ValueError, match=f"schedule: expected {next(iter(wrong))} as a whole number"):
        schedule(**wrong)


def test_a_step_outside_of_the_block_is_refused():
    with pytest.raises(RuntimeError, match="belongs inside the block"):
        profile().step()


def test_an_open_profile_cannot_be_opened_again():
    with profile() as p, pytest.raises(RuntimeError, match="open already"), p:
        pass
