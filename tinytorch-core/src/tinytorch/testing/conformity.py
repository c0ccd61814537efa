"""A test class for a plugin: `class TestMine(PluginConformity): plugin = "mine"` is the whole of it."""

from __future__ import annotations

from typing import Any, ClassVar

from tinytorch.testing.examination import check_plugin
from tinytorch.testing.table import OP_CASES

OF_EVERY_CLASS = {
    "__module__",
    "__qualname__",
    "__doc__",
    "__annotations__",
    "__firstlineno__",
    "__static_attributes__",
}


class PluginConformity:
    """A test for every op, for pytest to collect: under the plugin it cannot be told from the core's.

    What is tried, and how near answers must be, is the core's to say: a subclass that brings a test, a mark or a
    setting of its own is refused, so that a green run means the same for every plugin; a mark above
    the class can still skip it, which pytest counts.
    """

    plugin: ClassVar[str]

    def __init_subclass__(cls, **options: Any) -> None:
        own = set(vars(cls)) - OF_EVERY_CLASS
        if cls.__bases__ != (PluginConformity,) or options or own != {"plugin"}:
            raise TypeError(
                f"{cls.__name__}: expected PluginConformity as its only base and `plugin`, a plugin's name, as "
                f"its only attribute, got {', '.join(sorted(own | {*options})) or 'none'}; your tests go beside it"
            )

    def pytest_generate_tests(self, metafunc: Any) -> None:
        """Ask for a test of each op."""
        metafunc.parametrize("op", list(dict.fromkeys(case.op for case in OP_CASES)))

    def test_op(self, op: str) -> None:
        """The op gives the core's answers and derivatives, and leaves nothing behind."""
        check_plugin(self.plugin, [op])
