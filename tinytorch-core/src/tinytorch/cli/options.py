"""The options of `tinytorch train`, and those that other commands share with it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

RecipeArgument = Annotated[str | None, typer.Argument(metavar="RECIPE", help="See `tinytorch recipes`.")]
SeedOption = Annotated[
    int | None, typer.Option(metavar="N", min=0, help="The same seed gives the same bits; 0 if left out.")
]
EpochsOption = Annotated[int | None, typer.Option(metavar="N", min=0, help="How often the data is gone through.")]
BatchSizeOption = Annotated[int | None, typer.Option(metavar="N", min=1, help="Samples for one step.")]
RateOption = Annotated[
    float | None, typer.Option(metavar="RATE", min=0.0, max=1000, help="The learning rate at the start.")
]
CheckpointOption = Annotated[
    Path | None,
    typer.Option(metavar="PATH", help="Keep the run in this file (.npz or .safetensors), rewritten after each epoch."),
]
ResumeOption = Annotated[
    Path | None,
    typer.Option(
        "--resume", metavar="PATH", help="Go on with the run in this file, to the same bits, and keep it there."
    ),
]
DataOption = Annotated[
    Path | None,
    typer.Option(
        "--data", "--text", metavar="PATH", help="The data of recipes that read files: a folder, or a text for chars."
    ),
]
AnomalyOption = Annotated[
    bool, typer.Option("--detect-anomaly", help="Stop at the first nan or inf and name the op and the line; slower.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object at the end, and nothing else.")]
