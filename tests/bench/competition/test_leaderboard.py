"""The leaderboard takes what is valid, once, ranks it, and loses nothing, whoever is killed or writes at once."""

import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest
from submissions_for_tests import made_up

from tinytorch_bench.competition.leaderboard import Leaderboard, LeaderboardError
from tinytorch_bench.reading import FormatError

WRITER = Path(__file__).parent / "leaderboard_writer.py"
OPENERS = Path(__file__).parent / "leaderboard_openers.py"
KILLS, WRITERS, EACH = 12, 20, 5


@pytest.fixture
def board(tmp_path):
    with Leaderboard(tmp_path / "board.db") as opened:
        yield opened


def writer(path, first, count):
    command = [sys.executable, WRITER, path, str(first), str(count)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_nothing_acknowledged_is_lost_when_writers_are_killed(tmp_path):
    path, delays, acknowledged = tmp_path / "board.db", random.Random(7), []
    for turn in range(KILLS):
        with writer(path, 1000 * turn, 1000) as process:
            told = [process.stdout.readline()]  # it is in the middle of writing
            time.sleep(delays.uniform(0.0, 0.1))
            process.send_signal(signal.SIGKILL)
            told += process.stdout.readlines()
            assert process.wait() == -signal.SIGKILL, process.stderr.read()
        acknowledged += [line.strip() for line in told if line.endswith("\n")]
        with Leaderboard(path) as found:
            assert found.problems() == []
            kept = {submission["digest"] for submission in found.all()}
            assert set(acknowledged) <= kept
            assert len(kept) <= len(acknowledged) + turn + 1  # what was written, but not yet told, may be there
    assert len(acknowledged) >= 2 * KILLS


def test_twenty_writers_at_once_lose_nothing(tmp_path):
    path = tmp_path / "board.db"
    processes = [writer(path, EACH * number, EACH) for number in range(WRITERS)]
    answers = [process.communicate() for process in processes]
    assert [process.returncode for process in processes] == [0] * WRITERS, [error for _, error in answers]
    told = [digest for out, _ in answers for digest in out.split()]
    with Leaderboard(path) as found:
        assert len(told) == WRITERS * EACH
        assert {submission["digest"] for submission in found.all()} == set(told)
        assert found.problems() == []


@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes begin at once by fork")
def test_twenty_may_make_the_same_leaderboard_in_one_instant(tmp_path):
    done = subprocess.run([sys.executable, OPENERS, tmp_path, "30"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_a_commit_is_logged_ahead_and_synced(board):
    asked = [board.database.execute(f"PRAGMA {name}").fetchone()[0] for name in ("journal_mode", "synchronous")]
    assert asked == ["wal", 2]  # 2 is FULL


def test_a_reader_sees_whole_submissions_while_somebody_writes(board):
    board.add(made_up(1))
    board.database.execute("BEGIN IMMEDIATE")
    with Leaderboard(board.path) as other:
        assert len(other.all()) == 1
    board.database.execute("ROLLBACK")


def test_the_same_submission_counts_once(board):
    board.add(made_up(1))
    with pytest.raises(LeaderboardError, match="is on the leaderboard already: it counts once"):
        board.add(made_up(1))


def test_the_same_times_of_another_team_are_refused(board):
    board.add(made_up(1))
    with pytest.raises(LeaderboardError, match="a submission with the same times is on the leaderboard already"):
        board.add(made_up(1, team="them", written="2025-05-01T12:00:00+00:00"))
    assert len(board.all()) == 1


def test_what_is_invalid_is_not_let_in(board):
    with pytest.raises(FormatError, match="digest"):
        board.add({**made_up(1), "title": "another"})
    assert board.all() == []


def test_each_team_is_ranked_by_its_best(board):
    for seed, team, faster in ((1, "a", 2.0), (2, "b", 3.0), (3, "a", 4.0), (4, "a", 1.5), (5, "c", 2.95)):
        board.add(made_up(seed, team=team, faster=faster))
    places = board.ranking("mlp-sprint/digits", "closed")
    assert [(place.rank, place.submission["team"], place.tied) for place in places] == [
        (1, "a", False),
        (2, "b", False),
        (3, "c", True),  # the intervals overlap
    ]
    assert [round(each["derived"]["score"]) for each in board.progress("a")] == [2, 4, 2]


def test_equal_scores_share_a_rank(board):
    for seed, team in ((1, "a"), (2, "b"), (3, "c")):
        submission = made_up(seed, team=team)
        board.add(submission)
    board.database.execute("UPDATE submissions SET content = json_set(content, '$.derived.score', 2.0)")
    assert [place.rank for place in board.ranking("mlp-sprint/digits", "closed")] == [1, 1, 1]


def test_events_and_divisions_are_ranked_apart(board):
    board.add(made_up(1))
    board.add(made_up(2, "cnn-marathon/digits"))
    entry = {**made_up(3)["entry"], "origin": "file"}
    board.add(made_up(3, entry=entry))
    assert list(board.rankings()) == [
        ("mlp-sprint/digits", "closed"),
        ("mlp-sprint/digits", "open"),
        ("cnn-marathon/digits", "closed"),
    ]


def test_what_was_changed_in_the_database_is_found(board):
    board.add(made_up(1))
    board.database.execute("UPDATE submissions SET content = json_set(content, '$.derived.score', 9.0)")
    (told,) = board.problems()
    assert "derived/score: 9.0 is not what follows" in told


def test_another_programs_database_is_left_alone(tmp_path):
    path = tmp_path / "other.db"
    with sqlite3.connect(path) as other:
        other.execute("CREATE TABLE notes (text)")
    other.close()
    before = path.read_bytes()
    with pytest.raises(LeaderboardError, match=r"other\.db is no leaderboard of this version"):
        Leaderboard(path)
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["other.db"]


def test_what_is_no_database_is_left_alone(tmp_path):
    path = tmp_path / "text.db"
    path.write_text("these are some words, and more of them than a header has\n" * 100)
    with pytest.raises(LeaderboardError, match="cannot be used as a leaderboard: file is not a database"):
        Leaderboard(path)
    with pytest.raises(LeaderboardError, match="cannot be used as a leaderboard: unable to open database file"):
        Leaderboard(tmp_path / "nowhere" / "board.db")
