"""Every mistake in `mistakes.txt` is told in one sentence that names what was called, what it expected and what came.

The table has two lines for each: what a person types, and what Python then prints. "..." stands for anything.
"""

import re
from pathlib import Path

import numpy as np
import pytest

import tinytorch as tt
from tinytorch import models, nn
from tinytorch.core import dataloader, tokenization, training
from tinytorch.core.training import Trainer
from tinytorch.nn import functional as F
from tinytorch.optim import SGD, Adam, AdamW, RMSprop, lr_scheduler
from tinytorch.utils import data

BEGINNING = re.compile(r"[A-Za-z_][\w.]*: |plugin '|'[\w ]+' |[A-Z]\w+ defines no ")


def mistakes():
    group, code = "", ""
    for line in Path(__file__).with_name("mistakes.txt").read_text().splitlines():
        if line.startswith("# "):
            group = line[2:]
        elif line.startswith("    "):
            yield pytest.param(code, *line.strip().split(": ", 1), id=f"{group}: {code}")
        else:
            code = line


def things():
    """What the mistakes are made with."""
    return {
        "tt": tt,
        "np": np,
        "models": models,
        "nn": nn,
        "F": F,
        "data": data,
        "dataloader": dataloader,
        "tokenization": tokenization,
        "training": training,
        "SGD": SGD,
        "Adam": Adam,
        "AdamW": AdamW,
        "RMSprop": RMSprop,
        "lr_scheduler": lr_scheduler,
        "Trainer": Trainer,
        "x": tt.ones(3, 4),
        "y": tt.ones(5, 6),
        "v": tt.ones(3),
        "z": tt.ones(()),
        "w": tt.ones(3, requires_grad=True),
        "whole": tt.tensor([0, 1]),
        "mask": tt.tensor([True, False]),
        "images": tt.ones(2, 3, 8, 8),
        "classes": tt.tensor([0, 1, 2]),
        "linear": nn.Linear(2, 2),
        "rows": data.TensorDataset(tt.ones(3, 4)),
    }


def pattern(sentence):
    return re.compile(".*".join(re.escape(part) for part in sentence.split("...")), re.DOTALL)


@pytest.mark.parametrize(("code", "kind", "sentence"), list(mistakes()))
def test_mistake_is_told_in_one_sentence(code, kind, sentence, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(Exception) as raised:
        exec(code, things())  # noqa: S102  our own table
    told = str(raised.value.args[0])
    assert type(raised.value).__name__ == kind
    assert pattern(sentence).fullmatch(told), told
    assert BEGINNING.match(told), "begins with the name of what was called"
    assert "\n" not in told
    assert "!" not in told


def test_there_are_many_mistakes():
    codes = [param.values[0] for param in mistakes()]
    assert len(codes) == len(set(codes))
    assert len(codes) >= 150
