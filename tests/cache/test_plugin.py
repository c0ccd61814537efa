"""The plugin: switched at run time, it makes the cache that was chosen and changes no token."""

import json

import pytest

from tinytorch import models, plugins
from tinytorch.core.caching import disable_kv_caching, enable_kv_caching
from tinytorch_cache import choice, compare


@pytest.fixture
def asked(monkeypatch):
    """The caches that are made."""
    made = []
    make = choice.make
    monkeypatch.setattr(choice, "make", lambda *arguments: made.append(make(*arguments)) or made[-1])
    return made


def test_the_switches_let_the_same_model_write_the_same_with_and_without(available, model, asked):
    written, made = [], []
    for switch in (disable_kv_caching, enable_kv_caching, disable_kv_caching):
        switch()
        written.append(model.generate([1, 2, 3], 10, temperature=0).tolist())
        made.append([type(each).__name__ for each in asked])
    assert written[0] == written[1] == written[2]
    assert made == [[], ["StaticCache"], ["StaticCache"]]


def test_a_kind_can_be_named(enabled, model, asked):
    for kind, name in (("static", "StaticCache"), ("sliding", "SlidingWindowCache")):
        model.generate([1], 2, cache=kind)
        assert type(asked[-1]).__name__ == name
    with pytest.raises(ValueError, match="generate: no enabled plugin makes a cache 'paged' for this model"):
        model.generate([1], 2, cache="paged")


def test_the_options_say_which_and_how_large(enabled, model, asked, monkeypatch):
    monkeypatch.setattr(choice, "options", {**choice.options, "kind": "sliding", "window": 5, "sinks": 2})
    model.generate([1], 2)
    assert (asked[-1].window, asked[-1].sinks) == (5, 2)


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("kind", "paged", r"\[cache\] kind: expected one of static, .* or none, got 'paged'"),
        ("bits", 5, r"\[cache\] bits: expected 4 or 8, got 5"),
        ("window", 0, r"\[cache\] window: expected 1 or more, got 0"),
        ("sinks", -1, r"\[cache\] sinks: expected 0 or more, got -1"),
        ("block", 0, r"\[cache\] block: expected 1 or more, got 0"),
        ("residual", -3, r"\[cache\] residual: expected 0 or more, got -3"),
    ],
)
def test_an_option_that_fits_no_cache_is_told_when_the_plugin_is_enabled(option, value, message):
    before = dict(choice.options)
    defaults = {name: default for name, (default, _) in choice.DEFAULTS.items()}
    with pytest.raises(plugins.PluginError, match=message):
        choice.configure({**defaults, option: value})
    assert choice.options == before


def test_stories_get_the_tokens_of_the_reference(enabled, stories, asked):
    net = models.load_llama2c(stories / "stories260K.bin")
    expected = json.loads((stories / "greedy_ids.json").read_text())
    assert net.generate([1], 199, temperature=0).tolist()[0] == expected
    assert [each.length for each in asked] == [199]
    found = compare(net, [1], 199, choice.make(net, 1, 200, "static"))
    assert found.same, str(found)
    assert found.largest < 1e-4
