"""Sides: each a worker that waits for orders, and none of them is left when the comparison ends."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

from tinytorch_bench.peers.peer import Known, PeerError

MALLOC = "glibc.malloc.mmap_threshold=1073741824:glibc.malloc.trim_threshold=2147483647"  # keeps what is freed
COUNTS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


@dataclass(frozen=True)
class Side:
    """Who computes: a peer, with so many threads, perhaps with a tuned allocator; tinytorch with plugins."""

    peer: Known
    threads: int
    plugins: str | None = None  # as TINYTORCH_PLUGINS has them; None leaves it to the configuration
    tuned: bool = False

    def environment(self) -> dict[str, str]:
        """Give the variables of its process."""
        variables = {**os.environ, **dict.fromkeys(COUNTS, str(self.threads))}
        variables["PYTHONPATH"] = os.pathsep.join(filter(None, sys.path))
        if self.plugins is not None:
            variables["TINYTORCH_PLUGINS"] = self.plugins
            variables.pop("TINYTORCH_DISABLE", None)
        if self.tuned:
            variables["GLIBC_TUNABLES"] = MALLOC
        return variables

    def __str__(self) -> str:
        threads = f"{self.threads} {'thread' if self.threads == 1 else 'threads'}"
        return f"{self.peer.title} with {threads}{' and a tuned malloc' if self.tuned else ''}"


class Worker:
    """The process of a side."""

    def __init__(self, side: Side) -> None:
        self.side = side
        self.errors = tempfile.TemporaryFile()  # noqa: SIM115  closed with the worker
        command = [sys.executable, "-P", "-m", "tinytorch_bench.peers.worker", side.peer.module, str(side.threads)]
        self.process = subprocess.Popen(  # noqa: S603  our own program
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.errors,
            text=True,
            env=side.environment(),
            start_new_session=True,  # Ctrl-C is ours to handle
        )

    def ask(self, do: str, **order: Any) -> Any:
        """Send an order and wait for the answer; raise PeerError where there is none."""
        told = self._told(json.dumps({"do": do, **order}))
        about = f" {order['workload']}" if "workload" in order else ""
        if not told:
            raise PeerError(f"the worker of {self.side} ended with {self._last_words()} when asked to {do}{about}")
        answer = json.loads(told)
        if "error" in answer:
            raise PeerError(f"{self.side} cannot {do}{about}: {answer['error']}")
        return answer["answer"]

    def _told(self, order: str) -> str:
        pipes = self.process.stdin, self.process.stdout
        assert pipes[0] is not None
        assert pipes[1] is not None
        try:
            pipes[0].write(f"{order}\n")
            pipes[0].flush()
        except BrokenPipeError:
            return ""
        return pipes[1].readline()

    def _last_words(self) -> str:
        """How it ended, and what it wrote last."""
        status = self.process.wait()
        self.errors.seek(0)
        lines = self.errors.read().decode(errors="replace").split("\n")
        last = next((line.strip() for line in reversed(lines) if line.strip()), "")
        how = f"signal {-status}" if status < 0 else f"status {status}"
        return f"{how} ({last})" if last else how

    def close(self) -> None:
        """End the process at once, in the middle of what it does."""
        self.process.kill()
        with suppress(BrokenPipeError):
            self.process.communicate()
        self.errors.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class Workers:
    """The workers of a comparison, begun when they are first asked for, ended with it."""

    def __init__(self) -> None:
        self._running: dict[Side, Worker] = {}
        self.facts: dict[Side, dict[str, Any]] = {}

    def of(self, side: Side) -> Worker:
        """Return the side's worker."""
        if side not in self._running:
            self._running[side] = Worker(side)
            self.facts[side] = self._running[side].ask("begin", threads=side.threads)
        return self._running[side]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for worker in self._running.values():
            worker.close()
