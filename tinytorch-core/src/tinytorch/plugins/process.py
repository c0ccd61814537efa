"""What holds for the whole process: the table in force, and the state that it was made from."""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tinytorch.types import Kernel

if TYPE_CHECKING:
    from tinytorch.plugins.config import Settings
    from tinytorch.plugins.discovery import Found
    from tinytorch.plugins.inspection import Contents
    from tinytorch.plugins.tables import Table

Selection = tuple[str, ...]  # plugins by name, highest priority first


@dataclass
class State:
    """Who was asked for, by whom, and what was loaded and built; a new one is a process that just started."""

    settings: Settings | None = None  # what file and environment say, once they have been read
    ready: bool = False  # what they ask for is enabled
    enabled: Selection = ()
    origins: dict[str, str] = field(default_factory=dict)  # who enabled it: file, environment or code
    disabled: set[str] = field(default_factory=set)  # by code, whatever file and environment say
    plugins: dict[str, Any] = field(default_factory=dict)  # imported or registered: modules or objects
    sources: dict[str, str] = field(default_factory=dict)  # the distribution and version that brought it
    options: dict[str, dict[str, Any]] = field(default_factory=dict)  # of plugins that are configured
    broken: dict[str, str] = field(default_factory=dict)  # what went wrong when it was last loaded
    seen: dict[Found, Contents] = field(default_factory=dict)  # what another process found in those nobody asked for
    users: Counter[str] = field(default_factory=Counter)  # how many `using` hold it at this moment
    leaving: set[str] = field(default_factory=set)  # disabled while a `using` held it
    tables: dict[Selection, Table] = field(default_factory=dict)


class Process:
    """The one object that every op call reads: `table`, over which goes what `using` chose, once `scoped`."""

    def __init__(self) -> None:
        self.table: dict[str, Kernel] = {}  # set by `activation`, which knows how to configure
        self.scoped = False  # until the first `using` no call has to ask for the context's own table
        self.state = State()
        self.lock = threading.RLock()  # whoever changes the state, or compiles, holds it; calls never do


process = Process()
