"""The conformity kit: legal inputs for every op, and derivatives checked against finite differences.

A plugin's author compares with it: draw arguments from `cases_for("matmul")`, run the core's kernel and one's own, and
hold the distance against the row's tolerance. It needs nothing but numpy and the core.
"""

from tinytorch.testing.case import OpCase
from tinytorch.testing.gradients import check_gradient
from tinytorch.testing.table import OP_CASES, WITHOUT_DERIVATIVE, cases_for

__all__ = ["OP_CASES", "WITHOUT_DERIVATIVE", "OpCase", "cases_for", "check_gradient"]
