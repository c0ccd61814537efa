"""The leaderboard: submissions in SQLite, each of them whole or not there at all.

The journal is a write-ahead log, synced at each commit: who is killed while writing leaves what was acknowledged, and
nothing half written; who reads meanwhile waits for nobody. Only what was validated is let in, once.
"""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

from tinytorch_bench.competition.event import DIVISIONS, EVENTS
from tinytorch_bench.competition.scoring import fingerprint
from tinytorch_bench.competition.validating import validate
from tinytorch_bench.reading import FormatError

APPLICATION = 0x74744C42  # "ttLB", so that no other program's database is taken for ours
VERSION = 1
WAIT = 60.0  # seconds for other writers
TABLE = """
CREATE TABLE submissions (
    number INTEGER PRIMARY KEY,
    digest TEXT NOT NULL UNIQUE,
    fingerprint TEXT NOT NULL UNIQUE,
    event TEXT NOT NULL,
    division TEXT NOT NULL,
    team TEXT NOT NULL,
    written TEXT NOT NULL,
    score REAL NOT NULL,
    content TEXT NOT NULL
)
"""
QUERY = """
SELECT content FROM submissions
WHERE (?1 IS NULL OR event = ?1) AND (?2 IS NULL OR division = ?2) AND (?3 IS NULL OR team = ?3)
ORDER BY written, number
"""


class LeaderboardError(RuntimeError):
    """A submission cannot be taken, or a database not be used; the sentence says why."""


class Place(NamedTuple):
    """A submission in a ranking."""

    rank: int
    tied: bool  # its interval and that of the place above overlap
    submission: dict[str, Any]


class Leaderboard:
    """A database of submissions; one process, or many at once, may write to it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self.database = sqlite3.connect(path, timeout=WAIT, isolation_level=None)
        except sqlite3.Error as error:
            raise LeaderboardError(f"{path} cannot be used as a leaderboard: {error}") from error
        try:
            _patiently(self._begin)
        except LeaderboardError:
            self.close()
            raise
        except sqlite3.Error as error:
            self.close()
            raise LeaderboardError(f"{path} cannot be used as a leaderboard: {error}") from error

    def _begin(self) -> None:
        """See that the database is ours, or make an empty one ours; another's is left as it is."""
        run = self.database.execute
        run("PRAGMA synchronous=FULL")
        run("BEGIN")
        with self.database:  # one look: somebody may be making it
            if self._is_ours():  # who finds it so waits for no writer
                return
        if run("PRAGMA journal_mode=WAL").fetchone()[0] != "wal":
            raise LeaderboardError(f"{self.path}: this file system allows no write-ahead log")
        run("BEGIN IMMEDIATE")
        with self.database:  # commits, or takes everything back
            if not self._is_ours():  # nobody has made it, meanwhile
                self._make()

    def _is_ours(self) -> bool:
        """Whether it is a leaderboard; LeaderboardError where it is something else than an empty database."""
        run = self.database.execute
        marks = [run(f"PRAGMA {name}").fetchone()[0] for name in ("application_id", "user_version")]
        if marks == [APPLICATION, VERSION]:
            return True
        if marks != [0, 0] or run("SELECT count(*) FROM sqlite_master").fetchone()[0]:
            raise LeaderboardError(f"{self.path} is no leaderboard of this version")
        return False

    def _make(self) -> None:
        self.database.execute(TABLE)
        self.database.execute(f"PRAGMA application_id={APPLICATION}")
        self.database.execute(f"PRAGMA user_version={VERSION}")

    def add(self, submission: Mapping[str, Any]) -> None:
        """Validate and take a submission; when this returns it is on the disk.

        FormatError says what is wrong with it, LeaderboardError that it, or its measurement, is there already.
        """
        valid = validate(submission)
        told = valid["derived"]
        row = (
            *(valid["digest"], fingerprint(valid), f"{valid['event']}/{valid['track']}", told["division"]),
            *(valid["team"], valid["written"], told["score"], json.dumps(valid)),
        )
        columns = "digest, fingerprint, event, division, team, written, score, content"
        try:
            self.database.execute(f"INSERT INTO submissions ({columns}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)", row)  # noqa: S608  no value is in it
        except sqlite3.IntegrityError as error:
            what = "this submission is" if "digest" in str(error) else "a submission with the same times is"
            raise LeaderboardError(f"{what} on the leaderboard already: it counts once") from error
        except sqlite3.Error as error:
            raise LeaderboardError(f"{self.path} cannot be written: {error}") from error

    def all(
        self, event: str | None = None, division: str | None = None, team: str | None = None
    ) -> list[dict[str, Any]]:
        """Give the submissions, or those of an event, a division, a team: the earliest first."""
        rows = self.database.execute(QUERY, (event, division, team)).fetchall()
        return [json.loads(content) for (content,) in rows]

    def ranking(self, event: str, division: str) -> list[Place]:
        """Give each team's best submission, the highest score first; equal scores share a rank."""
        best: dict[str, dict[str, Any]] = {}
        for submission in self.all(event, division):
            held = best.get(submission["team"])
            if held is None or submission["derived"]["score"] > held["derived"]["score"]:
                best[submission["team"]] = submission
        ordered = sorted(best.values(), key=lambda each: -each["derived"]["score"])
        places: list[Place] = []
        for number, submission in enumerate(ordered, 1):
            above, told = places[-1] if places else None, submission["derived"]
            shares = above is not None and above.submission["derived"]["score"] == told["score"]
            tied = above is not None and above.submission["derived"]["low"] <= told["high"]
            places.append(Place(above.rank if shares and above else number, tied, submission))
        return places

    def rankings(self) -> dict[tuple[str, str], list[Place]]:
        """Give the rankings in which there is somebody, by event and division."""
        found = {(event, division): self.ranking(event, division) for event in EVENTS for division in DIVISIONS}
        return {key: places for key, places in found.items() if places}

    def progress(self, team: str) -> list[dict[str, Any]]:
        """Give all that a team has handed in, the earliest first."""
        return self.all(team=team)

    def problems(self) -> list[str]:
        """Check the database and every submission in it; say what is wrong."""
        (told,) = self.database.execute("PRAGMA integrity_check").fetchone()
        found = [] if told == "ok" else [f"the database is damaged: {told}"]
        for submission in self.all():
            try:
                validate(submission)
            except FormatError as error:
                found.append(f"{submission.get('team')}, {submission.get('written')}: {error}")
        return found

    def close(self) -> None:
        """Let the database go."""
        self.database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _patiently(begin: Callable[[], None]) -> None:
    """Try again while others make the same database: SQLite waits for no lock when the journal's mode changes."""
    end = time.monotonic() + WAIT
    while True:
        try:
            return begin()
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > end:
                raise
        time.sleep(0.02)
