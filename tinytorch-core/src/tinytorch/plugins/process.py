"""What holds for the whole process: the table in force, and the state that it was made from."""

from __future__ import annotations

import threading
from collections import Counter
from typing import TYPE_CHECKING, Any

from tinytorch.types import Kernel

if TYPE_CHECKING:
    from tinytorch.plugins.config import Settings
    from tinytorch.plugins.discovery import Found
    from tinytorch.plugins.inspection import Contents
    from tinytorch.plugins.tables import Table

Selection = tuple[str, ...]  # plugins by name, highest priority first


class State:
    """Who was asked for, by whom, and what was loaded and built; a new one is a process that just started."""

    def __init__(self) -> None:
        self.settings: Settings | None = None  # what file and environment say, once they have been read
        self.ready: bool = False  # what they ask for is enabled
        self.enabled: Selection = ()
        self.origins: dict[str, str] = {}  # who enabled it: file, environment or code
        self.disabled: set[str] = set()  # by code, whatever file and environment say
        self.plugins: dict[str, Any] = {}  # imported or registered: modules or objects
        self.sources: dict[str, str] = {}  # the distribution and version that brought it
        self.options: dict[str, dict[str, Any]] = {}  # of plugins that are configured
        self.broken: dict[str, str] = {}  # what went wrong when it was last loaded
        self.seen: dict[Found, Contents] = {}  # what another process found in those nobody asked for
        self.users: Counter[str] = Counter()  # how many `using` hold it at this moment
        self.leaving: set[str] = set()  # disabled while a `using` held it
        self.tables: dict[Selection, Table] = {}
        self.watched: list[Table] = []  # those with instruments, while their blocks run


class Process:
    """The one object that every op call reads: `table`, over which goes what `using` chose, once `scoped`."""

    def __init__(self) -> None:
        self.table: dict[str, Kernel] = {}  # set by `activation`, which knows how to configure
        self.scoped = False  # until the first `using` no call has to ask for the context's own table
        self.state = State()
        self.lock = threading.RLock()  # whoever changes the state, or compiles, holds it; calls never do


process = Process()
