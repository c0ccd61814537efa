"""Real data that stands outside the project."""

import os
from pathlib import Path

import pytest

BESIDE = Path(__file__).parents[3].parent / "shared" / "data"


@pytest.fixture
def real_data():
    """Give a function that finds a file among the real data, or skips."""

    def find(name):
        path = Path(os.environ.get("TINYTORCH_DATA", BESIDE), name)
        if not path.is_file():
            pytest.skip(f"there is no {path}; TINYTORCH_DATA names the folder of real data")
        return path

    return find
