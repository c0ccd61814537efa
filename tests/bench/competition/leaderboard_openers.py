"""Twenty processes that open new leaderboards in the same instant: `leaderboard_openers.py FOLDER TURNS`."""

import os
import sys
import time
from pathlib import Path

from tinytorch_bench.competition.leaderboard import Leaderboard

TOGETHER = 20


def opened_at(start, path):
    """Open a leaderboard then, in a process of its own."""
    child = os.fork()
    if child:
        return child
    while time.time() < start:
        pass
    status = 1
    try:
        Leaderboard(path).close()
        status = 0
    finally:
        os._exit(status)


if __name__ == "__main__":
    failures = 0
    for turn in range(int(sys.argv[2])):
        start, path = time.time() + 0.05, Path(sys.argv[1], f"{turn}.db")
        children = [opened_at(start, path) for _ in range(TOGETHER)]
        failures += sum(os.waitpid(child, 0)[1] != 0 for child in children)
    sys.exit(min(failures, 100))
