"""`tinytorch bench compete`, `submit`, `validate`, `leaderboard`."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from tinytorch.cli.app import TOLD
from tinytorch.cli.choice import PluginsOption, chosen
from tinytorch.cli.output import CommandError, complain, console, print_json, quiet, say, show_facts, show_table
from tinytorch_bench import files
from tinytorch_bench.competition import running, task
from tinytorch_bench.competition.event import EVENTS, NAMES
from tinytorch_bench.competition.leaderboard import Leaderboard, LeaderboardError
from tinytorch_bench.competition.page import page
from tinytorch_bench.competition.running import Entry, compete, options_of
from tinytorch_bench.competition.validating import check_name, read_submission
from tinytorch_bench.reading import FormatError
from tinytorch_bench.timing import FEWEST, Timing

REFUSED, WRONG_INPUT = 1, 2
OPTION = r",(?=[A-Za-z_]\w*=)"  # the comma before the next name: those in a value stay
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON value, and nothing else.")]
BoardOption = Annotated[Path, typer.Option("--board", metavar="FILE", help="The leaderboard's database.")]
BOARD = Path("leaderboard.db")


def compete_command(
    event: Annotated[str, typer.Argument(metavar="EVENT", help=f"One of {', '.join(NAMES)}.")],
    plugin_names: PluginsOption = None,
    transform: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME[:A=B,...]", help="Apply it to the baseline; several, in this order."),
    ] = None,
    model: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Enter with a saved model instead of the baseline.")
    ] = None,
    data: Annotated[Path | None, typer.Option(metavar="FOLDER", help="Data of a track that reads some.")] = None,
    team: Annotated[str, typer.Option(metavar="NAME", help="Who enters.")] = "nobody",
    title: Annotated[str, typer.Option(metavar="TEXT", help="What the entry is called.")] = "untitled",
    rounds: Annotated[
        int, typer.Option(metavar="N", min=FEWEST, max=1000, help="Times of each side.")
    ] = running.ROUNDS,
    output: Annotated[Path | None, typer.Option(metavar="FILE", help="Write the submission.")] = None,
    as_json: JsonOption = False,
) -> int:
    """Run an event: the baseline and your entry in turn, on this machine.

    The baseline is computed by the core alone. The exit status is 1 where the entry fails the event's gate, 2 for an
    entry that cannot be measured.

    \b
    tinytorch bench compete mlp-sprint --plugins accel --team us --output us.json
    tinytorch bench compete cnn-marathon --plugins quant --transform quantize
    """  # noqa: D301  the mark is click's: the lines below it stay lines
    try:
        with _sentences(), quiet(as_json), chosen(plugin_names) as names:
            check_name("--team", team)
            check_name("--title", title)
            found = task.find(event, data)
            entry = Entry(team, title, names, tuple(map(_transform, transform or ())), model)
            running.check(entry)
            files.check(output)
            complain(f"making the baseline of {found.key} ...")
            submission = compete(task.prepare(found, data), entry, Timing(rounds=rounds), _progress)
            if output is not None:
                files.write(output, f"{json.dumps(submission, indent=1)}\n")
    except TOLD as error:
        complain(str(error))
        return WRONG_INPUT
    if as_json:
        print_json(submission)
    else:
        _show(submission)
    for warning in submission["warnings"]:
        complain(f"this machine is too noisy to judge: {warning}")
    return 0 if submission["derived"]["passed"] else REFUSED


def validate_command(
    submissions: Annotated[list[Path], typer.Argument(metavar="FILE...", help="Submissions.")],
    as_json: JsonOption = False,
) -> int:
    """Check submissions: their form, and that everything in them follows from their times.

    The exit status is 1 if one is refused.
    """
    told: dict[str, str | None] = {}
    for path in submissions:
        try:
            read_submission(path)
            told[str(path)] = None
        except FormatError as error:
            told[str(path)] = str(error)
    if as_json:
        print_json([{"file": path, "valid": reason is None, "reason": reason} for path, reason in told.items()])
    else:
        for name, reason in told.items():
            say(f"{name}: valid" if reason is None else f"refused: {reason}")
    return REFUSED if any(told.values()) else 0


def submit_command(
    submissions: Annotated[list[Path], typer.Argument(metavar="FILE...", help="Submissions.")],
    board: BoardOption = BOARD,
) -> None:
    """Check submissions and put them on a leaderboard, which is made if it is not there."""
    with _sentences():
        read = {path: read_submission(path) for path in submissions}
        with Leaderboard(board) as taken:
            for path, submission in read.items():
                _add(taken, path, submission)


def _add(board: Leaderboard, path: Path, submission: dict[str, Any]) -> None:
    """Put a submission on the board, and tell of its file."""
    try:
        board.add(submission)
    except LeaderboardError as error:
        raise LeaderboardError(f"{path}: {error}") from error
    found = submission["derived"]
    say(f"{path}: taken, {found['score']:.2f} in the {found['division']} division")


def leaderboard_command(
    board: BoardOption = BOARD,
    html: Annotated[Path | None, typer.Option(metavar="FILE", help="Write a page for a browser.")] = None,
    team: Annotated[str | None, typer.Option(metavar="NAME", help="Show all that one team has handed in.")] = None,
    check: Annotated[bool, typer.Option("--check", help="Validate everything on it again, and stop.")] = False,
    as_json: JsonOption = False,
) -> int:
    """Show the rankings: for each event and division the best submission of each team."""
    with _sentences():
        if not board.is_file():
            raise CommandError(f"there is no leaderboard {board}; tinytorch bench submit FILE makes one")
        with Leaderboard(board) as found:
            if check:
                return _check_board(found, as_json=as_json)
            if html is not None:
                files.check(html)
                if files.deliver((html, lambda: page(found))):
                    return 0
            rows = _history(found, team) if team else _ranked(found)
    if as_json:
        print_json(rows)
    elif rows:
        show_table(list(rows[0]), [[_cell(value) for value in row.values()] for row in rows])
    else:
        say("nobody has entered yet")
    return 0


@contextmanager
def _sentences() -> Iterator[None]:
    """Let what is wrong be told as other mistakes are."""
    try:
        yield
    except (FormatError, LeaderboardError, ValueError) as error:
        raise CommandError(str(error)) from error


def _transform(text: str) -> tuple[str, dict[str, Any]]:
    name, _, options = text.partition(":")
    return name, options_of([each for each in re.split(OPTION, options) if each])


def _progress(rounds: Iterable[int]) -> Iterator[int]:
    """On a terminal one line tells the round."""
    out = console(stderr=True)
    if not out.is_terminal:
        yield from rounds
        return
    with out.status("measuring ...") as status:
        for each in rounds:
            status.update(f"measuring, round {each + 1} ...")
            yield each


def _show(submission: dict[str, Any]) -> None:
    found, event = submission["derived"], EVENTS[f"{submission['event']}/{submission['track']}"]
    share = f"{100 * found['accuracy']['entry']:.2f} %"
    facts = {
        "event": f"{event.title}, {event.track}: {event.task}",
        "score": f"{found['score']:.3f} (95 %: {found['low']:.3f} to {found['high']:.3f}), the baseline's time / yours",
        "division": found["division"],
        "gate": f"{share} right, {100 * event.gate:g} % asked for: {'passed' if found['passed'] else 'not passed'}",
        "size": f"{submission['entry']['bytes']:,} bytes, the baseline's {submission['baseline']['bytes']:,}",
        "energy": submission["energy"],
    }
    show_facts(facts)
    if len(found["ratios"]) > 1:
        say()
        show_table(["discipline", "ratio"], [[name, f"{ratio:.3f}"] for name, ratio in found["ratios"].items()])


def _ranked(board: Leaderboard) -> list[dict[str, Any]]:
    return [
        {"event": event, "division": division, "rank": place.rank, "tied": place.tied, **_told(place.submission)}
        for (event, division), places in board.rankings().items()
        for place in places
    ]


def _history(board: Leaderboard, team: str) -> list[dict[str, Any]]:
    return [
        {"event": f"{each['event']}/{each['track']}", "division": each["derived"]["division"], **_told(each)}
        for each in board.progress(team)
    ]


def _told(submission: dict[str, Any]) -> dict[str, Any]:
    found = submission["derived"]
    return {
        **{name: submission[name] for name in ("team", "title")},
        **{name: found[name] for name in ("score", "low", "high")},
        "accuracy": found["accuracy"]["entry"],
        "bytes": submission["entry"]["bytes"],
        "written": submission["written"],
    }


def _cell(value: Any) -> str:
    if isinstance(value, bool):
        return "≈" if value else ""
    return f"{value:.3f}" if isinstance(value, float) else str(value)


def _check_board(board: Leaderboard, *, as_json: bool) -> int:
    found = board.problems()
    if as_json:
        print_json(found)
    else:
        for told in found or ["everything on it is valid"]:
            say(told)
    return REFUSED if found else 0
