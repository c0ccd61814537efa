"""What the tests of structured pruning share stands beside them: tests are files, not a package."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
