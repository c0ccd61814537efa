"""`tinytorch generate --cache` and `tinytorch cache report`."""

import functools
import json
import struct

import numpy as np
import pytest

from tinytorch.plugins import discovery
from tinytorch.plugins.process import process

pytest.importorskip("typer")
pytest.importorskip("tinytorch_cache")

from tinytorch.cli.app import run

SIZES = (8, 12, 2, 2, 1, 259, 64)  # width, hidden, layers, heads, key heads, vocabulary, length


@pytest.fixture
def written(tinytorch, tmp_path):
    """Run the command with the plugin discovered, in a folder with a model of llama2.c's and its vocabulary."""
    site = tmp_path / "site"
    info = site / "tinytorch_cache-0.1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: tinytorch-cache\nVersion: 0.1.0\n")
    points = "[tinytorch]\ncache = tinytorch_cache.plugin\n[tinytorch.commands]\ncache = tinytorch_cache.cli:app\n"
    (info / "entry_points.txt").write_text(points)
    width, hidden, layers, heads, kv_heads, vocabulary, length = SIZES
    key = width // heads * kv_heads
    count = vocabulary * width + width + length * (width // heads)
    count += layers * (2 * width + 2 * width * width + 2 * key * width + 3 * width * hidden)
    numbers = np.random.default_rng(0).standard_normal(count).astype("<f4")
    (tinytorch.folder / "model.bin").write_bytes(struct.pack("<7i", *SIZES) + numbers.tobytes())
    pieces = [b"<unk>", b"<s>", b"</s>", *[f"<0x{byte:02X}>".encode() for byte in range(256)]]
    entries = b"".join(struct.pack("<fi", 0.0, len(piece)) + piece for piece in pieces)
    (tinytorch.folder / "tok.bin").write_bytes(struct.pack("<i", 6) + entries)

    return functools.partial(tinytorch, path=(site,))


def generated(command, *more):
    asked = ("generate", "model.bin", "--tokenizer", "tok.bin", "--prompt", "a", "--max-new-tokens", 40, "--json")
    done = command(*asked, *more)
    assert done.status == 0, done.err
    return json.loads(done.out)


def test_generate_takes_the_kind_of_cache(written):
    expected = generated(written, "--cache", "none")
    assert expected["plugins"] == []
    for kind in ("static", "sliding", "quantized"):
        found = generated(written, "--cache", kind)
        assert found["plugins"] == ["cache"]
        assert found["text"] == expected["text"]  # shorter than window and residual: nothing is forgotten or rounded


def test_a_kind_that_nobody_makes_is_one_sentence(written):
    done = written("generate", "model.bin", "--tokenizer", "tok.bin", "--cache", "paged")
    assert (done.status, done.out.strip()) == (1, "")
    assert done.err.startswith("tinytorch: generate: no enabled plugin makes a cache 'paged' for this model")


def test_without_the_plugin_it_says_what_to_install(monkeypatch, capsys):
    monkeypatch.setattr(discovery, "installed", dict)
    monkeypatch.delitem(process.state.plugins, "cache", raising=False)  # where an earlier test has registered it
    assert run(["generate", "model.bin", "--cache", "static"]) == 1
    assert (
        capsys.readouterr().err == "tinytorch: --cache static needs the plugin 'cache': pip install tinytorch-cache\n"
    )


def test_the_report_is_a_table_or_json(written, tinytorch):
    done = written("cache", "report", "model.bin", "--tokens", 20, "--kinds", "none,static")
    assert (done.status, done.err) == (0, "")
    head, none, static, agreed = done.out.splitlines()
    assert head.split("  ")[0] == "cache"
    assert none.split()[:3] == ["none", "–", "–"]
    assert static.split()[1] == f"{2 * 2 * 1 * 4 * 20 * 4:,}"  # 2 · layers · key heads · width · tokens · itemsize
    assert agreed.startswith("static: 19 tokens, 0 of them others; scores within ")
    done = written("cache", "report", "model.bin", "--tokens", 20, "--json")
    rows = json.loads(done.out)["caches"]
    assert [row["kind"] for row in rows] == ["none", "static", "sliding", "quantized"]


def test_the_rates_are_drawn(written, tinytorch):
    pytest.importorskip("matplotlib")
    done = written("cache", "report", "model.bin", "--tokens", 20, "--kinds", "static", "--plot", "rates.svg")
    assert done.out.endswith("written: rates.svg\n")
    assert "<svg" in (tinytorch.folder / "rates.svg").read_text()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--tokens", "65"], "--tokens 65: the model looks at 64 tokens at most"),
        (["--kinds", "paged"], "--kinds: there is no cache 'paged'; expected static, sliding, quantized or none"),
        (["--kinds", "none", "--plot", "away/a.png"], "cannot write away/a.png: No such file or directory"),
    ],
)
def test_what_cannot_be_reported_is_one_sentence(written, options, message):
    done = written("cache", "report", "model.bin", *options)
    assert (done.status, done.out, done.err) == (1, "", f"tinytorch: {message}\n")
