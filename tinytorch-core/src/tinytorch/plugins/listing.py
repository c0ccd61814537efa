"""What there is and what it does: `list_plugins` shows every plugin, `explain` who answers an op."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from tinytorch.plugins import discovery, registry
from tinytorch.plugins.activation import configure_process, current
from tinytorch.plugins.errors import PluginError
from tinytorch.plugins.inspection import Contents, contents, exactness, look_into
from tinytorch.plugins.loading import settings
from tinytorch.plugins.manager import CORE
from tinytorch.plugins.process import process


@dataclass(frozen=True)
class PluginStatus:
    """One line of `tinytorch plugins`."""

    name: str
    distribution: str
    version: str
    state: str  # available, enabled or broken
    why: str  # who enabled or disabled it, or what is wrong
    description: str = ""
    ops: tuple[str, ...] = ()
    exactness: dict[str, str] = field(default_factory=dict)
    options: dict[str, Any] = field(default_factory=dict)
    transforms: tuple[str, ...] = ()


def list_plugins() -> list[PluginStatus]:
    """Return every plugin that is installed, registered or asked for, in the order of priority, then by name.

    Those that nobody asked for are looked into by another process, once if they are not broken: they cannot hurt this
    one.
    """
    with suppress(PluginError):  # what is broken is told beside its plugin
        configure_process()
    installed = discovery.installed()
    state = process.state
    asked = [name for name in settings().plugins or () if name != "all"]
    names = dict.fromkeys((*state.enabled, *asked, *sorted({*installed, *state.plugins})))
    looked = _look_into([found for name, found in installed.items() if not found.problem and not _is_known(name)])
    return [_status(name, installed.get(name), looked.get(name)) for name in names]


def explain(op: str) -> list[tuple[str, str]]:
    """Return who is asked for an op here, in order: (plugin, what it does there); the core is the last."""
    registry.find(op)
    table = current()
    table[op]
    chain = [(plugin, "watches") for plugin in table.around[op]]
    for implementation in getattr(table.manager_of(op).hook, op).get_hookimpls()[::-1]:
        if implementation.plugin_name.split(".")[0] == CORE:
            chain.append((CORE, "the kernel"))
        else:
            role = "wraps" if implementation.wrapper else exactness(implementation.function)
            chain.append((implementation.plugin_name, role))
    return chain


def _look_into(plugins: list[discovery.Found]) -> dict[str, Contents]:
    """Return what is in installed plugins; another process, which is slow to start, is asked once."""
    seen = process.state.seen
    found = look_into([each.name for each in plugins if each not in seen])
    seen.update({each: found[each.name] for each in plugins if each.name in found and not found[each.name].problem})
    return {each.name: seen.get(each) or found[each.name] for each in plugins}


def _is_known(name: str) -> bool:
    return name in process.state.plugins or name in process.state.broken


def _status(name: str, found: discovery.Found | None, looked: Contents | None) -> PluginStatus:
    state = process.state
    inside = looked or _inside(name, found)
    distribution, version = (found.distribution, found.version) if found else ("-", "-")
    if name in state.plugins and name not in state.sources:
        distribution, version = (
            "-",
            str(getattr(state.plugins[name], "__version__", "-")),
        )  # registered by code
    if inside.problem:
        return PluginStatus(name, distribution, version, "broken", inside.problem)
    return PluginStatus(
        name,
        distribution,
        version,
        "enabled" if name in state.enabled else "available",
        _who(name),
        inside.description,
        tuple(inside.ops),
        inside.ops,
        dict(state.options.get(name, {})),
        inside.transforms,
    )


def _inside(name: str, found: discovery.Found | None) -> Contents:
    """Return what is in a plugin of this process, or what is wrong with one that is not there."""
    if name in process.state.broken:
        return Contents(problem=process.state.broken[name])
    if name in process.state.plugins:
        return contents(process.state.plugins[name])
    try:
        problem = (found or discovery.find(name)).problem
    except PluginError as error:
        problem = str(error)
    return Contents(problem=problem)


def _who(name: str) -> str:
    """Return who enabled a plugin, or who disabled it, or why it waits."""
    state, asked = process.state, settings()
    if name in state.enabled:
        return f"set by {state.origins[name]}"
    if name in state.disabled:
        return "disabled by code"
    if name in asked.disabled:
        return "disabled by environment TINYTORCH_DISABLE"
    if not state.ready and ({name, "all"} & {*(asked.plugins or ())}):
        return f"asked for by {asked.origin}; waits until '{next(iter(state.broken), 'the file')}' is repaired"
    return ""
