"""Models of foreign formats: plugins are asked to read them."""

import pytest

from tinytorch import models, nn, plugins
from tinytorch.plugins import PluginError, hookimpl
from tinytorch.plugins.process import State, process
from tinytorch.serialization import CheckpointError


class Reader:
    """Reads files of layers."""

    @hookimpl
    def import_model(self, path):
        return nn.Linear(*map(int, path.read_text().split())) if path.suffix == ".layer" else None


@pytest.fixture
def reader():
    plugins.register(Reader(), "reader")
    yield
    plugins.unregister("reader")


def test_a_plugin_in_force_reads_what_it_knows(tmp_path, reader):
    path = tmp_path / "small.layer"
    path.write_text("3 4")
    with plugins.using("reader"):
        assert models.import_model(path).out_features == 4
    with pytest.raises(CheckpointError, match=r"import_model: no plugin that is enabled reads .*small\.layer"):
        models.import_model(path)


def test_what_is_not_there_is_told(tmp_path):
    with pytest.raises(CheckpointError, match="import_model: there is no file"):
        models.import_model(tmp_path / "none.tflite")
    with pytest.raises(TypeError, match="import_model: expected a path, got int"):
        models.import_model(3)


def test_the_plugin_that_reads_a_format_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(process, "state", State())  # no plugin is imported yet, whatever other tests did
    monkeypatch.setattr("tinytorch.plugins.discovery.installed", dict)
    (tmp_path / "net.tflite").write_bytes(b"")
    with pytest.raises(PluginError, match=r"a .tflite file needs the plugin 'quant': pip install tinytorch-quant"):
        models.import_model(tmp_path / "net.tflite")
