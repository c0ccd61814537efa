"""Memory over time for the HTML report: areas as inline SVG, and the same as a table."""

from __future__ import annotations

from html import escape

from tinytorch_profiling.export.spans import Memory

COLOURS = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#f0e442", "#888888")
WIDTH, HEIGHT = 1000, 300  # of the drawing, stretched to the page's width
MIB = 2**20


def memory_section(memory: Memory) -> str:
    """Draw the live bytes of each category, one upon the other."""
    names = list(dict.fromkeys(name for _, categories in memory for name in categories))
    thin = _thinned(memory)
    start, end = memory[0][0], memory[-1][0]
    highest = max(sum(categories.values()) for _, categories in memory)
    legend = "".join(f'<li><i style="background:{_colour(i)}"></i>{escape(name)}</li>' for i, name in enumerate(names))
    areas = "".join(
        f'<path fill="{_colour(place)}" d="{_area(thin, names[: place + 1], highest)}"/>'
        for place in reversed(range(len(names)))  # the highest first: each lies before those that it carries
    )
    return (
        f'<section><h2>Memory</h2><p class="quiet">At most {highest / MIB:,.2f} MiB at once, which is the '
        f'height of the picture.</p><ul class="legend">{legend}</ul><svg viewBox="0 0 {WIDTH} {HEIGHT}" '
        'preserveAspectRatio="none" role="img" aria-label="live memory over time by category; the table below says '
        f'the most of each">{areas}</svg><p class="quiet ends"><span>0 ms</span><span>{(end - start) / 1e6:,.2f} ms'
        f"</span></p>{_in_words(memory, names)}</section>"
    )


def _in_words(memory: Memory, names: list[str]) -> str:
    def row(name: str) -> str:
        moment, most = max(((at, held.get(name, 0)) for at, held in memory), key=lambda pair: pair[1])
        when = (moment - memory[0][0]) / 1e6
        numbers = "".join(f'<td class="number">{value:,.2f}</td>' for value in (most / MIB, when))
        return f'<tr><th scope="row">{escape(name)}</th>{numbers}</tr>'

    heads = "".join(f'<th scope="col" class="number">{name}</th>' for name in ("MiB", "at ms"))
    return (
        '<details><summary>Memory in words</summary><table class="plain"><caption>The most of each category</caption>'
        f'<thead><tr><th scope="col">category</th>{heads}</tr></thead><tbody>{"".join(map(row, names))}</tbody></table>'
        "</details>"
    )


def _thinned(memory: Memory) -> Memory:
    """Keep of all moments in a column of the drawing the one that holds most, so that no peak is lost."""
    start, length = memory[0][0], max(memory[-1][0] - memory[0][0], 1)
    columns: dict[int, int] = {}
    for place, (moment, held) in enumerate(memory):
        column = (moment - start) * WIDTH // length
        if column not in columns or sum(held.values()) > sum(memory[columns[column]][1].values()):
            columns[column] = place
    return [(column, memory[place][1]) for column, place in columns.items()]


def _area(thin: Memory, names: list[str], highest: int) -> str:
    """The outline of these categories together, in steps from the left to the right."""
    steps = []
    for column, held in thin:
        total = sum(held.get(name, 0) for name in names)
        steps.append(f"H{column}V{HEIGHT - HEIGHT * total / max(highest, 1):.1f}")
    return f"M0 {HEIGHT}{''.join(steps)}H{WIDTH}V{HEIGHT}Z"


def _colour(place: int) -> str:
    return COLOURS[place % len(COLOURS)]
