"""Lets the tests import the tables beside them, and says which oracle they ask."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import agreement


def pytest_report_header():
    return f"oracle: {'PyTorch, live' if agreement.HAS_TORCH else 'recorded answers of PyTorch'}"
