"""Named model transforms: those of the plugins in force, called by a person alone."""

import pytest

from tinytorch import plugins
from tinytorch.plugins import PluginError, hookimpl


def bringing(**given):
    """A `register_transforms` that adds these."""

    @hookimpl
    def register_transforms(transforms):
        transforms.update(given)

    return register_transforms


def double(model):
    return model * 2


def negate(model):
    return -model


@pytest.fixture
def two(plugin):
    plugin("doubling", register_transforms=bringing(double=double))
    plugin("negating", register_transforms=bringing(negate=negate))


def test_the_core_alone_has_no_transforms(two):
    assert plugins.transforms() == {}


def test_enabled_plugins_give_their_transforms_by_name(two):
    plugins.enable("doubling", "negating")
    assert plugins.transforms() == {"double": double, "negate": negate}
    assert plugins.transforms()["double"](3) == 6
    with plugins.using("negating"):
        assert plugins.transforms() == {"negate": negate}


def test_two_transforms_of_one_name_are_refused_with_both_plugins(two, plugin):
    plugin("other", register_transforms=bringing(double=negate))
    plugins.enable("doubling", "other")
    with pytest.raises(PluginError) as raised:
        plugins.transforms()
    assert str(raised.value) == "plugins 'doubling' and 'other' both bring a transform 'double'; enable one of them"


def test_what_cannot_be_called_is_refused(plugin):
    plugin("mine", register_transforms=bringing(half=0.5))
    plugins.enable("mine")
    with pytest.raises(PluginError) as raised:
        plugins.transforms()
    assert str(raised.value) == "plugin 'mine': transform 'half' is float, expected a callable"


def test_the_list_names_the_transforms(two):
    assert [(each.name, each.transforms) for each in plugins.list()] == [
        ("doubling", ("double",)),
        ("negating", ("negate",)),
    ]


def test_the_list_names_the_transforms_of_what_nobody_asked_for(install):
    source = "def register_transforms(transforms):\n    transforms['prune'] = print\n"
    install("mine", f"from tinytorch.plugins import hookimpl\n@hookimpl\n{source}")
    assert [each.transforms for each in plugins.list()] == [("prune",)]


def test_the_list_shows_why_a_plugin_gives_no_transforms(plugin):
    def register_transforms(transforms):
        raise ValueError("no luck")

    plugin("mine", register_transforms=hookimpl(register_transforms))
    assert [each.transforms for each in plugins.list()] == [("register_transforms raised ValueError: no luck",)]
