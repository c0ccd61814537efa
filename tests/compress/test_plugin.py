"""The plugin changes nothing by being enabled, and knows what its transforms noted."""

import subprocess
import sys

import numpy as np
import pytest

import tinytorch as tt
from tinytorch import models, plugins
from tinytorch.plugins import PluginError
from tinytorch.transforming import restructured


def test_enabled_it_changes_nothing_but_names_its_transforms(known):
    tt.manual_seed(0)
    model, x = models.digits_cnn().eval(), tt.rand(3, 1, 8, 8)
    with plugins.using():
        before = model(x).detach().numpy()
    with plugins.using("compress"):
        np.testing.assert_array_equal(model(x).detach().numpy(), before)
        assert {"prune", "remove_masks", "low_rank"} <= {*plugins.transforms()}
        assert not [status for status in plugins.list() if status.name == "compress" and status.ops]


def test_its_face_imports_nothing_heavy():
    heavy = {"scipy", "matplotlib", "typer", "rich"}
    code = f"import sys, tinytorch_compress.plugin; print(sorted({heavy} & {{*sys.modules}}))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


def test_a_transform_that_it_does_not_know_is_one_sentence(known):
    steps = [{"plugin": "compress", "name": "melt", "structure": {}}]
    with pytest.raises(PluginError, match="plugin 'compress' does not know the transform 'melt'"):
        restructured(models.mlp(2, 2), steps)


def test_masks_for_weights_that_are_not_there_are_refused(known):
    for structure in ({}, {"masked": "all"}, {"masked": ["9.weight"]}, {"masked": [3]}):
        with pytest.raises(ValueError, match="prune: expected names of weights that are masked"):
            restructured(models.mlp(2, 2), [{"plugin": "compress", "name": "prune", "structure": structure}])
