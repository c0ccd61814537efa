"""Running what a person wants profiled: some steps of a recipe, or a script as `python SCRIPT.py` would."""

from __future__ import annotations

import runpy
import sys
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from tinytorch import recipes
from tinytorch.cli.output import CommandError, complain
from tinytorch.core.training import Callback
from tinytorch_profiling.memory import MemoryProfiler
from tinytorch_profiling.profiler import profile

if TYPE_CHECKING:
    from tinytorch.core.training import Trainer

FAILED, INTERRUPTED = 1, 130
ENDLESS = 1_000_000  # epochs, of which the steps that were asked for are the beginning


Look = profile | MemoryProfiler


class Steps(Callback):
    """Tells whoever looks of every step, and stops the training after so many."""

    def __init__(self, look: Look, count: int) -> None:
        self.look, self.left = look, count

    def on_step_end(self, trainer: Trainer) -> None:
        """Go on to the next step, or stop."""
        self.look.step()
        self.left -= 1
        trainer.should_stop = not self.left


def recipe(name: str, look: Look, steps: int, data: Path | None) -> int:
    """Train a recipe for some steps while somebody looks; give an exit status."""
    try:
        run = recipes.prepare(recipes.find(name), data=data, epochs=ENDLESS)
    except ValueError as error:
        raise CommandError(f"{error}; a script's name ends in .py") from error
    run.trainer.callbacks.append(Steps(look, steps))
    return _run(look, run.fit)


def script(path: Path, look: Look, arguments: Sequence[str]) -> int:
    """Run a script to its end while somebody looks; give the script's exit status."""
    if not path.is_file():
        raise CommandError(f"there is no script {path}")
    with _as_main(path, arguments):
        return _run(look, lambda: runpy.run_path(str(path), run_name="__main__"))


def _run(look: Look, what: Callable[[], object]) -> int:
    """Run it while somebody looks; what breaks it off is told, and what was seen till then is kept."""
    try:
        with look:
            what()
    except KeyboardInterrupt:
        complain("stopped; this is what was seen till then")
        return INTERRUPTED
    except SystemExit as end:
        return _status(end.code)
    except CommandError:
        raise
    except Exception:  # noqa: BLE001  the script's own mistake, shown as Python would
        traceback.print_exc()
        complain("the program failed; this is what was seen till then")
        return FAILED
    return 0


def _status(code: str | int | None) -> int:
    """What a script that called `sys.exit` ends with; anything but a number is its last word, as in Python."""
    if code is None or isinstance(code, int):
        return code or 0
    sys.stderr.write(f"{code}\n")
    return FAILED


@contextmanager
def _as_main(path: Path, arguments: Sequence[str]) -> Iterator[None]:
    """Let a script find its arguments, and modules beside it."""
    kept = sys.argv[:], sys.path[:]
    sys.argv, sys.path = [str(path), *arguments], [str(path.parent.resolve()), *sys.path]
    try:
        yield
    finally:
        sys.argv, sys.path = kept
