"""The same seed gives the same bits in another process."""

import subprocess
import sys

import pytest

RUN = """
import hashlib, sys
import tinytorch as tt
from tinytorch import nn
from tinytorch.core.training import Trainer
from tinytorch.nn import functional as F
from tinytorch.utils.data import DataLoader, TensorDataset

tt.manual_seed(int(sys.argv[1]))
parts = nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Dropout(), nn.Linear(36, 3)
net = nn.Sequential(*parts)
data = TensorDataset(tt.randn(30, 1, 8, 8), tt.randint(0, 3, (30,)))
trainer = Trainer(net, tt.optim.Adam(net.parameters(), lr=0.01), F.cross_entropy)
trainer.fit(DataLoader(data, batch_size=7, shuffle=True, num_workers=int(sys.argv[2])), 3)
print(hashlib.sha256(b"".join(t.numpy().tobytes() for t in net.state_dict().values())).hexdigest())
"""


def digest(seed, workers):
    command = [sys.executable, "-c", RUN, str(seed), str(workers)]
    return subprocess.run(command, capture_output=True, check=True, text=True).stdout


@pytest.mark.parametrize("workers", [0, 3])
def test_another_process_learns_the_same_bits(workers):
    assert digest(5, workers) == digest(5, 0)


def test_another_seed_learns_others():
    assert digest(5, 0) != digest(6, 0)
