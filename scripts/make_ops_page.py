"""Write docs/ops.md: every op of the core with its signature and what it does. A test keeps the page true."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import tinytorch  # noqa: F401  declares the ops
from tinytorch.plugins import registry

PAGE = Path(__file__).parents[1] / "docs" / "ops.md"
HEAD = """# Ops

Every op of the core: what a plugin may replace, under the hook name and with the arguments that stand here. Written by
`scripts/make_ops_page.py`. ∂: it has a derivative rule; view: it may share its first input's memory; in place: it
writes its inputs.
"""


def page() -> str:
    """The page as Markdown, a table for each chapter."""
    chapters: dict[str, list[str]] = {}
    for op in registry.ops().values():
        module = op.kernel.__module__
        if module.startswith("tinytorch.core."):
            chapters.setdefault(module.split(".")[2], []).append(row(op))
    tables = [
        f"## {name}\n\n| op | | what it does |\n|---|---|---|\n" + "\n".join(rows) for name, rows in chapters.items()
    ]
    return HEAD + "\n" + "\n\n".join(tables) + "\n"


def row(op: Any) -> str:
    """One op."""
    kinds = [name for name, holds in (("∂", op.derivative), ("view", op.view), ("in place", op.inplace)) if holds]
    summary = (op.kernel.__doc__ or "").split("\n\n")[0].replace("\n    ", " ").replace("|", "\\|")
    return f"| `{op.name}({', '.join(op.arguments)})` | {', '.join(kinds)} | {summary} |"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
