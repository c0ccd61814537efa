"""A recording as tables: every row is what the calls say."""

from concurrent.futures import ThreadPoolExecutor
from time import perf_counter_ns, sleep
from types import SimpleNamespace

import pytest

import tinytorch as tt
from tinytorch import nn, plugins
from tinytorch_profiling import FLOPCounter, profile, record
from tinytorch_profiling.events import Call, Recording, Scope, Spec
from tinytorch_profiling.views import BETWEEN, NO_MODULE, VIEWS, by_module, by_op, by_range, by_shape

VECTOR = Spec((4,), "float32")


def call(op, start, end, *, parent=None, scope=None, plugin="core", own=None):
    inputs = (VECTOR, [VECTOR, Spec((2, 3), "int64")], 1.5)
    return Call(op, inputs, (VECTOR,), start, end, 1, plugin, scope, parent, None, end - start if own is None else own)


def rows(table):
    return {row["name"]: row for row in table.rows}


def test_self_and_total_and_what_is_between():
    outer = call("conv", 10, 60, own=30)
    recording = Recording([outer, call("matmul", 20, 40, parent=outer), call("conv", 70, 80)], [], [(0, 100)], 1)
    table = rows(by_op(recording))
    conv = table["conv"]
    assert (conv["calls"], conv["self_time"], conv["total_time"], conv["mean_time"]) == (2, 40, 60, 30)
    assert (table["matmul"]["self_time"], table["matmul"]["share"]) == (20, 0.2)
    assert table[BETWEEN]["self_time"] == 40
    assert sum(row["share"] for row in table.values()) == pytest.approx(1.0)


def test_an_op_inside_itself_counts_once_in_total():
    outer = call("conv", 0, 50, own=20)
    table = rows(by_op(Recording([outer, call("conv", 10, 40, parent=outer)], [], [(0, 50)], 1)))
    assert (table["conv"]["self_time"], table["conv"]["total_time"]) == (50, 50)


def test_bytes_are_those_of_all_arrays():
    table = rows(by_op(Recording([call("cat", 0, 1)], [], [(0, 1)], 1)))
    assert table["cat"]["nbytes"] == 16 + 16 + 48 + 16


def test_shapes_are_written_without_parameters():
    table = by_shape(Recording([call("cat", 0, 1)], [], [(0, 1)], 1))
    assert table.rows[0]["name"] == "cat (4), [(4), (2, 3)]"


def test_modules_hold_their_parts_and_derivatives():
    class Block(nn.Module):
        def __init__(self):
            super().__init__()
            self.first = nn.Sequential(nn.Linear(3, 3), nn.Tanh())

        def forward(self, x):
            return self.first(x) * 2.0

    with profile() as p:
        Block()(tt.ones(2, 3)).sum().backward()
    table = rows(by_module(p.recording))
    assert set(table) >= {"Block", "Block.first", "Block.first.0", "Block.first.1", NO_MODULE, BETWEEN}
    linear = table["Block.first.0"]
    assert linear["forward"] > 0 < linear["backward"]
    assert linear["self_time"] == linear["total_time"] == linear["forward"] + linear["backward"]
    assert table["Block.first"]["self_time"] == 0 < table["Block.first"]["total_time"]
    assert table["Block"]["total_time"] == table["Block"]["self_time"] + table["Block.first"]["total_time"]
    assert sum(row["self_time"] for row in table.values()) == p.recording.wall


def test_ranges_give_their_time_to_those_inside():
    outer = Scope("range", "outer", None, 1, 0, 100)
    inner = [
        Scope("range", "inner", Scope("module", "M", outer, 1, 5, 95), 1, *times) for times in ((10, 30), (40, 60))
    ]
    again = Scope("range", "outer", inner[0], 1, 12, 15)
    table = rows(by_range(Recording([], [outer, *inner, again], [(0, 100)], 1)))
    assert (table["outer"]["calls"], table["outer"]["total_time"], table["outer"]["self_time"]) == (2, 100, 63)
    assert (table["inner"]["calls"], table["inner"]["total_time"], table["inner"]["self_time"]) == (2, 40, 37)


def test_ranges_in_other_threads_take_no_time_from_those_they_were_carried_from():
    outer = Scope("range", "outer", None, 1, 0, 100)
    carried = [Scope("range", name, outer, 2, 10, 90) for name in ("inner", "outer")]
    table = by_range(Recording([], [outer, *carried], [(0, 100)], 1))
    assert (rows(table)["outer"]["self_time"], rows(table)["outer"]["total_time"]) == (180, 180)
    assert table.notes == ("times of 2 threads are added; shares are of the profile's own time",)


def test_a_range_that_a_block_carries_to_a_thread_is_noted_in_it():
    def work():
        with record("inner"):
            sleep(0.01)

    with ThreadPoolExecutor(1) as pool, profile() as p, record("outer"):
        for done in [pool.submit(plugins.carry(work)) for _ in range(2)]:
            done.result()
    table = by_range(p.recording)
    assert rows(table)["outer"]["self_time"] == rows(table)["outer"]["total_time"] > 0
    assert len(table.notes) == 1


@pytest.mark.parametrize("by", ["op", "phase", "plugin", "shape", "module"])
def test_arithmetic_and_bytes_are_those_that_a_counter_counts(by):
    def linear(x, weight, bias):
        return plugins.table.matmul(x, weight.T) + bias

    plugins.register(SimpleNamespace(linear=plugins.hookimpl(linear)), "nesting")
    model, x = nn.Sequential(nn.Linear(4, 5), nn.GELU()), tt.ones(3, 4)
    with plugins.using("nesting"), FLOPCounter() as counter, profile() as p:
        model(x).sum().backward()
    found = p.table(by).rows
    parts = [row for row in found if row["name"] in ("Sequential", NO_MODULE)] if by == "module" else found
    assert sum(row.get("flops") or 0 for row in parts) == counter.flops == 2 * (60 + 60)
    if by != "module":
        assert sum(row.get("nbytes") or 0 for row in parts) == counter.total.bytes


def test_a_rate_is_that_of_the_calls_whose_arithmetic_is_counted():
    matrices = (Spec((100, 100), "float32"),) * 2
    products = [
        Call(op, matrices, matrices[:1], *times, 1, "core", None)
        for op, *times in (("linear", 0, 1000), ("matmul", 100, 900), ("matmul", 1000, 2000))
    ]
    products[1].parent = products[0]
    table = rows(by_op(Recording(products, [], [(0, 2000)], 1)))
    assert (table["matmul"]["flops"], table["matmul"]["gflops_per_second"]) == (2_000_000, 2000)


def test_the_self_time_of_an_op_is_what_its_kernel_measures_of_itself():
    measured = []

    def exp(x):
        start = perf_counter_ns()
        sleep(0.02)
        measured.append(perf_counter_ns() - start)
        return plugins.table.log(x)

    def log(x):
        sleep(0.06)
        return x

    plugins.register(SimpleNamespace(exp=plugins.hookimpl(exp), log=plugins.hookimpl(log)), "sleeping")
    with plugins.using("sleeping"), profile() as p:
        for _ in range(3):
            tt.ones(1).exp()
    table = rows(by_op(p.recording))
    assert sum(measured) <= table["exp"]["self_time"] < sum(measured) + 60e6  # nanoseconds; one of log is more
    assert table["log"]["self_time"] >= 3 * 60e6


def test_every_view_of_a_profile_can_be_asked_for():
    with profile() as p, record("here"):
        tt.ones(1).exp()
    assert {by: len(p.table(by).rows) for by in VIEWS} == {
        **dict.fromkeys(["op", "module", "shape", "phase", "plugin"], 2),
        "range": 1,
    }
    assert set(p.to_dict()["tables"]) == set(VIEWS)
    with pytest.raises(ValueError, match="no table by 'opp'; there are op, module"):
        p.table("opp")


def test_a_name_with_half_a_character_can_be_shown_and_written():
    with profile() as p, record("loading \udcff"):
        tt.ones(1).exp()
    assert "loading \\udcff" in p.to_json().encode().decode()
    assert "loading \\udcff" in str(p.table("range")).encode().decode()


def test_an_empty_profile_has_empty_tables():
    p = profile()
    assert [len(p.table(by).rows) for by in ("range", "op")] == [0, 1]
    assert "by op" in str(p)
