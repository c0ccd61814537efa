"""Quantization agrees with torch.ao.quantization's observers, PyTorch's fake quantization and GGUF's blocks."""

import warnings

import blocks
import numpy as np
import observed
import pytest
from agreement import HAS_TORCH, ORACLE

import tinytorch as tt

quant = pytest.importorskip("tinytorch_quant")
from tinytorch_quant import gguf  # noqa: E402  where it is there

SEEDS = range(10) if HAS_TORCH else observed.RECORDED_SEEDS
ROUNDING = 1e-6  # of float32, in sums and quotients
NEARLY_EQUAL = 0.01  # with 16 codes many ranges lose nearly the same: the order of a sum decides which is found


def theirs(*case):
    if not HAS_TORCH:
        return observed.recorded()[observed.case(*case[:3], case[3:])]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch.ao.quantization is deprecated
        return observed.torchs(*case)


@pytest.mark.parametrize("limits", observed.RANGES, ids=str)
@pytest.mark.parametrize("mapping", observed.MAPPINGS)
@pytest.mark.parametrize("name", observed.OBSERVERS, ids=lambda name: f"{ORACLE}-{name}")
def test_observers_choose_pytorchs_scale_and_zero_point(name, mapping, limits):
    searched = name == "HistogramObserver" and limits == (-8, 7)
    for seed in SEEDS:
        scale, zero_point = observed.ours(name, seed, mapping, *limits)
        expected_scale, expected_zero_point = theirs(name, seed, mapping, *limits)
        np.testing.assert_allclose(scale, expected_scale, rtol=NEARLY_EQUAL if searched else ROUNDING)
        assert zero_point == expected_zero_point, f"seed {seed}"


@pytest.mark.skipif(not HAS_TORCH, reason="only PyTorch can say whether the recording is right")
def test_recorded_observers_are_right():
    for case, told in observed.recorded().items():
        name, seed, mapping, *limits = case.split()
        assert list(theirs(name, int(seed), mapping, *map(int, limits))) == told, case


@pytest.mark.skipif(not HAS_TORCH, reason="needs PyTorch")
@pytest.mark.parametrize("seed", range(20))
def test_fake_quantization_and_its_gradient_are_pytorchs(seed):
    import torch

    generator = np.random.default_rng(seed)
    x = (generator.standard_normal((5, 6)) * 3).astype(np.float32)
    scale, zero_point = np.float32(generator.uniform(0.01, 0.1)), int(generator.integers(-20, 20))
    mine = tt.tensor(x, requires_grad=True)
    out = quant.fake_quantize_affine(mine, (5, 6), tt.tensor(scale), tt.tensor(zero_point, dtype="int32"), -64, 63)
    (out * out).sum().backward()
    other = torch.tensor(x, requires_grad=True)
    expected = torch.fake_quantize_per_tensor_affine(other, float(scale), zero_point, -64, 63)
    (expected * expected).sum().backward()
    np.testing.assert_allclose(out.detach().numpy(), expected.detach().numpy(), rtol=ROUNDING)
    np.testing.assert_allclose(mine.grad.numpy(), other.grad.numpy(), rtol=ROUNDING)


@pytest.mark.skipif(not HAS_TORCH, reason="needs PyTorch")
@pytest.mark.parametrize("seed", range(20))
def test_numbers_of_channels_are_pytorchs(seed):
    import torch

    generator = np.random.default_rng(seed)
    x = generator.standard_normal((4, 7)).astype(np.float32)
    scale, zero_point = quant.choose_qparams_affine(tt.tensor(x), "asymmetric", (1, 7))
    codes = quant.quantize_affine(tt.tensor(x), (1, 7), scale, zero_point)
    numbers = quant.dequantize_affine(codes, (1, 7), scale, zero_point).numpy()
    scales, zero_points = torch.tensor(scale.numpy()), torch.tensor(zero_point.numpy())
    expected = torch.fake_quantize_per_channel_affine(torch.tensor(x), scales, zero_points, 0, -128, 127)
    np.testing.assert_allclose(numbers, expected.numpy(), rtol=ROUNDING)


def ours(name, x):
    encode, decode = (getattr(gguf, f"{verb}_{name.lower()}") for verb in ("encode", "decode"))
    encoded = encode(x)
    return encoded, decode(encoded)


@pytest.mark.parametrize("name", blocks.FORMATS)
def test_blocks_are_those_that_were_recorded_of_gguf(name):
    with np.load(blocks.RECORDED) as recorded:
        encoded, numbers = ours(name, blocks.numbers(0))
        assert np.array_equal(encoded, recorded[f"{name} bytes"])
        assert np.array_equal(numbers, recorded[f"{name} numbers"])


@pytest.mark.skipif(not blocks.HAS_GGUF, reason="needs the package gguf; the recorded blocks are compared without it")
@pytest.mark.parametrize("name", blocks.FORMATS)
@pytest.mark.parametrize("seed", range(50))
def test_blocks_are_ggufs(name, seed):
    encoded, numbers = ours(name, blocks.numbers(seed))
    expected_bytes, expected_numbers = blocks.ggufs(name, blocks.numbers(seed))
    assert np.array_equal(encoded, expected_bytes)
    assert np.array_equal(numbers, expected_numbers)
