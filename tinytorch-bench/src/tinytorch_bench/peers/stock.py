"""What some workloads need on disk: the models of MLPerf Tiny and Fashion-MNIST. Nothing is downloaded."""

from __future__ import annotations

import os
from pathlib import Path

from tinytorch import datasets
from tinytorch.datasets.fashion import FOLDER
from tinytorch.types import Array
from tinytorch_bench.peers.workloads import Workload
from tinytorch_bench.tinymlperf.tasks import TASKS, Task

VARIABLE = "TINYTORCH_DATA"


def model_file(task: Task) -> Path | None:
    """Find a task's int8 model in the folder that the environment names."""
    folder = os.environ.get(VARIABLE)
    path = Path(folder or ".", task.models["int8"])
    return path if folder and path.is_file() else None


def at_hand(workload: Workload) -> bool:
    """Whether what a workload reads is here."""
    if workload.group == "int8":
        return model_file(TASKS[workload.sizes["task"]]) is not None
    return workload.sizes.get("data") != "fashion" or (fashion() / "train-images-idx3-ubyte.gz").is_file()


def fashion() -> Path:
    """Give the folder of Fashion-MNIST: in that of the environment, or where Debian's package puts it."""
    own = Path(os.environ.get(VARIABLE) or ".", "fashion-mnist")
    return own if own.is_dir() else Path(FOLDER)


def images(data: str) -> list[Array]:
    """Images (n, 1, h, w) and labels to learn from, then those to be tested by."""
    parts = datasets.digits() if data == "digits" else datasets.fashion_mnist(fashion())
    return [tensor.numpy() for part in parts for tensor in part.tensors]
