"""`tinytorch generate FILE`: text from a trained model, printed as it comes."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, NamedTuple

import typer

from tinytorch import plugins
from tinytorch.cli.choice import PluginsOption, chosen
from tinytorch.cli.output import CommandError, console, duration, print_json, quiet
from tinytorch.core.tokenization import ScoredTokenizer, Tokenizer
from tinytorch.core.transformers import LanguageModel
from tinytorch.models import load_llama2c
from tinytorch.plugins.activation import require
from tinytorch.recipes import chars

INTERRUPTED = 130
INCOMPLETE = "\ufffd"  # what half a character is decoded to


class Writer(NamedTuple):
    """A model, its vocabulary, and the tokens that begin and end a text."""

    model: LanguageModel
    tokenizer: Tokenizer
    beginning: list[int]
    eos: int | None


def generate(
    checkpoint: Annotated[
        Path,
        typer.Argument(metavar="CHECKPOINT", help="A file that `tinytorch train chars` wrote, or llama2.c's .bin."),
    ],
    prompt: Annotated[str, typer.Option(metavar="TEXT", help="What the text begins with.")] = "",
    max_new_tokens: Annotated[int, typer.Option(metavar="N", min=0, help="How many tokens, at most.")] = 256,
    temperature: Annotated[
        float, typer.Option(metavar="T", min=0.0, help="0 takes the best token; more is more varied.")
    ] = 0.8,
    top_k: Annotated[int | None, typer.Option(metavar="K", min=1, help="Draw from the K best tokens.")] = None,
    top_p: Annotated[
        float | None, typer.Option(metavar="P", max=1.0, help="Draw from the fewest whose probabilities reach P.")
    ] = None,
    seed: Annotated[int, typer.Option(metavar="N", min=0, help="The same seed draws the same text.")] = 0,
    tokenizer: Annotated[
        Path | None, typer.Option(metavar="PATH", help="The vocabulary of a .bin, such as llama2.c's tok512.bin.")
    ] = None,
    cache: Annotated[
        str | None,
        typer.Option(metavar="KIND", help="static, sliding or quantized, which the plugin 'cache' makes, or none."),
    ] = None,
    stream: Annotated[bool, typer.Option(help="Print the text as it comes, or at the end.")] = True,
    plugin_names: PluginsOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object at the end.")] = False,
) -> int:
    """Write a text with a trained model.

    How fast it was is told on standard error. Ctrl-C stops, and leaves what was written.

    \b
    tinytorch generate run.npz --prompt "the old king"
    tinytorch generate stories260K.bin --tokenizer tok512.bin --temperature 0
    """  # noqa: D301  the mark is click's: the lines below it stay lines
    with quiet(as_json), chosen(plugin_names) as asked, _caching(cache, asked) as active:
        writer = _writer(checkpoint, tokenizer)
        ids = _encoded(writer, prompt)
        options = {"temperature": temperature, "top_k": top_k, "top_p": top_p, "cache": cache}
        tokens = _Counted(chars.continued(writer.model, ids, max_new_tokens, seed=seed, eos=writer.eos, **options))
        pieces = _pieces(writer.tokenizer, ids[-1], tokens)
        text, whole = _written(prompt, pieces, live=stream and not as_json)
    if as_json:
        rate = {"tokens": tokens.count, "seconds": tokens.seconds, "tokens_per_second": tokens.rate}
        print_json({"prompt": prompt, "text": text, **rate, "plugins": [*active]})
    else:
        if not stream:
            _print(prompt + text)
        _print("\n")
        told = f"{tokens.count} tokens in {duration(tokens.seconds)}, {tokens.rate:,.0f} tokens/s"
        console(stderr=True).print(told if whole else f"{told}; interrupted")
    return 0 if whole else INTERRUPTED


@contextmanager
def _caching(kind: str | None, active: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """Use the plugin 'cache' as well where a kind of cache is asked for; give the names of all."""
    if kind in (None, "none") or "cache" in active:
        yield active
        return
    require("cache", f"--cache {kind}")
    with plugins.using(*active, "cache"):
        yield (*active, "cache")


class _Counted:
    """Tokens that are counted as they go by, and the time that they took."""

    def __init__(self, tokens: Iterator[int]) -> None:
        self.tokens = tokens
        self.count, self.seconds = 0, 0.0

    def __iter__(self) -> Iterator[int]:
        began = time.perf_counter()
        for token in self.tokens:
            self.count, self.seconds = self.count + 1, time.perf_counter() - began
            yield token

    @property
    def rate(self) -> float:
        """Tokens a second."""
        return self.count / self.seconds if self.count else 0.0


def _writer(path: Path, vocabulary: Path | None) -> Writer:
    """Read the model and its vocabulary; what does not fit together is a CommandError."""
    if path.suffix != ".bin":
        if vocabulary is not None:
            raise CommandError(f"--tokenizer is for .bin files; {path} has its own vocabulary")
        model, characters = chars.load(path)
        return Writer(model, characters, chars.beginning(characters), None)
    llama = load_llama2c(path)
    if vocabulary is None:
        raise CommandError(f"{path} has no vocabulary of its own: name it with --tokenizer, such as tok512.bin")
    scored = ScoredTokenizer.from_file(vocabulary)
    if llama.vocab_size != scored.vocab_size:
        sizes = f"{scored.vocab_size} tokens, the model of {path} {llama.vocab_size}"
        raise CommandError(f"the vocabulary {vocabulary} is another model's: it has {sizes}")
    bos = 1  # llama2.c: <s> begins a text and ends it
    return Writer(llama, scored, [bos], bos)


def _encoded(writer: Writer, prompt: str) -> list[int]:
    """Return the prompt's tokens, after what begins a text; with characters nothing does, unless there is no prompt."""
    try:
        ids = writer.tokenizer.encode(prompt)
    except ValueError as error:
        raise CommandError(f"the model cannot read the prompt: {error}") from error
    return [*writer.beginning, *ids] if writer.eos is not None else ids or writer.beginning


def _pieces(tokenizer: Tokenizer, before: int, tokens: _Counted) -> Iterator[str]:
    """Yield the text of tokens after the token `before`, each piece once its characters are whole."""
    waiting: list[int] = []
    for token in tokens:
        waiting.append(token)
        piece = _after(tokenizer, before, waiting)
        if not piece.endswith(INCOMPLETE):
            yield piece
            before, waiting = token, []
    if waiting:
        yield _after(tokenizer, before, waiting)


def _after(tokenizer: Tokenizer, before: int, ids: list[int]) -> str:
    """Decode ids in their place: the first token of a text may lose a space that others keep."""
    known = tokenizer.decode([before], skip_special_tokens=True)
    return tokenizer.decode([before, *ids], skip_special_tokens=True)[len(known) :]


def _written(prompt: str, pieces: Iterator[str], *, live: bool) -> tuple[str, bool]:
    """Return the text, and whether it came to its end; print it as it comes if `live`."""
    text = ""
    try:
        if live:
            _print(prompt)
        for piece in pieces:
            text += piece
            if live:
                _print(piece)
    except KeyboardInterrupt:
        return text, False
    except ValueError as error:  # an option that cannot be
        raise CommandError(str(error)) from error
    return text, True


def _print(text: str) -> None:
    """Print at once; if nobody reads any more, stop without a word."""
    try:
        print(text, end="", flush=True)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # what is left goes nowhere at exit
        raise SystemExit(1) from None
