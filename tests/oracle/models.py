"""Models that both libraries can build, and files in which PyTorch saved them with what they answered.

`python tests/oracle/record.py` writes them to `recorded/`; needs PyTorch and safetensors.
"""

from pathlib import Path

import numpy as np

RECORDED = Path(__file__).with_name("recorded")


def cnn(nn):
    """Convolutions, batch norm, pooling."""
    return nn.Sequential(
        *(nn.Conv2d(1, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Conv2d(4, 6, 3, stride=2, groups=2, bias=False), nn.BatchNorm2d(6), nn.GELU(), nn.AdaptiveAvgPool2d(1)),
        *(nn.Flatten(), nn.Linear(6, 3)),
    )


def mlp(nn):
    """Linear layers, normalization, dropout."""
    parts = (nn.Linear(5, 8), nn.LayerNorm(8), nn.SiLU(), nn.Dropout(0.3), nn.Linear(8, 4), nn.Softmax(dim=-1))
    return nn.Sequential(*parts)


def embedding(nn):
    """A table, sequences, groups."""
    parts = (nn.Embedding(7, 6, padding_idx=0), nn.Conv1d(5, 4, 3, padding="same"), nn.GroupNorm(2, 4), nn.Flatten())
    return nn.Sequential(*parts, nn.Linear(24, 2))


MODELS = {"cnn": cnn, "mlp": mlp, "embedding": embedding}


def inputs(name, rng):
    """A batch for the model of that name."""
    if name == "embedding":
        return rng.integers(0, 7, (4, 5))
    return rng.standard_normal({"cnn": (4, 1, 8, 8), "mlp": (4, 5)}[name]).astype("float32")


def write(name, folder):
    """Let PyTorch train a little, save its state, and answer: the paths of both files."""
    import torch
    from safetensors.torch import save_file

    torch.manual_seed(0)
    rng = np.random.default_rng(0)
    model = MODELS[name](torch.nn)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.05)
    for _ in range(5):
        optimizer.zero_grad()
        (model(torch.tensor(inputs(name, rng))) ** 2).sum().backward()
        optimizer.step()
    x = inputs(name, rng)
    with torch.no_grad():
        answer = model.eval()(torch.tensor(x)).numpy()
    save_file(model.state_dict(), folder / f"{name}.safetensors")
    np.savez_compressed(folder / f"{name}_answer.npz", x=x, answer=answer)


def record():
    """Write all of them to `recorded/`."""
    RECORDED.mkdir(exist_ok=True)
    for name in MODELS:
        write(name, RECORDED)
