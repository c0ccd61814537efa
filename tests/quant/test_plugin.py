"""The plugin's face: what it describes, the transform that it registers, and structures that are not its own."""

import tinytorch as tt
from tinytorch import nn, plugins
from tinytorch.transforming import applied, noted, restructured


def model():
    return nn.Sequential(nn.Linear(4, 6), nn.ReLU(), nn.Linear(6, 2)).eval()


def test_the_transform_takes_plain_options_and_notes_what_it_did(quant_available):
    x = tt.randn(8, 4)
    with plugins.using("quant"):
        quantized = plugins.transforms()["quantize"](model(), calibration=[x], observer="minmax", bits=4)
        (step,) = applied(quantized)
        again = restructured(model(), noted(quantized))
    assert (step.plugin, step.name) == ("quant", "quantize")
    again.load_state_dict(quantized.state_dict())
    with tt.no_grad():
        assert tt.equal(again(x), quantized(x))


def test_enabling_it_changes_nothing(quant_available):
    net, x = model(), tt.randn(8, 4)
    with tt.no_grad():
        expected = net(x)
        with plugins.using("quant"):
            assert tt.equal(net(x), expected)


def test_other_names_are_left_to_others(quant_available):
    from tinytorch_quant import plugin

    assert plugin.restructure(model(), "prune", {}) is None
