"""Positions: as waves, learned, and as turns of queries and keys."""

import numpy as np
import pytest

import tinytorch as tt
from tinytorch.core.embeddings import LearnedPositions, RotaryEmbedding, SinusoidalPositions, rotate


def turned(x, positions, base=10000.0, *, interleaved):
    """Rotation as multiplication of complex numbers: the definition, written another way."""
    width = x.shape[-1]
    pairs = x.reshape(*x.shape[:-1], -1, 2) if interleaved else np.stack(np.split(x, 2, axis=-1), axis=-1)
    angles = positions[..., None] / base ** (np.arange(0, width, 2) / width)
    product = (pairs[..., 0] + 1j * pairs[..., 1]) * np.exp(1j * (angles if angles.ndim == 2 else angles[:, None]))
    parts = np.stack([product.real, product.imag], axis=-1)
    return parts.reshape(x.shape) if interleaved else np.concatenate([parts[..., 0], parts[..., 1]], axis=-1)


@pytest.mark.parametrize("interleaved", [True, False])
@pytest.mark.parametrize("positions", [np.arange(5), np.array([[0, 0, 1, 2, 3], [4, 5, 6, 7, 800]])])
def test_rotation_is_multiplication_by_a_complex_number(rng, positions, interleaved):
    x = rng.standard_normal((2, 3, 5, 8))
    out = rotate(tt.tensor(x), tt.tensor(positions), interleaved=interleaved)
    assert np.allclose(out.numpy(), turned(x, positions, interleaved=interleaved), atol=1e-12)


@pytest.mark.parametrize("interleaved", [True, False])
def test_products_of_turned_vectors_depend_on_the_distance_alone(rng, interleaved):
    layer = RotaryEmbedding(6, interleaved=interleaved)
    q, k = (tt.tensor(rng.standard_normal((1, 1, 1, 6))) for _ in range(2))
    products = [
        float((layer(q, tt.tensor([start + 3])) * layer(k, tt.tensor([start]))).sum()) for start in (0, 5, 1000)
    ]
    assert np.allclose(products, products[0], atol=1e-9)


def test_the_two_layouts_are_the_same_turn_of_shuffled_numbers(rng):
    x = rng.standard_normal((1, 2, 4, 6))
    shuffled = np.concatenate([x[..., ::2], x[..., 1::2]], axis=-1)
    one = rotate(tt.tensor(x), tt.arange(4), interleaved=True).numpy()
    other = rotate(tt.tensor(shuffled), tt.arange(4)).numpy()
    assert np.array_equal(np.concatenate([one[..., ::2], one[..., 1::2]], axis=-1), other)


def test_waves_are_those_of_the_paper():
    waves = SinusoidalPositions(6)(tt.tensor([0, 7])).numpy()
    angles = 7 / 10000 ** (np.array([0, 2, 4]) / 6)
    assert np.allclose(waves[0], [0, 1, 0, 1, 0, 1])
    assert np.allclose(waves[1], np.stack([np.sin(angles), np.cos(angles)], axis=-1).reshape(-1), atol=1e-6)


def test_learned_positions_learn_and_end():
    positions = LearnedPositions(4, 3)
    positions(tt.tensor([1, 1])).sum().backward()
    assert positions.weight.grad.sum(1).tolist() == [0.0, 6.0, 0.0, 0.0]
    with pytest.raises(IndexError, match="LearnedPositions: position 4 is beyond the 4 that were learned"):
        positions(tt.tensor([4]))


def test_vectors_without_numbers_are_refused():
    with pytest.raises(ValueError, match=r"rotate: expected \(..., time, an even width above 0\), got shape \(4, 0\)"):
        rotate(tt.ones(4, 0), tt.arange(4))


def test_angles_far_out_are_exact_in_float32():
    x = tt.ones(1, 1, 1, 2)
    out = rotate(x, tt.tensor([1_000_003])).numpy()[0, 0, 0]
    angle = 1_000_003.0
    assert np.allclose(out, [np.cos(angle) - np.sin(angle), np.sin(angle) + np.cos(angle)], atol=1e-6)


def test_angles_that_are_made_once_turn_as_positions_do(rng):
    x = tt.tensor(rng.standard_normal((2, 3, 4, 8)).astype(np.float32))
    for positions in (tt.arange(4), tt.tensor([[0, 1, 2, 3], [0, 0, 0, 1]])):
        rotary = RotaryEmbedding(8, base=100.0, interleaved=True)
        assert tt.equal(rotary.turn(x, rotary.turns(positions, x.dtype)), rotary(x, positions))
