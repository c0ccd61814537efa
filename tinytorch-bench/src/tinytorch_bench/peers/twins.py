"""The models of `tinytorch.models` written with PyTorch, as its users write them: the same names in the state."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from tinytorch.models.tiny import EPS, EVENLY, LATE, MOBILE, MOMENTUM


class GPT(nn.Module):
    """Scores for the next token: (batch, time) -> (batch, time, vocab_size)."""

    def __init__(self, vocab_size: int, max_length: int, layers: int, heads: int, width: int) -> None:
        super().__init__()
        parts = {
            "wte": nn.Embedding(vocab_size, width),
            "wpe": nn.Embedding(max_length, width),
            "h": nn.ModuleList([Block(width, heads) for _ in range(layers)]),
            "ln_f": nn.LayerNorm(width),
        }
        self.transformer = nn.ModuleDict(parts)
        self.lm_head = nn.Linear(width, vocab_size, bias=False)
        self.lm_head.weight = self.transformer["wte"].weight

    def forward(self, tokens: Tensor) -> Tensor:
        """(batch, time) -> (batch, time, vocab_size)."""
        parts = self.transformer
        x = parts["wte"](tokens) + parts["wpe"](torch.arange(tokens.shape[1]))
        for block in parts["h"]:
            x = block(x)
        return self.lm_head(parts["ln_f"](x))


class Block(nn.Module):
    """Attention and a network for each token, each normalized first."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.ln_1, self.attn = nn.LayerNorm(width), Attention(width, heads)
        self.ln_2 = nn.LayerNorm(width)
        self.mlp = nn.ModuleDict({"c_fc": nn.Linear(width, 4 * width), "c_proj": nn.Linear(4 * width, width)})

    def forward(self, x: Tensor) -> Tensor:
        """(batch, time, width) -> the same."""
        x = x + self.attn(self.ln_1(x))
        wide = functional.gelu(self.mlp["c_fc"](self.ln_2(x)), approximate="tanh")
        return x + self.mlp["c_proj"](wide)


class Attention(nn.Module):
    """One matrix for queries, keys and values, and PyTorch's fused attention."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.c_attn, self.c_proj = nn.Linear(width, 3 * width), nn.Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        """(batch, time, width) -> the same."""
        batch, time, width = x.shape
        parts = self.c_attn(x).split(width, dim=2)
        q, k, v = (part.view(batch, time, self.heads, -1).transpose(1, 2) for part in parts)
        out = functional.scaled_dot_product_attention(q, k, v, is_causal=True)
        return self.c_proj(out.transpose(1, 2).reshape(batch, time, width))


class Uneven(nn.Conv2d):
    """A convolution whose padding differs from side to side, which PyTorch's cannot."""

    def __init__(self, *sizes: Any, around: tuple[int, int, int, int], **options: int) -> None:
        super().__init__(*sizes, **options)
        self.around = around

    def forward(self, x: Tensor) -> Tensor:
        """(batch, inputs, h, w) -> (batch, outputs, h / stride, w / stride)."""
        return super().forward(functional.pad(x, self.around))


def ds_cnn() -> nn.Sequential:
    """Make the network for spotting keywords: (batch, 1, 49, 10) -> (batch, 12)."""
    first = Uneven(1, 64, (10, 4), around=(1, 1, 4, 5), stride=2)
    parts: list[nn.Module] = [first, *_bent(64), nn.Dropout(0.2)]
    for _ in range(4):
        parts += _separable(64, 64, 1)
    return nn.Sequential(*parts, nn.Dropout(0.4), *_classifier(64, 12))


def mobilenet_v1() -> nn.Sequential:
    """Make the network that sees whether a person is there: (batch, 3, 96, 96) -> (batch, 2)."""
    channels = 8
    parts: list[nn.Module] = [_conv(3, channels, 2), *_bent(channels)]
    for stride, out in MOBILE:
        parts += _separable(channels, out, stride)
        channels = out
    return nn.Sequential(*parts, *_classifier(channels, 2))


def resnet8() -> nn.Sequential:
    """Make the network for CIFAR-10: (batch, 3, 32, 32) -> (batch, 10)."""
    blocks = (Residual(16, 16), Residual(16, 32, stride=2), Residual(32, 64, stride=2))
    return nn.Sequential(_conv(3, 16, 1), *_bent(16), *blocks, *_classifier(64, 10))


def autoencoder() -> nn.Sequential:
    """Make the network that repeats how machines sound: (batch, 640) -> (batch, 640)."""
    parts: list[nn.Module] = []
    for inputs, outputs in pairwise((640, 128, 128, 128, 128, 8, 128, 128, 128, 128)):
        parts += [nn.Linear(inputs, outputs), nn.BatchNorm1d(outputs, EPS, MOMENTUM), nn.ReLU()]
    return nn.Sequential(*parts, nn.Linear(128, 640))


class Residual(nn.Module):
    """Two convolutions around which the input goes by."""

    def __init__(self, inputs: int, outputs: int, stride: int = 1) -> None:
        super().__init__()
        self.conv1, self.bn1 = _conv(inputs, outputs, stride), nn.BatchNorm2d(outputs, EPS, MOMENTUM)
        self.conv2, self.bn2 = _conv(outputs, outputs, 1), nn.BatchNorm2d(outputs, EPS, MOMENTUM)
        self.shortcut = nn.Sequential() if inputs == outputs else nn.Conv2d(inputs, outputs, 1, stride)
        self.relu = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        """(batch, inputs, h, w) -> (batch, outputs, h / stride, w / stride)."""
        out = self.relu(self.bn1(self.conv1(x)))
        return self.relu(self.bn2(self.conv2(out)) + self.shortcut(x))


def _conv(inputs: int, outputs: int, stride: int, groups: int = 1) -> nn.Conv2d:
    """A window of 3 × 3 that keeps the size, or halves it."""
    if stride == 1:
        return nn.Conv2d(inputs, outputs, 3, padding=EVENLY[0], groups=groups)
    return Uneven(inputs, outputs, 3, around=LATE, stride=stride, groups=groups)


def _separable(inputs: int, outputs: int, stride: int) -> list[nn.Module]:
    depthwise = _conv(inputs, inputs, stride, groups=inputs)
    return [depthwise, *_bent(inputs), nn.Conv2d(inputs, outputs, 1), *_bent(outputs)]


def _bent(channels: int) -> list[nn.Module]:
    return [nn.BatchNorm2d(channels, EPS, MOMENTUM), nn.ReLU()]


def _classifier(channels: int, classes: int) -> list[nn.Module]:
    return [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, classes)]
