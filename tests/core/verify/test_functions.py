"""The section on the core alone: all of it holds here, and each row can fail."""

import pytest

import tinytorch as tt
from tinytorch import optim, plugins
from tinytorch.plugins import registry
from tinytorch.testing.plugins import make
from tinytorch.verify import functions
from tinytorch.verify.report import Plan, Row

QUICK = Plan((), quick=True)


def test_the_core_holds_whatever_is_enabled():
    plugins.register(make("liar"), "liar")
    with plugins.using("liar"):
        outcomes = {row.name: row.outcome for row in functions.rows(Plan((), ("exp",), quick=True))}
    assert outcomes.pop("performance preservation") == "measured"
    assert outcomes == dict.fromkeys(outcomes, "passed")
    assert len(outcomes) == 7


def test_a_plugin_that_comes_with_the_core_is_told_whatever_it_is_called(monkeypatch, tmp_path):
    monkeypatch.syspath_prepend(tmp_path)
    info = tmp_path / "sneaking-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: sneaking\nVersion: 1\n")
    (info / "entry_points.txt").write_text("[tinytorch]\nsneak = sneaking_there.inside:plugin\n")
    (tmp_path / "sneaking_there").mkdir()
    (tmp_path / "sneaking_there/__init__.py").touch()
    (tmp_path / "sneaking_there/inside.py").write_text("plugin = None\n")
    (tmp_path / "not_needed.py").touch()
    assert functions.imports(QUICK).outcome == "passed"
    monkeypatch.setattr(
        functions, "LOADED", functions.LOADED.replace("import tinytorch", "import tinytorch, not_needed")
    )
    assert functions.imports(QUICK).detail == "`import tinytorch` imports not_needed, which the core does not depend on"
    monkeypatch.setattr(functions, "LOADED", functions.LOADED.replace("not_needed", "sneaking_there.inside"))
    told = "`import tinytorch` imports sneaking_there.inside, the plugin 'sneak'"
    assert functions.imports(QUICK) == Row("imports", "failed", told)


def test_a_core_that_cannot_be_imported_is_told(monkeypatch):
    monkeypatch.setattr(functions, "LOADED", "raise ImportError('no such numpy')")
    assert functions.imports(QUICK) == Row("imports", "failed", "ImportError: no such numpy")


def test_modules_are_judged_by_the_distribution_they_are_of():
    assert functions.foreign(["json", "tinytorch.core", "numpy.fft", "pluggy", "importlib_metadata._meta"]) == []
    assert functions.foreign(["zipper", "numpyish.sub", "numpyish"]) == [
        "`import tinytorch` imports numpyish, which the core does not depend on",
        "`import tinytorch` imports zipper, which the core does not depend on",
    ]


@pytest.mark.parametrize("function", [functions.linear_layers, functions.convolution])
def test_a_wrong_product_is_told(function):
    plugins.register(make("liar"), "liar")
    with plugins.using("liar"):
        found = function(QUICK)
    assert found.outcome == "failed"
    assert "from the formula, expected at most 1e-05" in found.detail
    assert found.difference > 1e-3


def test_a_wrong_derivative_is_told(monkeypatch):
    monkeypatch.setattr(registry.find("exp"), "derivative", lambda grad, out, x: grad)
    found = functions.derivatives(Plan((), ("exp",), quick=True))
    assert found.outcome == "failed"
    assert found.detail.startswith("exp: derivative 1 ")


def test_a_wrong_step_is_told(monkeypatch):
    monkeypatch.setattr(optim.SGD, "step_group", lambda self, group, params: None)
    found = functions.optimizers(QUICK)
    assert found.outcome == "failed"
    assert found.detail.startswith("SGD: is ")


def test_an_op_that_is_not_the_kernel_is_told():
    plugins.register(make("loopback"), "loopback")
    with plugins.using("loopback"):
        found = functions.optional(QUICK)
    assert found.outcome == "failed"


def test_a_model_that_does_not_learn_or_come_back_is_told(monkeypatch):
    monkeypatch.setattr(optim.Adam, "step_group", lambda self, group, params: None)
    assert "of the digits are right, expected 85 %" in functions.workflow(QUICK).detail
    monkeypatch.undo()
    spoilt = {"1.weight": 0.0, "1.bias": 0.0, "3.weight": 0.0, "3.bias": 0.0}
    read = tt.load
    monkeypatch.setattr(tt, "load", lambda path: {k: v * spoilt[k] for k, v in read(path).items()})
    assert functions.workflow(QUICK).detail == "the model that was read back answers something else"
