"""Loading: from installed to configured. A plugin is imported, checked and told its options, once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tinytorch.plugins import discovery
from tinytorch.plugins.context import overriding
from tinytorch.plugins.errors import PluginError
from tinytorch.plugins.options import Options
from tinytorch.plugins.process import Selection, process
from tinytorch.plugins.tables import table_for
from tinytorch.plugins.validation import check_plugin

if TYPE_CHECKING:
    from tinytorch.plugins.config import Settings


def settings() -> Settings:
    """Return what file and environment say, read once."""
    from tinytorch.plugins import config  # not before a program needs it: it takes longer than the rest of the seam

    if process.state.settings is None:
        process.state.settings = config.read()
    return process.state.settings


def expand(names: Selection) -> Selection:
    """Return the names, each once; "all" stands for everything installed that is not named."""
    if "all" in names:
        at = names.index("all")
        names = (
            *names[:at],
            *[name for name in sorted(discovery.installed()) if name not in names],
            *names[at + 1 :],
        )
    return tuple(dict.fromkeys(names))


def load(name: str) -> None:
    """Import, check and configure a plugin, once; meanwhile the core alone answers it.

    Raises PluginError that names the distribution, keeps the cause and says what to do.
    """
    state = process.state
    if name in state.options:
        return
    settings()
    try:
        with overriding(table_for(())):
            if name not in state.plugins:
                state.plugins[name] = _imported(name)
            state.options[name] = _configured(name)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # a plugin must not end the program that asks for it: SystemExit too
        explained = _explained(name, error)
        if name in state.sources or name in state.plugins:  # it is there, and wrong
            state.broken[name] = str(explained)
        if explained is error:
            raise
        raise explained from error
    state.broken.pop(name, None)


def unload(name: str) -> None:
    """Let a plugin give back what it took when it was configured."""
    if process.state.options.pop(name, None) is None:
        return
    try:
        table_for((name,)).manager.hook.unconfigure()
    except Exception as error:
        raise PluginError(
            f"plugin '{name}' is disabled, but unconfigure raised {type(error).__name__}: {error}"
        ) from error


def _imported(name: str) -> Any:
    found = discovery.find(name)
    process.state.sources[name] = found.source
    plugin = found.load()
    check_plugin(name, plugin)
    return plugin


def _configured(name: str) -> dict[str, Any]:
    """Ask the plugin for its options, check what the configuration says of them, and hand them over."""
    hook = table_for((name,)).manager.hook
    options = Options(name)
    hook.register_options(options=options)
    values = options.resolve(settings().options.get(name, {}))
    hook.configure(options=dict(values))
    return values


def _explained(name: str, error: BaseException) -> BaseException:
    """Return the error as a sentence that says which plugin of which distribution it is, and what to do."""
    state = process.state
    source = state.sources.get(name)
    if isinstance(error, PluginError):
        what = str(error)
    else:
        done = "configured" if name in state.plugins else "imported"
        what = f"plugin '{name}' cannot be {done}: {type(error).__name__}: {error}"
    if source is None:  # not installed, or registered by code
        return error if isinstance(error, PluginError) else PluginError(what)
    advice = f"repair what is wrong, or leave '{name}' out of the plugins asked for"
    return PluginError(f"{what} (it comes from distribution {source}; {advice})")
