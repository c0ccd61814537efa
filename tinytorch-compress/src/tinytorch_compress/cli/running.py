"""What the commands share: running a pipeline while somebody watches, and showing what came out."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from tinytorch import plugins
from tinytorch.cli.output import CommandError, console, percent, say, show_table
from tinytorch.core.training import Callback
from tinytorch.plugins.activation import current
from tinytorch.recipes import SavedModel, load_model, save_model
from tinytorch_compress import pipeline
from tinytorch_compress.pipeline import Stage, Step

if TYPE_CHECKING:
    from tinytorch.core.training import Trainer


class Progress(Callback):
    """Says after each epoch how a step's training goes, on standard error where that is a terminal."""

    def __init__(self, step: Step) -> None:
        self.step = step

    def on_epoch_end(self, trainer: Trainer) -> None:
        """Say it."""
        out = console(stderr=True)
        if out.is_terminal:
            loss = trainer.history[-1]["loss"]
            end = "\n" if trainer.epoch == self.step.epochs else "\r"
            out.print(f"{self.step.transform}: epoch {trainer.epoch} of {self.step.epochs}, loss {loss:.4f}", end=end)


def compressed(
    path: Path, data: Path | None, names: list[str], steps: list[Step], seed: int
) -> tuple[SavedModel, list[Stage]]:
    """Read a model, and run the steps with these plugins besides the enabled ones; give the last model and all stages.

    Raises CommandError for what a transform refuses.
    """
    with plugins.using(*dict.fromkeys([*current().selection, "compress", *names])):
        begun = load_model(path, data)
        try:
            results = [*pipeline.run(begun, steps, seed=seed, callbacks=lambda step: [Progress(step)])]
        except (ValueError, TypeError) as error:
            raise CommandError(str(error)) from error
    return results[-1][0], [stage for _, stage in results]


def written(saved: SavedModel, out: Path | None) -> None:
    """Write the model deflated, if somebody wants it."""
    if out is not None:
        save_model(saved, out, compress=out.suffix == ".npz")


def check_out(out: Path | None) -> None:
    """Raise CommandError for a place that cannot be written, before anything is computed."""
    if out is None:
        return
    if out.suffix not in {".npz", ".safetensors"}:
        raise CommandError(f"--out: expected a path ending in .npz or .safetensors, got {out}")
    if not out.resolve().parent.is_dir():
        raise CommandError(f"--out: there is no folder {out.resolve().parent}")


def told(saved: SavedModel, stages: list[Stage], out: Path | None) -> dict[str, Any]:
    """The outcome by name, for JSON."""
    return {
        "recipe": saved.recipe.name,
        "stages": [stage.to_dict() for stage in stages],
        "out": None if out is None else str(out),
        "out_bytes": None if out is None else out.stat().st_size,
    }


def show(saved: SavedModel, stages: list[Stage], out: Path | None) -> None:
    """Print a row for each stage."""
    metric = f"{saved.recipe.held_out} accuracy"
    columns = ["step", "zeros", "MACs", ".npz bytes", "deflated", "smaller", metric, "loss"]
    show_table(columns, [_row(stage, stages[0]) for stage in stages])
    if out is not None:
        say(f"written: {out}, {out.stat().st_size:,} bytes; tinytorch eval {out} tests it")


def _row(stage: Stage, first: Stage) -> list[str]:
    return [
        stage.name,
        "–" if stage.sparsity is None else percent(stage.sparsity),
        "–" if stage.macs is None else f"{stage.macs:,}",
        f"{stage.bytes:,}",
        f"{stage.packed_bytes:,}",
        f"{first.bytes / stage.packed_bytes:.2f}×",
        percent(stage.accuracy),
        f"{stage.loss:.4f}",
    ]
