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
from tinytorch_profiling.profiler import profile
from tinytorch_profiling.scheduling import schedule

if TYPE_CHECKING:
    from tinytorch.core.training import Trainer

FAILED, INTERRUPTED = 1, 130
ENDLESS = 1_000_000  # epochs, of which the steps that were asked for are the beginning


class Steps(Callback):
    """Tells a profile of every step, and stops the training after so many."""

    def __init__(self, p: profile, count: int) -> None:
        self.profile, self.count = p, count

    def on_step_end(self, trainer: Trainer) -> None:
        """Go on to the next step, or stop."""
        self.profile.step()
        trainer.should_stop = self.profile.steps >= self.count


def recipe(name: str, steps: int, warmup: int, data: Path | None, *, memory: bool) -> tuple[profile, int]:
    """Train a recipe for some steps, after others that warm up; give the profile and an exit status."""
    try:
        run = recipes.prepare(recipes.find(name), data=data, epochs=ENDLESS)
    except ValueError as error:
        raise CommandError(f"{error}; a script's name ends in .py") from error
    p = profile(schedule(warmup=warmup, active=steps, repeat=1), memory=memory)
    run.trainer.callbacks.append(Steps(p, warmup + steps))
    return p, _run(p, run.fit)


def script(path: Path, arguments: Sequence[str], *, memory: bool) -> tuple[profile, int]:
    """Run a script to its end; give the profile and the script's exit status."""
    if not path.is_file():
        raise CommandError(f"there is no script {path}")
    p = profile(memory=memory)
    with _as_main(path, arguments):
        return p, _run(p, lambda: runpy.run_path(str(path), run_name="__main__"))


def _run(p: profile, what: Callable[[], object]) -> int:
    """Run it inside the profile; what breaks it off is told, and what was recorded till then is kept."""
    try:
        with p:
            what()
    except KeyboardInterrupt:
        complain("stopped; this is what was recorded till then")
        return INTERRUPTED
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    except CommandError:
        raise
    except Exception:  # noqa: BLE001  the script's own mistake, shown as Python would
        traceback.print_exc()
        complain("the program failed; this is what was recorded till then")
        return FAILED
    return 0


@contextmanager
def _as_main(path: Path, arguments: Sequence[str]) -> Iterator[None]:
    """Let a script find its arguments, and modules beside it."""
    kept = sys.argv[:], sys.path[:]
    sys.argv, sys.path = [str(path), *arguments], [str(path.parent.resolve()), *sys.path]
    try:
        yield
    finally:
        sys.argv, sys.path = kept
