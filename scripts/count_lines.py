"""Lines of code per module and distribution, so that growth is seen.

Blank lines, comments and docstrings are not counted: explaining costs nothing here.
"""

import ast
import io
import tokenize
from pathlib import Path

ROOT = Path(__file__).parents[1]
LAYOUT = {"COMMENT", "NL", "NEWLINE", "INDENT", "DEDENT", "ENDMARKER"}


def main() -> None:
    """Print a line per module, a total per distribution, and the total of all."""
    totals = [report(source) for source in sorted(ROOT.glob("tinytorch-*/src"))]
    print(f"{sum(totals):6}  all distributions")


def report(source: Path) -> int:
    """Print the modules below `source` and return how many lines they hold together."""
    counts = {path.relative_to(source): count(path.read_text()) for path in sorted(source.rglob("*.py"))}
    for path, lines in counts.items():
        print(f"{lines:6}  {path}")
    print(f"{sum(counts.values()):6}  {source.parent.name}\n")
    return sum(counts.values())


def count(text: str) -> int:
    r"""Count the lines that carry code.

    >>> count('x = 1  # one\n\n# nothing\ndef f():\n    "A docstring."\n    return x\n')
    3
    """
    tokens = tokenize.generate_tokens(io.StringIO(text).readline)
    carriers = [token for token in tokens if tokenize.tok_name[token.type] not in LAYOUT]
    code = {line for token in carriers for line in span(token.start[0], token.end[0])}
    return len(code - docstring_lines(ast.parse(text)))


def docstring_lines(tree: ast.Module) -> set[int]:
    """Return the lines that docstrings of the module, its classes and functions take."""
    owners = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    nodes = [node for node in ast.walk(tree) if isinstance(node, owners)]
    docstrings = [node.body[0] for node in nodes if ast.get_docstring(node) is not None]
    return {line for docstring in docstrings for line in span(docstring.lineno, docstring.end_lineno)}


def span(first: int, last: int | None) -> range:
    """Return the lines from `first` to `last`, both included."""
    return range(first, (last or first) + 1)


if __name__ == "__main__":
    main()
