"""The conformity kit: whether a plugin can be told from the core by anything but time and memory.

`check_plugin("mine")` tries every op that a plugin implements on all kinds of legal inputs, and every derivative;
`PluginConformity` makes a test class of it, `shadow("mine")` tries it in real training. `OP_CASES` says how to draw
legal arguments of every op and how near an answer must be, `check_gradient` holds derivatives against finite
differences. It needs nothing but numpy and the core.

Read in this order: draw, case, the pages of cases, table, gradients; then arguments, comparison, reference, inputs,
conduct, finding, values, slopes, derivatives, examination, conformity, shadow, plugins.
"""

from tinytorch.testing.case import OpCase
from tinytorch.testing.conformity import PluginConformity
from tinytorch.testing.examination import check_plugin, examine
from tinytorch.testing.finding import Examination, Problem
from tinytorch.testing.gradients import check_gradient
from tinytorch.testing.shadow import ShadowError, shadow
from tinytorch.testing.table import OP_CASES, WITHOUT_DERIVATIVE, cases_for

__all__ = [
    "OP_CASES",
    "WITHOUT_DERIVATIVE",
    "Examination",
    "OpCase",
    "PluginConformity",
    "Problem",
    "ShadowError",
    "cases_for",
    "check_gradient",
    "check_plugin",
    "examine",
    "shadow",
]
