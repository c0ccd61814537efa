"""README and docs are true: their code runs and prints what they show, links lead somewhere, the op list is whole."""

import doctest
import importlib.util
import re
from pathlib import Path

import pytest

from tinytorch import plugins
from tinytorch.plugins import registry

ROOT = Path(__file__).parents[2]
PAGES = sorted([ROOT / "README.md", *ROOT.glob("docs/**/*.md"), *ROOT.glob("tinytorch-*/README.md")])
CODE = re.compile(r"^```(python|pycon)\n(.*?)^```", re.DOTALL | re.MULTILINE)
LINK = re.compile(r"\]\(([^)#:]+)\)")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_code_blocks_of_a_page_run_in_order(page, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)  # some write files
    monkeypatch.setattr(registry, "_ops", registry.ops())  # an op that a page declares is gone after it
    names = {}
    with plugins.using():
        for language, block in CODE.findall(page.read_text(encoding="utf-8")):
            if language == "pycon":
                assert unexpected_output(block, names) == ""
            else:
                exec(compile(block, str(page), "exec"), names)  # noqa: S102  our own documents


def unexpected_output(block, names):
    """What a block with >>> prints otherwise than it shows; the names that it makes are added."""
    examples = doctest.DocTestParser().get_doctest(block, names, "block", None, None)
    report = []
    doctest.DocTestRunner(verbose=False).run(examples, out=report.append, clear_globs=False)
    names.update(examples.globs)
    return "".join(report)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_of_a_page_lead_somewhere(page):
    missing = [link for link in LINK.findall(page.read_text(encoding="utf-8")) if not (page.parent / link).exists()]
    assert missing == []


@pytest.mark.parametrize("name", ["make_ops_page", "make_performance_page"])
def test_a_page_is_what_its_script_writes(name):
    spec = importlib.util.spec_from_file_location(name, ROOT / f"scripts/{name}.py")
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    assert script.PAGE.read_text(encoding="utf-8") == script.page(), f"run scripts/{name}.py"


def test_every_op_is_documented():
    undocumented = [name for name, op in registry.ops().items() if not (op.kernel.__doc__ or "").strip()]
    assert undocumented == []


@pytest.mark.parametrize("page", sorted(ROOT.glob("docs/decisions/*.md")), ids=lambda page: page.name)
def test_a_decision_is_at_most_forty_lines(page):
    assert len(page.read_text(encoding="utf-8").splitlines()) <= 40
