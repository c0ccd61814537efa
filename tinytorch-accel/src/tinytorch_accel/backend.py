"""The handle on the plugin: whether it answers, by which instruction set and threads, and the memory that it keeps."""

from __future__ import annotations

from typing import Any

from tinytorch import plugins
from tinytorch.plugins import PluginError
from tinytorch.plugins.activation import current
from tinytorch.plugins.validation import implemented_ops
from tinytorch_accel.processors import available

THREADS = 0  # as many as there are processors for this process
MEMORY = 512  # MiB


class AcceleratedBackend:
    """What the plugin `accel` does in this process; there is one, and every handle shows it."""

    @property
    def enabled(self) -> bool:
        """Whether it answers ops here; assigning turns it on or off for the whole process."""
        return "accel" in current().selection

    @enabled.setter
    def enabled(self, value: bool) -> None:
        (plugins.enable if value else plugins.disable)("accel")

    @property
    def isa(self) -> str:
        """The instruction set in force; TINYTORCH_ACCEL_ISA chooses one when the process begins."""
        return _kernels().isa()

    @property
    def isas(self) -> tuple[str, ...]:
        """The instruction sets that this processor has, the best first."""
        return tuple(_kernels().isas())

    @property
    def threads(self) -> int:
        """How many threads compute, the calling one included; assigning changes it, 0 for one a processor."""
        return _kernels().threads()

    @threads.setter
    def threads(self, count: int) -> None:
        _kernels().set_threads(_natural("threads", count) or available())

    @property
    def ops(self) -> tuple[str, ...]:
        """The ops that have a kernel here, by name; those of another plugin once it has declared them."""
        from tinytorch_accel import plugin

        return tuple(sorted(implemented_ops(plugin)))

    def memory(self) -> dict[str, int]:
        """Return what `tinytorch_accel.memory()` does."""
        return memory()

    def release_memory(self) -> None:
        """Do what `tinytorch_accel.release_memory()` does."""
        release_memory()

    def __repr__(self) -> str:
        state = "on" if self.enabled else "off"
        return f"<AcceleratedBackend {state}, {self.isa}, {self.threads} threads, {len(self.ops)} ops>"


def memory() -> dict[str, int]:
    """Return the bytes `in_use` by arrays, those `kept` for later ones and at `most`, and how many blocks were reused.

    `hits` are blocks that were kept, `misses` those that had to come from the system.
    """
    return _kernels().memory()


def release_memory() -> None:
    """Give the memory that is kept for later arrays back to the system; that of living arrays stays."""
    _kernels().release_memory()


def configure(options: dict[str, Any]) -> None:
    """Set what the options say: threads, and memory in MiB."""
    threads, megabytes = _natural("threads", options["threads"]), _natural("memory", options["memory"])
    _kernels().keep_at_most(megabytes << 20)
    _kernels().set_threads(threads or available())


def give_back() -> None:
    """End the threads and release the memory."""
    _kernels().set_threads(1)
    release_memory()


def _natural(name: str, value: int) -> int:
    if value < 0:
        raise PluginError(f"[accel] {name}: expected 0 or more, got {value}")
    return value


def _kernels() -> Any:
    from tinytorch_accel.compiled import kernels  # where it was not compiled, importing says so

    return kernels
