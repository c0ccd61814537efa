"""A disk that is full, and folders that cannot be written to or are gone: the earlier checkpoint stays."""

import errno
import os
import resource
import shutil
import subprocess

import pytest

import tinytorch
from tinytorch import nn, optim, serialization
from tinytorch.core.training import Callback, Trainer, model_state
from tinytorch.serialization import CheckpointError
from tinytorch.utils.data import DataLoader, TensorDataset


def make(path, hidden=32, callbacks=()):
    tinytorch.manual_seed(0)
    model = nn.Sequential(nn.Linear(8, hidden), nn.ReLU(), nn.Linear(hidden, 2))
    trainer = Trainer(
        model, optim.Adam(model.parameters()), nn.CrossEntropyLoss(), checkpoint=path, callbacks=callbacks
    )
    return trainer, DataLoader(TensorDataset(tinytorch.randn(16, 8), tinytorch.arange(16) % 2), 8)


def refused(trainer, batches, epochs=2):
    """Train until the checkpoint cannot be written, and return the one sentence."""
    with pytest.raises(CheckpointError) as caught:
        trainer.fit(batches, epochs)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.fixture(params=["npz", "safetensors"])
def path(request, tmp_path):
    """A checkpoint of one epoch."""
    if request.param == "safetensors":
        pytest.importorskip("safetensors")
    path = tmp_path / f"run.{request.param}"
    trainer, batches = make(path)
    trainer.fit(batches, 1)
    return path


def assert_whole_and_alone(path, before):
    assert path.read_bytes() == before
    assert [each.name for each in path.parent.iterdir()] == [path.name]  # nothing half written stays behind
    trainer, _ = make(path)
    trainer.load_checkpoint(path)
    assert trainer.epoch == 1


def no_space(*arguments):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_no_space_when_it_is_synced(path, monkeypatch):
    before = path.read_bytes()
    trainer, batches = make(path)
    trainer.load_checkpoint(path)
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", no_space)
        message = refused(trainer, batches)
    assert f"save: cannot write {path}: No space left on device" in message
    assert_whole_and_alone(path, before)


@pytest.mark.parametrize("limit", [0, 1, 100, 3000])
def test_no_space_in_the_middle_of_the_file(path, limit):
    """The system refuses to let a file grow beyond a limit: some bytes are written, the next are not."""
    before = path.read_bytes()
    trainer, batches = make(path)
    trainer.load_checkpoint(path)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))
    try:
        message = refused(trainer, batches)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert "what was there before is untouched" in message
    assert_whole_and_alone(path, before)


def test_a_disk_that_is_really_full(tmp_path):
    """On a file system of 64 KiB, as root, where one can be mounted."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", disk], check=False, capture_output=True
    )
    if mounted.returncode:
        pytest.skip("no file system can be mounted here")
    try:
        path = disk / "run.npz"
        trainer, batches = make(path)
        trainer.fit(batches, 1)
        before = path.read_bytes()
        (disk / "filler").write_bytes(bytes(64 * 1024 - 2 * 4096 - len(before) // 4096 * 4096))
        assert "No space left on device" in refused(trainer, batches)
        (disk / "filler").unlink()
        assert_whole_and_alone(path, before)
        trainer.fit(batches, 3)  # with space again, it goes on
        assert path.read_bytes() != before
    finally:
        subprocess.run(["umount", disk], check=True)


def test_a_folder_that_is_gone(tmp_path):
    class Vandal(Callback):
        def on_epoch_end(self, trainer):
            shutil.rmtree(tmp_path / "gone")

    (tmp_path / "gone").mkdir()
    trainer, batches = make(tmp_path / "gone/run.npz", callbacks=[Vandal()])
    assert "No such file or directory" in refused(trainer, batches)
    assert not (tmp_path / "gone").exists()


@pytest.mark.skipif(os.getuid() == 0, reason="root may write anywhere")
def test_a_folder_that_may_not_be_written_to(path):
    before = path.read_bytes()
    trainer, batches = make(path)
    trainer.load_checkpoint(path)
    path.parent.chmod(0o500)
    try:
        assert "Permission denied" in refused(trainer, batches)
    finally:
        path.parent.chmod(0o700)
    assert_whole_and_alone(path, before)


def test_a_folder_in_the_place_of_the_file(tmp_path):
    (tmp_path / "run.npz").mkdir()
    trainer, batches = make(tmp_path / "run.npz")
    assert "cannot write" in refused(trainer, batches)
    assert [each.name for each in tmp_path.iterdir()] == ["run.npz"]


def test_an_error_in_the_middle_leaves_nothing_behind(path, monkeypatch):
    before = path.read_bytes()
    trainer, batches = make(path)
    trainer.load_checkpoint(path)

    def half(file, *rest):
        file.write(b"half")
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(serialization, f"_write_{path.suffix[1:]}", half)
        with pytest.raises(KeyboardInterrupt):
            trainer.fit(batches, 2)
    assert_whole_and_alone(path, before)


def test_a_link_stays_a_link(path, tmp_path):
    link = tmp_path / f"link{path.suffix}"
    link.symlink_to(path)
    trainer, _ = make(link)
    trainer.save_checkpoint(link)
    assert link.is_symlink()
    assert model_state(path).keys() == trainer.model.state_dict().keys()


def test_a_new_file_has_the_permissions_of_any_new_file(path, tmp_path):
    (tmp_path / "plain").touch()
    assert path.stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_the_same_run_writes_the_same_file(path, tmp_path):
    again = tmp_path / f"again{path.suffix}"
    trainer, batches = make(again)
    trainer.fit(batches, 1)
    assert again.read_bytes() == path.read_bytes()
