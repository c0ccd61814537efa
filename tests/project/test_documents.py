"""README and docs are true: their code runs, their op list is the op list, their names exist."""

import importlib.util
import re
from pathlib import Path

import pytest

from tinytorch import plugins
from tinytorch.plugins import registry

ROOT = Path(__file__).parents[2]
PAGES = sorted([ROOT / "README.md", *ROOT.glob("docs/**/*.md"), *ROOT.glob("tinytorch-*/README.md")])
PYTHON = re.compile(r"^```python\n(.*?)^```", re.DOTALL | re.MULTILINE)
LINK = re.compile(r"\]\(([^)#:]+)\)")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_code_blocks_of_a_page_run_in_order(page):
    blocks = PYTHON.findall(page.read_text(encoding="utf-8"))
    names = {}
    with plugins.using():
        for block in blocks:
            exec(compile(block, str(page), "exec"), names)  # noqa: S102  our own documents


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_of_a_page_lead_somewhere(page):
    missing = [link for link in LINK.findall(page.read_text(encoding="utf-8")) if not (page.parent / link).exists()]
    assert missing == []


def test_the_page_of_ops_is_what_the_script_writes():
    spec = importlib.util.spec_from_file_location("make_ops_page", ROOT / "scripts/make_ops_page.py")
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    assert script.PAGE.read_text(encoding="utf-8") == script.page(), "run scripts/make_ops_page.py"


def test_every_op_is_documented():
    undocumented = [name for name, op in registry.ops().items() if not (op.kernel.__doc__ or "").strip()]
    assert undocumented == []


@pytest.mark.parametrize("page", sorted(ROOT.glob("docs/decisions/*.md")), ids=lambda page: page.name)
def test_a_decision_is_at_most_forty_lines(page):
    assert len(page.read_text(encoding="utf-8").splitlines()) <= 40
