"""What the competition's tests share lies beside those of the bench."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
