"""What a file says of a quantized model is not trusted."""

import base64
import json
import zlib

import pytest

import tinytorch as tt
from tinytorch import nn
from tinytorch_quant import QuantConfig, quantize
from tinytorch_quant.structure import described, restructure


def model():
    return nn.Sequential(nn.Linear(4, 6), nn.ReLU(), nn.Linear(6, 2)).eval()


def packed(steps):
    return {"steps": base64.b85encode(zlib.compress(json.dumps(steps).encode())).decode()}


def test_a_structure_is_plain_and_gives_the_same_model():
    for config in (QuantConfig(), QuantConfig(mode="weight_only", bits=4, symmetric=False)):
        quantized = quantize(model(), config, [tt.randn(4, 4)])
        told = json.loads(json.dumps(described(quantized)))
        again = restructure(model(), told)
        again.load_state_dict(quantized.state_dict())
        x = tt.randn(3, 4)
        with tt.no_grad():
            assert tt.equal(again(x), quantized(x))


@pytest.mark.parametrize(
    "structure",
    [
        {},
        {"steps": 3},
        {"steps": "no"},
        {"steps": "é"},
        packed([]),
        packed({"steps": []}),
        packed({"inputs": [], "steps": [], "output": {"name": "a"}, "tensors": {}, "scales": {}, "shared": []}),
        {"steps": base64.b85encode(zlib.compress(b" " * (1 << 25))).decode()},
        {"steps": base64.b85encode(zlib.compress(b"[" * 100_000)).decode()},
        {"layers": []},
        {"layers": {"0": {"bits": 8}}},
        {
            "layers": {
                "7": {"bits": 8, "granularity": "channel", "symmetric": True, "scale": "float32", "dynamic": False}
            }
        },
        {
            "layers": {
                "0": {"bits": 3, "granularity": "channel", "symmetric": True, "scale": "float32", "dynamic": False}
            }
        },
    ],
)
def test_what_is_no_structure_is_told(structure):
    with pytest.raises(ValueError, match=r"quantize:|IntegerModel:|PackedModel:|QTensor:"):
        restructure(model(), structure)
