"""Checkpoints to damage."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # what the tests of this folder share is found here

from middle_of_a_run import make


@pytest.fixture(params=["npz", "safetensors"])
def saved(request, tmp_path):
    """A whole checkpoint, in each format."""
    if request.param == "safetensors":
        pytest.importorskip("safetensors")
    path = tmp_path / f"run.{request.param}"
    make().save_checkpoint(path)
    return path
