"""A profile sees every op of its block, where it was called, and for whose derivative."""

import threading

import pytest

import tinytorch as tt
from tinytorch import nn, plugins
from tinytorch.core.autograd import detect_anomaly
from tinytorch.plugins.process import process
from tinytorch_profiling import profile, record, schedule


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


def test_it_tells_which_plugin_answered():
    plugins.register(tt.testing.plugins.make("loopback"), "loopback")
    with profile() as p, plugins.using("loopback"):
        tt.ones(1).exp()
    assert [call.plugin for call in p.recording.calls] == ["loopback"]


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
