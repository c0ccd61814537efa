"""To be replaced."""

from collections.abc import Iterator

from tinytorch.verify.report import Plan, Row


def rows(plan: Plan) -> Iterator[Row]:
    """Nothing yet."""
    yield Row("nothing", "skipped")
