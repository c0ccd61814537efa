"""Real models: what pruning costs them, as the benchmark measures it."""

import importlib.util
from pathlib import Path

import pytest

from tinytorch import plugins, recipes
from tinytorch_compress.pipeline import Step, run

BENCHMARK = Path(__file__).parents[2] / "benchmarks" / "pruning.py"


@pytest.fixture
def benchmark():
    spec = importlib.util.spec_from_file_location("pruning", BENCHMARK)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_a_keyword_spotter_bears_a_tenth_in_one_shot_and_half_of_it_breaks_it(benchmark, real_data, monkeypatch):
    monkeypatch.setattr(benchmark, "SPARSITIES", (0.0, 0.1, 0.5))
    dense, tenth, half = benchmark.kws(real_data("kws/kws_ref_float32.npz").parent)
    for scope in ("over all layers %", "in each layer %"):
        assert dense[scope] == pytest.approx(91.3, abs=0.3)  # what the core's own test of the model expects: above 90
        assert tenth[scope] > dense[scope] - 1.0
        assert half[scope] < 30.0


def test_the_digits_network_bears_nine_tenths_with_training(known):
    dense = recipes.prepare(recipes.find("digits-cnn"), seed=3, epochs=8)
    dense.fit()
    parts = (dense.trainer.notes, 8, dense.trainer.model, dense.train_batches, dense.test_batches)
    saved = recipes.SavedModel(dense.recipe, dense.settings, *parts)
    with plugins.using("compress"):
        before, after = (stage for _, stage in run(saved, [Step("prune", {"sparsity": 0.9}, epochs=12, lr=2e-3)]))
    assert after.sparsity == pytest.approx(0.9, abs=1e-4)
    assert after.accuracy >= before.accuracy - 0.01
    assert before.bytes / after.packed_bytes > 6.5
