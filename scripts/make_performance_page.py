"""Write the tables of docs/performance.md from the comparisons in docs/measured. A test keeps the page true."""

from __future__ import annotations

from pathlib import Path

from tinytorch_bench.peers import rendering, stored
from tinytorch_bench.peers.peer import PEERS
from tinytorch_bench.peers.report import Report
from tinytorch_bench.peers.workloads import GROUPS, WORKLOADS

DOCS = Path(__file__).parents[1] / "docs"
PAGE, MEASURED = DOCS / "performance.md", DOCS / "measured"
BEGIN = "<!-- from here on scripts/make_performance_page.py writes what docs/measured holds -->\n"
END = "<!-- until here -->\n"
NOTHING = "No comparison is stored yet; [measured](measured/README.md) says how to make some.\n"


def page() -> str:
    """The page as it should be: what stands between the two marks is made anew."""
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    _, _, after = rest.partition(END)
    sections = [section(path.name, stored.load(path)) for path in sorted(MEASURED.glob("*.json"))]
    return before + BEGIN + "\n" + ("\n".join(sections) or NOTHING) + "\n" + END + after


def section(name: str, report: Report) -> str:
    """One comparison with the command that makes it."""
    plugins: list[str] = next((told["plugins"] for told in report.sides.values() if told["plugins"]), [])
    title = f"### {' with '.join(['tinytorch', *([', '.join(plugins)] if plugins else [])])} and {report.peer}"
    command = f"`{_command(name, report, plugins)}`"
    facts = [f"- {key}: {value}" for key, value in rendering.facts(report).items()]
    wrong = [f"{row.workload.name}: {row.told}" for row in report.rows if row.outcome == "differs"]
    remarks = [f"**{text}**" for text in (*report.warnings, *wrong)]
    tables = [rendering.markdown_table(table, "####") for table in rendering.tables(report)]
    return "\n\n".join([title, command, "\n".join(facts), *remarks, *tables]) + "\n"


def _command(name: str, report: Report, plugins: list[str]) -> str:
    peer = next((known.name for known in PEERS.values() if known.title == report.peer), report.peer)
    told, measured = report.settings, f"docs/measured/{name}"
    words = [
        "tinytorch bench peers",
        *_names({row.workload.name for row in report.rows}),
        f'--plugins "{",".join(plugins)}"',
        f"--peer {peer}",
    ]
    words += [f"--threads {told['threads']} --rounds {told['rounds']}", *["--tuned-malloc"] * told["tuned_malloc"]]
    return " ".join([*words, f"--resume --json {measured}"])


def _names(measured: set[str]) -> list[str]:
    """The workloads as a person would name them: none where it is all of them, groups that are whole, and the rest."""
    groups = {group: {each.name for each in WORKLOADS.values() if each.group == group} for group in GROUPS}
    whole = [group for group, members in groups.items() if members <= measured]
    rest = measured - set().union(*(groups[group] for group in whole))
    return [] if whole == list(GROUPS) else [*whole, *sorted(rest)]


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
