"""The section on every op names what is wrong, as the kit does, and lets what is right pass."""

import pytest
from sabotage import SABOTAGES, restored

from tinytorch import plugins
from tinytorch.testing.plugins import make
from tinytorch.verify import ops
from tinytorch.verify.report import Plan


@pytest.fixture(autouse=True)
def _restored():
    with restored():
        yield


@pytest.mark.parametrize("sabotage", SABOTAGES, ids=str)
def test_sabotage_is_named(sabotage):
    plugins.register(sabotage.plugin(), "sabotage")
    rows = list(ops.rows(Plan(("sabotage",), (sabotage.tried or sabotage.op,))))
    assert [row.outcome for row in rows] == ["failed"]
    assert rows[0].detail


def test_right_ops_pass_with_no_difference():
    plugins.register(make("loopback"), "loopback")
    rows = list(ops.rows(Plan(("loopback",), ("exp", "matmul"), quick=True)))
    assert [(row.name, row.outcome, row.difference) for row in rows] == [
        ("loopback: exp", "passed", 0.0),
        ("loopback: matmul", "passed", 0.0),
    ]


def test_where_there_is_nothing_to_try_it_says_so():
    assert [row.outcome for row in ops.rows(Plan(()))] == ["skipped"]
