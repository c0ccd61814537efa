"""Every workload is built, and gives PyTorch's numbers in every form that PyTorch has."""

import importlib.util

import numpy as np
import pytest

from tinytorch import models
from tinytorch_bench.peers import ours
from tinytorch_bench.peers.contest import difference
from tinytorch_bench.peers.peer import PeerError
from tinytorch_bench.peers.workloads import WORKLOADS, chosen

needs_torch = pytest.mark.skipif(importlib.util.find_spec("torch") is None, reason="needs PyTorch")


def results(peer, name, variant):
    """What two steps give; the sizes of trainings are tiny."""
    step = peer.build(name, variant, tiny=bool(WORKLOADS[name].tiny))
    return [array for _ in range(2) for array in peer.arrays(step())]


@pytest.mark.parametrize("name", WORKLOADS)
def test_a_workload_gives_pytorchs_numbers(name):
    mine = results(ours, name, "")
    assert all(np.isfinite(each).all() and each.any() for each in mine)
    if importlib.util.find_spec("torch") is None:
        pytest.skip("it is built, but PyTorch is needed to compare")
    from tinytorch_bench.peers import pytorch

    pytorch.begin(threads=1)
    for variant in pytorch.variants(name):
        assert difference(mine, results(pytorch, name, variant)) <= WORKLOADS[name].tolerance


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
