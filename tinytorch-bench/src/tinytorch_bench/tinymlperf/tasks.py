"""Tasks: their models, inputs and quality targets, as the rules of MLPerf Tiny have them.

Sources, all of github.com/mlcommons/tiny: `benchmark/MLPerfTiny_Rules.adoc`, version 1.2 (targets, metrics, the single
stream), `benchmark/evaluation/datasets/README.md` (formats and number of the samples). That keywords are spotted
offline, too, is of mlcommons.org's table of the suite, version 1.3. Its fifth task, which listens to a stream, is left
out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from enum import StrEnum

TOP1, AUC = "top-1", "AUC"


class Precision(StrEnum):
    """Which of the reference models."""

    INT8 = "int8"
    FLOAT32 = "float32"


class Scenario(StrEnum):
    """One input after the other, or batches."""

    SINGLE_STREAM = "single-stream"
    OFFLINE = "offline"


class TinyError(RuntimeError):
    """A task cannot be run; the sentence says why."""


class MissingError(TinyError):
    """What a task needs is not here."""


@dataclass(frozen=True)
class Task:
    """What is asked, of which models, and how good the answers have to be."""

    name: str
    official: str  # the folder of its samples
    title: str
    shape: tuple[int, ...]  # of an input, channels last, as the files have it
    outputs: int
    metric: str
    target: float
    models: dict[str, str]  # by precision: files below the folder of data
    dataset: str
    files: int  # official samples
    stored: str  # dtype of a sample's numbers
    scale: float = 1.0  # real = scale · (stored - zero)
    zero: int = 0
    drawn: tuple[int, int] = (0, 255)  # between which stored numbers are drawn where there are no samples
    stride: int = 0  # numbers from one window of a file to the next; 0: a file is one input
    scenarios: tuple[Scenario, ...] = (Scenario.SINGLE_STREAM,)
    packed: str = ""  # where samples may lie besides, in one file

    @property
    def classes(self) -> int:
        """What a label may be: a class, or for sounds 1, out of order, and 0."""
        return 2 if self.metric == AUC else self.outputs

    @property
    def hint(self) -> str:
        """Say where its samples come from."""
        return (
            f"{self.official}/ of the folder of data lacks y_labels.csv, of github.com/mlcommons/tiny's "
            f"benchmark/evaluation/datasets/{self.official}, and the {self.files} files of {self.dataset} that it names"
        )


TASKS = {
    task.name: task
    for task in (
        Task(
            name="kws",
            official="kws01",
            title="keyword spotting, DS-CNN",
            shape=(49, 10, 1),
            outputs=12,
            metric=TOP1,
            target=0.90,
            models={"int8": "kws/kws_ref_model.tflite", "float32": "kws/kws_ref_float32.npz"},
            dataset="Speech Commands v2",
            files=1000,
            stored="int8",  # quantized as the reference's int8 model has it
            scale=0.5847029089927673,
            zero=83,
            drawn=(-128, 127),
            scenarios=tuple(Scenario),
            packed="kws/kws01_samples.npz",
        ),
        Task(
            name="ic",
            official="ic01",
            title="image classification, ResNet-8",
            shape=(32, 32, 3),
            outputs=10,
            metric=TOP1,
            target=0.85,
            models={"int8": "ic/pretrainedResnet_quant.tflite", "float32": "ic/pretrainedResnet.tflite"},
            dataset="CIFAR-10",
            files=200,
            stored="uint8",  # the network takes bytes as they are
        ),
        Task(
            name="vww",
            official="vww01",
            title="visual wake words, MobileNetV1 0.25",
            shape=(96, 96, 3),
            outputs=2,
            metric=TOP1,
            target=0.80,
            models={"int8": "vww/vww_96_int8.tflite", "float32": "vww/vww_96_float.tflite"},
            dataset="COCO 2014",
            files=1000,
            stored="uint8",
            scale=1 / 255,
        ),
        Task(
            name="ad",
            official="ad01",
            title="anomaly detection, autoencoder",
            shape=(640,),
            outputs=640,
            metric=AUC,
            target=0.85,
            models={"int8": "ad/ad01_int8.tflite", "float32": "ad/ad01_fp32.tflite"},
            dataset="ToyADMOS/car",
            files=248,
            stored="<f4",  # decibels, 128 bands a moment; five moments are an input
            drawn=(-80, 10),
            stride=128,
        ),
    )
}


def chosen(names: Sequence[str]) -> list[Task]:
    """Give the tasks of these names in the table's order, all where none is named; raise TinyError for another."""
    for name in names:
        if name not in TASKS:
            near = get_close_matches(name, TASKS, 1)
            hint = f"did you mean '{near[0]}'?" if near else f"there are {', '.join(TASKS)}"
            raise TinyError(f"there is no task '{name}'; {hint}")
    return [task for task in TASKS.values() if not names or task.name in names]
