"""Every workload is built, and gives PyTorch's numbers in every form that PyTorch has."""

import importlib.util
import shutil
from contextlib import ExitStack

import numpy as np
import pytest

from tinytorch import models, plugins
from tinytorch_bench.peers import ours, stock
from tinytorch_bench.peers.contest import difference
from tinytorch_bench.peers.peer import PeerError
from tinytorch_bench.peers.workloads import WORKLOADS, chosen

needs_torch = pytest.mark.skipif(importlib.util.find_spec("torch") is None, reason="needs PyTorch")


HERE = [name for name, each in WORKLOADS.items() if each.group != "int8" and each.sizes.get("data") != "fashion"]


def results(peer, name, variant):
    """What two steps give; the sizes of trainings are tiny."""
    step = peer.build(name, variant, tiny=bool(WORKLOADS[name].tiny))
    return [array for _ in range(2) for array in peer.arrays(step())]


@pytest.fixture
def enabled():
    """Give a function that enables what a workload takes of plugins, or skips."""
    with ExitStack() as stack:

        def enable(name):
            for plugin in WORKLOADS[name].plugins:
                module = pytest.importorskip(f"tinytorch_{plugin}.plugin")
                if plugin not in [found.name for found in plugins.list()]:
                    plugins.register(module, plugin)
                    stack.callback(plugins.unregister, plugin)
            stack.enter_context(plugins.using(*WORKLOADS[name].plugins))

        yield enable


@pytest.mark.parametrize("name", HERE)  # Fashion-MNIST is trained as the digits are, for a minute
def test_a_workload_gives_pytorchs_numbers(name, enabled):
    enabled(name)
    assert ours.variants(name) == ("",)
    mine = results(ours, name, "")
    assert all(np.isfinite(each).all() and each.any() for each in mine)
    if importlib.util.find_spec("torch") is None:
        pytest.skip("it is built, but PyTorch is needed to compare")
    from tinytorch_bench.peers import pytorch

    pytorch.begin(threads=1)
    for variant in pytorch.variants(name):
        assert difference(mine, results(pytorch, name, variant)) <= WORKLOADS[name].tolerance


def test_without_its_plugin_a_workload_is_not_built():
    with plugins.using():
        assert [ours.variants(name) for name in ("generate-small", "kws-int8", "generate-small-no-cache")] == [
            (),
            (),
            ("",),
        ]


def test_without_its_files_a_workload_is_not_built(monkeypatch, tmp_path):
    (tmp_path / "fashion-mnist").mkdir()
    monkeypatch.setenv("TINYTORCH_DATA", str(tmp_path))
    names = ("fashion-accuracy", "kws-int8", "mlp")
    assert [stock.at_hand(WORKLOADS[name]) for name in names] == [False, False, True]
    (tmp_path / "fashion-mnist/train-images-idx3-ubyte.gz").touch()
    assert stock.at_hand(WORKLOADS["fashion-accuracy"])


@pytest.mark.parametrize("task", ["kws", "ic", "vww", "ad"])
def test_an_int8_model_gives_litert_s_numbers(task, enabled, monkeypatch, real_data):
    pytest.importorskip("ai_edge_litert")
    pytest.importorskip("tflite")
    from tinytorch_bench.peers import litert

    monkeypatch.setenv("TINYTORCH_DATA", str(real_data(task).parent))
    name = f"{task}-int8"
    enabled(name)
    assert litert.variants(name) == ours.variants(name) == ("",)
    assert difference(results(ours, name, ""), results(litert, name, "")) <= WORKLOADS[name].tolerance


@pytest.mark.parametrize("name", [name for name, each in WORKLOADS.items() if each.group == "inference"])
def test_onnx_runtime_gives_our_numbers(name):
    pytest.importorskip("onnx")
    pytest.importorskip("onnxruntime")
    from tinytorch_bench.peers import onnxrt

    assert onnxrt.variants(name) == ("",)
    assert difference(results(ours, name, ""), results(onnxrt, name, "")) <= WORKLOADS[name].tolerance


@pytest.mark.parametrize("name", ["mlp", "mlp-momentum", "mlp-adam", "cnn", "gpt-small", "generate-small"])
def test_jax_gives_our_numbers(name, enabled):
    pytest.importorskip("jax")
    from tinytorch_bench.peers import in_jax

    enabled(name)
    mine = results(ours, name, "")
    for variant in in_jax.variants(name):
        assert difference(mine, results(in_jax, name, variant)) <= WORKLOADS[name].tolerance


@pytest.mark.skipif(shutil.which("clang") is None, reason="needs clang, with which tinygrad compiles")
@pytest.mark.parametrize("name", ["mlp", "mlp-momentum", "mlp-adam", "cnn", "resnet8", "gpt-small"])
def test_tinygrad_gives_our_numbers_whenever_it_begins_anew(name):
    pytest.importorskip("tinygrad", reason="needs tinygrad")
    from tinytorch_bench.peers import in_tinygrad

    in_tinygrad.begin(threads=1)
    mine = results(ours, name, "")
    assert in_tinygrad.variants(name) == ("",)
    for _ in range(3):  # run, captured, and replayed
        assert difference(mine, results(in_tinygrad, name, "")) <= WORKLOADS[name].tolerance


@needs_torch
def test_both_decoders_write_the_same_tokens_and_several_of_them():
    from tinytorch_bench.peers import pytorch

    with_cache, without = (results(pytorch, f"generate-small{kind}", "")[0] for kind in ("", "-no-cache"))
    assert np.array_equal(with_cache, without)
    assert len(set(with_cache.tolist())) > 1


@needs_torch
@pytest.mark.parametrize("name", ["ds_cnn", "mobilenet_v1", "resnet8", "autoencoder", "GPT"])
def test_a_twin_has_the_state_of_our_model(name):
    from tinytorch_bench.peers import twins

    sizes = {"vocab_size": 7, "max_length": 8, "layers": 2, "heads": 2, "width": 4} if name == "GPT" else {}
    mine, theirs = (getattr(module, name)(**sizes).state_dict() for module in (models, twins))
    assert {key: tuple(each.shape) for key, each in mine.items()} == {
        key: tuple(each.shape) for key, each in theirs.items()
    }


@needs_torch
def test_images_are_tried_in_both_orders_of_memory():
    from tinytorch_bench.peers import pytorch

    both = [name for name in WORKLOADS if pytorch.variants(name) == ("channels first", "channels last")]
    images = ["resnet8-infer", "ds-cnn-infer", "mobilenet-v1-infer", "conv3x3", "depthwise"]
    assert both == ["cnn", "cnn-momentum", "cnn-adam", "resnet8", *images]


def test_an_aim_depends_on_the_kernels():
    aims = {name: (WORKLOADS[name].aim([]), WORKLOADS[name].aim(["accel"])) for name in ("mlp", "gpt-large", "add")}
    assert aims == {"mlp": (0.9, 0.65), "gpt-large": (None, 0.9), "add": (1.0, 1.0)}


def test_workloads_are_chosen_by_name_and_group_in_the_tables_order():
    assert [each.name for each in chosen(["cnn", "mlp"])] == ["mlp", "cnn"]
    assert {each.group for each in chosen(["inference"])} == {"inference"}
    assert len(chosen([])) == len(WORKLOADS)


def test_a_workload_that_is_not_there_is_said_with_one_that_is():
    with pytest.raises(PeerError, match=r"there is no workload 'gpt_small'; did you mean 'gpt-small'\?"):
        chosen(["gpt_small"])
