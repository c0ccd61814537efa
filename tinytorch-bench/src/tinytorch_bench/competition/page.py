"""The leaderboard as one HTML page: no scripts, nothing from elsewhere, light and dark, wide and narrow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from html import escape
from typing import Any

from tinytorch_bench.competition.event import EVENTS, NAMES
from tinytorch_bench.competition.leaderboard import Leaderboard, Place

READING = (
    "A score is the baseline's time / the entry's, both taken on the same machine, in turn, in one run; over several "
    "disciplines their geometric mean. 2 is twice as fast. The interval of 95 % stands below it. Places whose "
    "intervals overlap with the one above carry a ≈: their order may be chance."
)
DIVISION = {
    "closed": "the event's own weights, exact plugins, post-training quantization",
    "open": "anything that passes the gate",
}
HONESTY = (
    "Each submission was recomputed from its times before it was taken. That shows that it is whole and follows from "
    "its own numbers, not that they were measured: nobody here has seen the machines."
)
COLUMNS = {name: name for name in ("rank", "team", "score", "accuracy", "size", "how")} | {"rank": "#"}
STYLE = """
:root { color-scheme: light dark; --rule: #8883; --quiet: light-dark(#5f6368, #a5abb3);
  --bar: light-dark(#0072b2, #56b4e9); --card: light-dark(#f6f7f9, #1c1f24) }
* { box-sizing: border-box }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 76rem; margin: 0 auto; padding: 1.5rem 1rem 4rem;
  background: light-dark(#fff, #121417) }
h1 { font-size: 1.7rem; margin: 0 0 .5rem } h2 { font-size: 1.3rem; margin: 2.5rem 0 0 }
h3 { font-size: 1rem; margin: 1.25rem 0 .25rem } h3 small { font-weight: 400 }
p { margin: .25rem 0; max-width: 60rem } small, .quiet { color: var(--quiet) } small { font-size: .85em }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; table-layout: fixed }
th, td { text-align: left; vertical-align: top; padding: .45rem .6rem; border-bottom: 1px solid var(--rule);
  overflow-wrap: anywhere }
thead th { font-weight: 500; color: var(--quiet); font-size: .85em }
td small { display: block } .rank { width: 3.2rem; font-weight: 600 } .team { width: 22% } .score { width: 22% }
.accuracy { width: 9% } .size { width: 13% }
.team b { font-weight: 600 } .score b { font-size: 1.15em }
.bar { display: block; height: 4px; margin-top: .3rem; border-radius: 2px; background: var(--bar) }
.first { background: var(--card) } time { white-space: nowrap }
svg { display: block; margin-top: .3rem } svg path { fill: none; stroke: var(--bar); stroke-width: 1.5 }
svg circle { fill: var(--bar) }
.empty { color: var(--quiet); margin-top: .5rem }
@media (max-width: 46rem) {
  thead { position: absolute; clip-path: inset(50%) } table, tbody { display: block }
  tr { display: grid; grid-template-columns: 2.6rem 1fr; padding: .6rem 0; border-bottom: 1px solid var(--rule) }
  td, .rank, .team, .score, .accuracy, .size { border: 0; padding: .1rem .5rem; width: auto }
  .rank { grid-row: 1 / span 5 } td:not(.rank) { grid-column: 2 }
  td[data-head]::before { content: attr(data-head) " "; color: var(--quiet); font-size: .85em }
  td[data-head] small { display: inline }
}
"""


def page(board: Leaderboard) -> str:
    """Make the page of all rankings."""
    found, count = board.rankings(), len(board.all())
    sections = "".join(_section(name, found, board) for name in NAMES)
    now = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>tinytorch leaderboard</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<style>{STYLE}</style></head><body>\n<h1>tinytorch leaderboard</h1>"
        f'<p class="quiet">{count} {"submission" if count == 1 else "submissions"}, {now}</p>'
        f'<p>{READING}</p><p class="quiet">{HONESTY}</p>\n{sections}</body></html>\n'
    )


def _section(name: str, found: Mapping[tuple[str, str], Sequence[Place]], board: Leaderboard) -> str:
    """An event with its tracks and divisions."""
    tracks = [event for event in EVENTS.values() if event.name == name]
    tables = "".join(
        _table(key[0], key[1], places, board)
        for event in tracks
        for key, places in found.items()
        if key[0] == event.key
    )
    empty = '<p class="empty">Nobody has entered yet.</p>'
    return f"<section><h2>{escape(tracks[0].title)}</h2>\n{tables or empty}</section>\n"


def _table(key: str, division: str, places: Sequence[Place], board: Leaderboard) -> str:
    event, most = EVENTS[key], max(place.submission["derived"]["score"] for place in places)
    head = "".join(f'<th scope="col" class="{kind}">{title}</th>' for kind, title in COLUMNS.items())
    gate = f"gate {100 * event.gate:g} %"
    mark = f"{escape(event.track)}, {division} division"
    rows = "".join(_row(place, most, board) for place in places)
    about = f"{escape(event.task[:1].upper() + event.task[1:])}; {gate}. {division.capitalize()}: {DIVISION[division]}."
    return (
        f"<h3>{mark}</h3><p><small>{about}</small></p>"
        f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>\n"
    )


def _row(place: Place, most: float, board: Leaderboard) -> str:
    told = place.submission
    found, machine = told["derived"], told["machine"]
    width = 100 * found["score"] / most
    first = ' class="first"' if place.rank == 1 else ""
    return (
        f'<tr{first}><td class="rank">{place.rank}{"<small>≈</small>" if place.tied else ""}</td>'
        f'<td class="team"><b>{escape(told["team"])}</b><small>{escape(told["title"])}</small>'
        f"{_progress(told, board)}</td>"
        f'<td class="score"><b>{found["score"]:.2f}</b> <small>{found["low"]:.2f} to {found["high"]:.2f}</small>'
        f'<span class="bar" style="width:{width:.1f}%"></span></td>'
        f'<td class="accuracy" data-head="accuracy">{100 * found["accuracy"]["entry"]:.1f} %</td>'
        f'<td class="size" data-head="size">{_kib(told["entry"]["bytes"])} '
        f"<small>baseline {_kib(told['baseline']['bytes'])}</small></td>"
        f'<td class="how">{escape(_how(told))}<small>{escape(machine["processor"])}, '
        f"{machine['threads']} {'thread' if machine['threads'] == 1 else 'threads'}, {escape(machine['blas'])}, "
        f"<time>{escape(told['written'][:10])}</time></small></td></tr>\n"
    )


def _how(submission: Mapping[str, Any]) -> str:
    """Plugins and transforms, in words."""
    plugins = [plugin["name"] for plugin in submission["machine"]["plugins"]]
    steps = [each["name"] for each in submission["entry"]["applied"]]
    origin = ["a model of its own"] if submission["entry"]["origin"] == "file" else []
    return ", ".join([*plugins, *origin, *steps]) or "the core alone"


def _kib(count: int) -> str:
    return f"{count / 1024:,.0f} KiB" if count >= 10_240 else f"{count:,} B"


def _progress(told: Mapping[str, Any], board: Leaderboard) -> str:
    """A team's scores in this ranking, in the order in which they came, as a line; nothing for one."""
    key = f"{told['event']}/{told['track']}"
    scores = [each["derived"]["score"] for each in board.all(key, told["derived"]["division"], told["team"])]
    if len(scores) < 2:
        return ""
    low, high = min(1.0, *scores), max(scores)  # from the baseline on, so that a small step looks small
    spots = [
        (2 + 76 * place / (len(scores) - 1), 16 - 14 * (score - low) / ((high - low) or 1.0))
        for place, score in enumerate(scores)
    ]
    line = "L".join(f"{x:.1f} {y:.1f}" for x, y in spots)
    x, y = spots[-1]
    label = f"{len(scores)} submissions, {scores[0]:.2f} to {scores[-1]:.2f}"
    return (
        f'<svg width="80" height="18" viewBox="0 0 80 18" role="img" aria-label="{label}"><title>{label}</title>'
        f'<path d="M{line}"/><circle cx="{x:.1f}" cy="{y:.1f}" r="2"/></svg>'
    )
