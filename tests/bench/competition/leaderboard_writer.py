"""A process that hands in submissions, `leaderboard_writer.py BOARD FIRST COUNT`, and tells each that was taken."""

import sys
from pathlib import Path

from tinytorch_bench.competition.leaderboard import Leaderboard

sys.path.insert(0, str(Path(__file__).parents[1]))

from submissions_for_tests import made_up

if __name__ == "__main__":
    path, first, count = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    with Leaderboard(path) as board:
        for seed in range(first, first + count):
            submission = made_up(seed % 240, team=f"team {seed}", faster=1.0 + seed / 1000.0)
            board.add(submission)
            sys.stdout.write(f"{submission['digest']}\n")
            sys.stdout.flush()
