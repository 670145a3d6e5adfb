"""Inception v3 (Szegedy et al., CVPR 2016) as FID uses it: TensorFlow's 2015-12-05 graph, in pytorch-fid's key layout.

It differs from the usual Inception v3: averages leave padding out, and the last block pools by maximum.

Shapes: B samples, C channels, H x W pixels.
"""

from typing import TypeAlias

import torch
import torch.nn.functional as F
from torch import Tensor, nn

SIDE = 299
"""Height and width of the input."""

FEATURES = 2048
"""Length of the feature vector."""

_Size: TypeAlias = int | tuple[int, int]
_Conv: TypeAlias = tuple[int, int, _Size, int, _Size]  # channels in, out, kernel, stride, padding
_Path: TypeAlias = tuple[str | tuple[str, str], ...]


class InceptionV3(nn.Module):
    """Pool features for FID: (B, 3, 299, 299) in [-1, 1] -> (B, 2048). 23,850,960 parameters with the unused `fc`."""

    def __init__(self) -> None:
        super().__init__()
        self.Conv2d_1a_3x3 = _ConvNorm((3, 32, 3, 2, 0))
        self.Conv2d_2a_3x3 = _ConvNorm((32, 32, 3, 1, 0))
        self.Conv2d_2b_3x3 = _ConvNorm((32, 64, 3, 1, 1))
        self.Conv2d_3b_1x1 = _ConvNorm((64, 80, 1, 1, 0))
        self.Conv2d_4a_3x3 = _ConvNorm((80, 192, 3, 1, 0))
        self.Mixed_5b = _block_a(192, 32)
        self.Mixed_5c = _block_a(256, 64)
        self.Mixed_5d = _block_a(288, 64)
        self.Mixed_6a = _block_b(288)
        self.Mixed_6b = _block_c(768, 128)
        self.Mixed_6c = _block_c(768, 160)
        self.Mixed_6d = _block_c(768, 160)
        self.Mixed_6e = _block_c(768, 192)
        self.Mixed_7a = _block_d(768)
        self.Mixed_7b = _block_e(1280, "average")
        self.Mixed_7c = _block_e(2048, "max")
        self.fc = nn.Linear(FEATURES, 1008)  # in the published file, not in FID
        self.eval().requires_grad_(False)

    def forward(self, x_BCHW: Tensor) -> Tensor:
        """Features of images scaled to [-1, 1]."""
        x = self.Conv2d_2b_3x3(self.Conv2d_2a_3x3(self.Conv2d_1a_3x3(x_BCHW)))
        x = self.Conv2d_4a_3x3(self.Conv2d_3b_1x1(F.max_pool2d(x, 3, 2)))
        x = F.max_pool2d(x, 3, 2)
        for name in "5b 5c 5d 6a 6b 6c 6d 6e 7a 7b 7c".split():
            x = self.get_submodule(f"Mixed_{name}")(x)
        pooled: Tensor = x.mean(dim=(2, 3))
        return pooled


class _ConvNorm(nn.Module):
    def __init__(self, conv: _Conv) -> None:
        super().__init__()
        channels, width, kernel, stride, padding = conv
        self.conv = nn.Conv2d(channels, width, kernel, stride, padding, bias=False)
        self.bn = nn.BatchNorm2d(width, eps=0.001)

    def forward(self, x_BCHW: Tensor) -> Tensor:
        return F.relu(self.bn(self.conv(x_BCHW)))


class _Mixed(nn.Module):
    """Parallel paths joined over channels; a path names its convolutions, or a pooling, and may end in a fork."""

    def __init__(self, convs: dict[str, _Conv], paths: tuple[_Path, ...]) -> None:
        super().__init__()
        for name, conv in convs.items():
            self.add_module(name, _ConvNorm(conv))
        self.paths = paths

    def forward(self, x_BCHW: Tensor) -> Tensor:
        return torch.cat([branch for path in self.paths for branch in self._follow(path, x_BCHW)], dim=1)

    def _follow(self, path: _Path, x: Tensor) -> list[Tensor]:
        for step in path:
            if isinstance(step, tuple):
                return [self.get_submodule(name)(x) for name in step]
            x = _POOLS[step](x) if step in _POOLS else self.get_submodule(step)(x)
        return [x]


_POOLS = {
    "average": lambda x: F.avg_pool2d(x, 3, 1, 1, count_include_pad=False),
    "max": lambda x: F.max_pool2d(x, 3, 1, 1),
    "halve": lambda x: F.max_pool2d(x, 3, 2),
}


def _block_a(channels: int, pool: int) -> _Mixed:
    convs: dict[str, _Conv] = {
        "branch1x1": (channels, 64, 1, 1, 0),
        "branch5x5_1": (channels, 48, 1, 1, 0),
        "branch5x5_2": (48, 64, 5, 1, 2),
        "branch3x3dbl_1": (channels, 64, 1, 1, 0),
        "branch3x3dbl_2": (64, 96, 3, 1, 1),
        "branch3x3dbl_3": (96, 96, 3, 1, 1),
        "branch_pool": (channels, pool, 1, 1, 0),
    }
    double = ("branch3x3dbl_1", "branch3x3dbl_2", "branch3x3dbl_3")
    return _Mixed(convs, (("branch1x1",), ("branch5x5_1", "branch5x5_2"), double, ("average", "branch_pool")))


def _block_b(channels: int) -> _Mixed:
    convs: dict[str, _Conv] = {
        "branch3x3": (channels, 384, 3, 2, 0),
        "branch3x3dbl_1": (channels, 64, 1, 1, 0),
        "branch3x3dbl_2": (64, 96, 3, 1, 1),
        "branch3x3dbl_3": (96, 96, 3, 2, 0),
    }
    return _Mixed(convs, (("branch3x3",), ("branch3x3dbl_1", "branch3x3dbl_2", "branch3x3dbl_3"), ("halve",)))


def _block_c(channels: int, width: int) -> _Mixed:
    row: tuple[_Size, int, _Size] = ((1, 7), 1, (0, 3))
    column: tuple[_Size, int, _Size] = ((7, 1), 1, (3, 0))
    convs: dict[str, _Conv] = {
        "branch1x1": (channels, 192, 1, 1, 0),
        "branch7x7_1": (channels, width, 1, 1, 0),
        "branch7x7_2": (width, width, *row),
        "branch7x7_3": (width, 192, *column),
        "branch7x7dbl_1": (channels, width, 1, 1, 0),
        "branch7x7dbl_2": (width, width, *column),
        "branch7x7dbl_3": (width, width, *row),
        "branch7x7dbl_4": (width, width, *column),
        "branch7x7dbl_5": (width, 192, *row),
        "branch_pool": (channels, 192, 1, 1, 0),
    }
    single = ("branch7x7_1", "branch7x7_2", "branch7x7_3")
    double = tuple(f"branch7x7dbl_{i}" for i in range(1, 6))
    return _Mixed(convs, (("branch1x1",), single, double, ("average", "branch_pool")))


def _block_d(channels: int) -> _Mixed:
    convs: dict[str, _Conv] = {
        "branch3x3_1": (channels, 192, 1, 1, 0),
        "branch3x3_2": (192, 320, 3, 2, 0),
        "branch7x7x3_1": (channels, 192, 1, 1, 0),
        "branch7x7x3_2": (192, 192, (1, 7), 1, (0, 3)),
        "branch7x7x3_3": (192, 192, (7, 1), 1, (3, 0)),
        "branch7x7x3_4": (192, 192, 3, 2, 0),
    }
    long = tuple(f"branch7x7x3_{i}" for i in range(1, 5))
    return _Mixed(convs, (("branch3x3_1", "branch3x3_2"), long, ("halve",)))


def _block_e(channels: int, pool: str) -> _Mixed:
    row: tuple[_Size, int, _Size] = ((1, 3), 1, (0, 1))
    column: tuple[_Size, int, _Size] = ((3, 1), 1, (1, 0))
    convs: dict[str, _Conv] = {
        "branch1x1": (channels, 320, 1, 1, 0),
        "branch3x3_1": (channels, 384, 1, 1, 0),
        "branch3x3_2a": (384, 384, *row),
        "branch3x3_2b": (384, 384, *column),
        "branch3x3dbl_1": (channels, 448, 1, 1, 0),
        "branch3x3dbl_2": (448, 384, 3, 1, 1),
        "branch3x3dbl_3a": (384, 384, *row),
        "branch3x3dbl_3b": (384, 384, *column),
        "branch_pool": (channels, 192, 1, 1, 0),
    }
    single: _Path = ("branch3x3_1", ("branch3x3_2a", "branch3x3_2b"))
    double: _Path = ("branch3x3dbl_1", "branch3x3dbl_2", ("branch3x3dbl_3a", "branch3x3dbl_3b"))
    return _Mixed(convs, (("branch1x1",), single, double, (pool, "branch_pool")))
