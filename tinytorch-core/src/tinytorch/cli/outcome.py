"""What came out of a training: for programs, for people, or in one sentence where it was stopped."""

from __future__ import annotations

import math
from dataclasses import asdict
from pathlib import Path
from typing import Any

import tinytorch
from tinytorch import plugins
from tinytorch.cli.display import Display
from tinytorch.cli.output import duration, percent, say, show_facts
from tinytorch.recipes import Recipe, Run


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
    tested, history, recipe = run.evaluate(), run.trainer.history, run.recipe
    return {
        "tinytorch": tinytorch.__version__,
        "recipe": recipe.name,
        **asdict(run.settings),
        **{f"{recipe.held_out}_{name}": value for name, value in tested.items()},
        f"{recipe.held_out}_{recipe.unit}": len(run.test_batches.dataset) * recipe.units,
        "train_loss": history[-1]["loss"] if history else None,
        recipe.unit: display.count,
        "seconds": display.seconds,
        f"{recipe.unit}_per_second": display.rate,
        "plugins": [*active],
        "checkpoint": None if path is None else str(path),
        "history": history,
        "report": [
            {"title": title, "text": text} for sections in plugins.hook().report_sections() for title, text in sections
        ],
    }


def summarize(result: dict[str, Any], recipe: Recipe) -> None:
    """Print what came out."""
    held_out, unit = recipe.held_out, recipe.unit
    share, count = result[f"{held_out}_accuracy"], result[f"{held_out}_{unit}"]
    rate = f", {result[f'{unit}_per_second']:,.0f} {unit}/s" if result[unit] else ""
    facts = {
        f"{held_out} accuracy": f"{percent(share)} ({round(share * count)} of {count} held out)",
        f"{held_out} loss": f"{result[f'{held_out}_loss']:.4f}",
        "training": f"{result[unit]:,} {unit} in {duration(result['seconds'])}{rate}",
        "plugins": ", ".join(result["plugins"]) or "none, the core alone",
    }
    if result["checkpoint"]:
        facts["checkpoint"] = result["checkpoint"]
    say()
    show_facts(facts)
    if result["train_loss"] is not None and math.isnan(result["train_loss"]):
        say("\nthe loss is nan: try a smaller --lr, or --detect-anomaly to see where it began")
    for section in result["report"]:
        say(f"\n{section['title']}\n{section['text']}")
