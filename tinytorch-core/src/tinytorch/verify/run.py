"""The whole verification: which sections there are, in which order, and what they ran on."""

from __future__ import annotations

import os
import platform
from collections.abc import Callable, Iterator

import numpy as np

import tinytorch
from tinytorch import plugins
from tinytorch.verify import functions, health, journeys, modules, ops, speed
from tinytorch.verify.report import Plan, Report, Row, Section

Rows = Callable[[Plan], Iterator[Row]]

SECTIONS: tuple[tuple[str, str, Rows], ...] = (
    ("Core functions", "The core alone computes what its formulas say, and pays for no plugin.", functions.rows),
    ("Every op", "An implementation cannot be told from the core's by anything but time and memory.", ops.rows),
    (
        "Journeys",
        "Trained from the same seed with and without plugins: the same losses, answers, tokens.",
        journeys.rows,
    ),
    (
        "Health",
        "The same bits again, no nan, no leak, nothing changed elsewhere, plugins switched at any time.",
        health.rows,
    ),
    ("Speed", speed.SHOWS, speed.rows),
    ("Plugins", "What is installed, and what enabling it can change.", modules.rows),
)


def installed() -> tuple[str, ...]:
    """The plugins that distributions bring and that can be loaded, by name."""
    return tuple(each.name for each in plugins.list() if each.state != "broken" and each.distribution != "-")


def verify(plan: Plan, progress: Callable[[Section], None] = lambda section: None) -> Report:
    """Try all that is planned; `progress` is called with the section after every row, and when one begins.

    What a section raises is a failed row: a plugin that breaks something is what this is for.
    """
    report = Report(environment(plan), [])
    for title, shows, rows in SECTIONS:
        section = Section(title, shows)
        report.sections.append(section)
        progress(section)
        try:
            for row in rows(plan):
                section.rows.append(row)
                progress(section)
        except Exception as error:  # noqa: BLE001  told in the report
            told = "; ".join([f"{type(error).__name__}: {error}", *getattr(error, "__notes__", ())])
            section.rows.append(Row("unexpected", "failed", told))
            progress(section)
    return report


def environment(plan: Plan) -> dict[str, str]:
    """What the figures depend on."""
    threads = os.environ.get("OPENBLAS_NUM_THREADS") or os.environ.get("OMP_NUM_THREADS") or "as many as cores"
    return {
        "tinytorch": tinytorch.__version__,
        "numpy": np.__version__,
        "Python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores",
        "threads": threads,
        "plugins": ", ".join(plan.plugins) or "none",
        "extent": "quick" if plan.quick else "full",
        "seed": str(plan.seed),
    }
