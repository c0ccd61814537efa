"""Health: each check passes for what is right, and names what is wrong."""

from dataclasses import replace

import numpy as np
import pytest
import sabotage
from sabotage import SABOTAGES, Sabotage, always, before, changed

from tinytorch import plugins
from tinytorch.testing.plugins import make
from tinytorch.verify import children, health, memory
from tinytorch.verify.health import CHECKS, OF_PLUGINS, checked
from tinytorch.verify.report import Plan

HELD = []
MINE = {
    "gives nan": Sabotage("", "relu", changed(always, lambda out: out * out.dtype.type("nan")), ""),
    "leaks what tracemalloc sees not": Sabotage("", "relu", before(lambda x: HELD.append(np.ones(1 << 16))), ""),
    "warns": Sabotage("", "relu", before(sabotage.warn), ""),
}


@pytest.fixture(autouse=True)
def _short(monkeypatch):
    monkeypatch.setattr(memory, "STEPS", 20)
    monkeypatch.setattr(memory, "ROUNDS", 3)
    monkeypatch.setattr(memory, "ROUND", 5)
    yield
    HELD.clear()
    sabotage.KEPT.clear()


def result(check, name):
    """The row of a check with a plugin of the table, made to answer an op that trainings use."""
    found = MINE.get(name) or next(each for each in SABOTAGES if each.name == name)
    plugins.register(replace(found, op="relu" if found.op == "exp" else found.op).plugin(), "sabotage")
    return checked(check, ("sabotage",), 0)


@pytest.mark.parametrize(
    ("name", "selection"),
    [*((name, ()) for name in CHECKS), *((name, ("loopback",)) for name in [*CHECKS, *OF_PLUGINS])],
)
def test_what_is_right_passes(name, selection):
    plugins.register(make("loopback"), "loopback")
    before = [each.name for each in plugins.list()]
    row = checked(name, selection, 0)
    assert [each.name for each in plugins.list()] == before
    untold = name == "memory of the process" and not memory.STATM.exists()
    assert row.outcome == ("skipped" if untold else "passed"), row.detail
    assert row.difference in {None, 0.0}


@pytest.mark.parametrize(
    ("check", "name", "told"),
    [
        ("the same bits twice", "rolls dice", "the same seed gives other bits the second time"),
        ("finite numbers", "gives nan", "relu gave "),
        ("memory that Python traces", "leaks its answers", "keeps "),
        ("the state of the process", "changes numpy's error state", "changes numpy's error state"),
        ("the state of the process", "seeds Python's random numbers", "changes Python's random state"),
        ("the state of the process", "filters warnings", "changes the filters of warnings"),
        ("forward without plugins, backward with", "wrong in the backward alone", "gradients differ by "),
        ("forward with plugins, backward without", "wrong in float32 alone", "gradients differ by "),
        ("the same bits twice", "warns", "warns: this is slow"),
    ],
)
def test_what_is_wrong_fails_and_is_named(check, name, told):
    row = result(check, name)
    assert row.name == f"{check}: sabotage"
    assert row.outcome == "failed"
    assert row.detail.startswith(told)


def test_scratch_between_threads_is_told_of_a_thread_with_the_plugin():
    row = result("threads with and without plugins", "shares scratch between threads")
    assert "a thread with sabotage gives something else" in row.detail or row.detail.startswith("raises ")


def test_a_wrong_backward_is_not_blamed_on_the_forward():
    row = result("forward with plugins, backward without", "wrong in the backward alone")
    assert (row.outcome, row.difference) == ("passed", 0.0)


def test_the_first_op_that_is_not_finite_is_told_first():
    assert result("finite numbers", "gives nan").detail.split(" ", 1)[0] == "relu"


@pytest.mark.skipif(not memory.STATM.exists(), reason="this system does not tell the size of a process")
def test_a_process_that_grows_fails():
    row = result("memory of the process", "leaks what tracemalloc sees not")
    assert row.outcome == "failed"
    assert row.detail.startswith("the process grows by ")


def test_a_system_that_does_not_tell_the_size_of_a_process_skips(monkeypatch, tmp_path):
    monkeypatch.setattr(memory, "STATM", tmp_path / "none")
    assert checked("memory of the process", (), 0).outcome == "skipped"


def test_growth_is_judged_by_its_threshold():
    assert not memory.grown_by(memory.RESIDENT).problems
    assert memory.grown_by(memory.RESIDENT + 1).problems


def test_another_process_gives_the_same_bits_and_two_threads_are_measured():
    found = list(health._threads_of_blas((), 0))
    assert [row.outcome for row in found] == ["passed", "measured"]
    assert found[1].name == "1 thread of BLAS and 2: the core alone"
    assert found[1].difference < 1e-4


def test_a_process_that_differs_from_its_twin_fails(monkeypatch):
    monkeypatch.setattr(children, "losses", lambda selection, seed: [[1.0], [1.0], [1.0], [2.0]])
    row = next(health._threads_of_blas((), 0))
    assert (row.outcome, row.detail) == ("failed", "two processes with 2 threads of BLAS each give other bits")


def test_a_process_that_ends_badly_fails(monkeypatch):
    monkeypatch.setattr(children, "PROGRAM", "raise SystemExit('no more')")
    row = next(health._threads_of_blas((), 0))
    assert (row.outcome, row.detail) == ("failed", "raises RuntimeError: a process of its own ended with no more")


def test_another_process_has_the_plugins_that_are_installed(monkeypatch, tmp_path):
    monkeypatch.syspath_prepend(tmp_path)
    info = tmp_path / "breaking-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: breaking\nVersion: 1\n")
    (info / "entry_points.txt").write_text("[tinytorch]\nbreaking = breaking_there\n")
    (tmp_path / "breaking_there.py").write_text(
        "from tinytorch.plugins import hookimpl\n\n@hookimpl\ndef relu(x):\n    raise ArithmeticError('broken there')\n"
    )
    monkeypatch.setattr(children, "COUNTS", (1,))
    (row,) = health._threads_of_blas(("breaking",), 0)
    assert row.outcome == "failed"
    assert row.detail.startswith("raises RuntimeError: a process of its own ended with ArithmeticError: broken there")
    assert row.detail.endswith("raised by plugin 'breaking' in op 'relu'")


def test_a_plugin_that_only_this_process_has_is_skipped_there():
    plugins.register(make("loopback"), "loopback")
    (row,) = health._threads_of_blas(("loopback",), 0)
    assert (row.outcome, row.detail) == ("skipped", "another process cannot have loopback, registered by code")


def test_the_core_alone_and_all_plugins_together_have_a_row_for_each_check(monkeypatch):
    monkeypatch.setattr(health, "checked", lambda name, selection, seed: (name, selection))
    monkeypatch.setattr(health, "_threads_of_blas", lambda selection, seed: [])
    assert list(health.rows(Plan(()))) == [(name, ()) for name in CHECKS]
    both = [(name, ("a", "b")) for name in [*CHECKS, *OF_PLUGINS]]
    assert list(health.rows(Plan(("a", "b")))) == [*[(name, ()) for name in CHECKS], *both]
    assert list(health.rows(Plan(("a", "b"), quick=True))) == both
    assert list(health.rows(Plan((), quick=True))) == [(name, ()) for name in CHECKS]
