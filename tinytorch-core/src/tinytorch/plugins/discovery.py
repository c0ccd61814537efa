"""What is installed: the entry points of the group `tinytorch`; nothing is imported to find them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

from tinytorch.plugins.errors import PluginError
from tinytorch.plugins.registry import did_you_mean
from tinytorch.plugins.validation import check_name

if TYPE_CHECKING:
    from importlib_metadata import EntryPoint, IDistribution

GROUP = "tinytorch"
OURS = ("profiling", "accel", "quant", "compress", "cache", "bench")  # this project's, to say what to install


class Found(NamedTuple):
    """An installed plugin that nobody has imported yet."""

    name: str
    distribution: str
    version: str
    entry_point: EntryPoint
    problem: str = ""  # what the metadata alone tells to be wrong

    @property
    def source(self) -> str:
        """The distribution and its version."""
        return f"{self.distribution} {self.version}"

    def load(self) -> Any:
        """Import the plugin; raise whatever that raises."""
        if self.problem:
            raise PluginError(self.problem)
        return self.entry_point.load()


def installed() -> dict[str, Found]:
    """Return every installed plugin by name; one that cannot be used carries its problem."""
    plugins: dict[str, Found] = {}
    for distribution, version, point in entry_points(GROUP):
        found = Found(point.name, distribution, version, point, _problem(point.name))
        known = plugins.get(found.name)
        if known is None:
            plugins[found.name] = found
        elif known.distribution != found.distribution:  # else the first on sys.path shadows the other, as for modules
            both = f"{known.source} and {found.source}"
            problem = f"distributions {both} both bring a plugin '{found.name}'; uninstall one"
            plugins[found.name] = known._replace(problem=problem)
    return plugins


def find(name: str) -> Found:
    """Return the installed plugin of that name; raise PluginError that says what to install."""
    available = installed()
    if name in available:
        return available[name]
    if name in OURS:
        raise PluginError(f"plugin '{name}' is not installed: pip install tinytorch-{name}")
    known = ", ".join(sorted(available)) or "none"
    hint = did_you_mean(name, [*available, *OURS])
    raise PluginError(f"plugin '{name}' is not installed (installed: {known}){hint}")


def entry_points(group: str) -> Iterator[tuple[str, str, EntryPoint]]:
    """Give (distribution, version, entry point) of all distributions; unreadable metadata hides only itself."""
    from importlib_metadata import distributions  # 20 ms that the core alone need not spend

    for distribution in distributions():
        try:
            points = [*distribution.entry_points.select(group=group)]
        except Exception:  # noqa: BLE001, S112  whatever a file that is no metadata makes the parser raise
            continue
        for point in points:
            yield *_identity(distribution), point


def _identity(distribution: IDistribution) -> tuple[str, str]:
    try:
        return distribution.name or "unknown", distribution.version or "unknown"
    except Exception:  # noqa: BLE001  no METADATA, or none that can be read: the plugin may work nevertheless
        return "unknown", "unknown"


def _problem(name: str) -> str:
    try:
        check_name(name)
    except PluginError as error:
        return str(error)
    return ""
