"""What came out of a training: for programs, for people, or in one sentence where it was stopped."""

from __future__ import annotations

import math
from dataclasses import asdict
from pathlib import Path
from typing import Any

import tinytorch
from tinytorch import plugins
from tinytorch.cli.display import Display
from tinytorch.cli.output import duration, percent, say
from tinytorch.recipes import Run


def stopped(run: Run, path: Path | None, *, clean: bool) -> str:
    """Save what is whole, and say in one sentence where the run stands."""
    trainer = run.trainer
    where = f"stopped in epoch {trainer.epoch + 1} after batch {trainer.batch} of {len(run.train_batches)}"
    if path is None:
        return f"{where}; nothing is kept without --checkpoint"
    if clean:
        trainer.save_checkpoint(path)
    if not path.exists():
        return f"{where}; no checkpoint had been written yet"
    return f"{where}; go on with: tinytorch train --resume {path}"


def result_of(run: Run, display: Display, active: tuple[str, ...], path: Path | None) -> dict[str, Any]:
    """Test what was trained, and tell all about the run by name."""
    tested = run.evaluate()
    history = run.trainer.history
    return {
        "tinytorch": tinytorch.__version__,
        "recipe": run.recipe.name,
        **asdict(run.settings),
        "test_accuracy": tested["accuracy"],
        "test_loss": tested["loss"],
        "test_samples": len(run.test_batches.dataset),
        "train_loss": history[-1]["loss"] if history else None,
        "samples": display.samples,
        "seconds": display.seconds,
        "samples_per_second": display.rate,
        "plugins": [*active],
        "checkpoint": None if path is None else str(path),
        "history": history,
        "report": [
            {"title": title, "text": text} for sections in plugins.hook().report_sections() for title, text in sections
        ],
    }


def summarize(result: dict[str, Any]) -> None:
    """Print what came out."""
    right = round(result["test_accuracy"] * result["test_samples"])
    say()
    say(f"test accuracy  {percent(result['test_accuracy'])} ({right} of {result['test_samples']} held out)")
    say(f"test loss      {result['test_loss']:.4f}")
    rate = f", {result['samples_per_second']:,.0f} samples/s" if result["samples"] else ""
    say(f"training       {result['samples']:,} samples in {duration(result['seconds'])}{rate}")
    say(f"plugins        {', '.join(result['plugins']) or 'none, the core alone'}")
    if result["checkpoint"]:
        say(f"checkpoint     {result['checkpoint']}")
    if result["train_loss"] is not None and math.isnan(result["train_loss"]):
        say("\nthe loss is nan: try a smaller --lr, or --detect-anomaly to see where it began")
    for section in result["report"]:
        say(f"\n{section['title']}\n{section['text']}")
