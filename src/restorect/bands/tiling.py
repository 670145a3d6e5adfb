"""How a map is cut: into bands of rows, and wide ones into strips of columns.

Shapes: maps (H, W, C), so that a band of rows is one piece of memory and a 1x1 convolution is a matrix product.
"""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

_BYTES = {"cpu": 6_000_000}  # within the last cache of a core
_ELSEWHERE = 256_000_000


@dataclass(frozen=True, kw_only=True)
class Tiling:
    """The size of the pieces, and the type of the arithmetic; maps are kept in float32.

    Pieces of 4 to 8 MB were the fastest on a CPU: below, the calls weigh, beyond, memory fresh from the system does.

    Attributes:
        bytes: of what is widened of one piece.
        rows: least rows of a piece.
        columns: its least columns.
        dtype: of convolutions and matrix products.
    """

    bytes: int = _BYTES["cpu"]
    rows: int = 8
    columns: int = 16
    dtype: torch.dtype = torch.float32

    @classmethod
    def on(cls, device: torch.device, dtype: torch.dtype = torch.float32) -> "Tiling":
        """The tiling that suits a device."""
        return cls(bytes=_BYTES.get(device.type, _ELSEWHERE), dtype=dtype)

    def step(self, width: int, channels: int) -> int:
        """Rows of a band of full width, of so many channels in all."""
        return max(1, self.bytes // (width * channels * self.dtype.itemsize))

    def tile(self, height: int, width: int, channels: int) -> tuple[int, int]:
        """Rows and columns of a piece that is widened to so many channels, and has a halo of one pixel."""
        pixels = self.bytes // (channels * self.dtype.itemsize)
        rows = min(height, max(self.rows, pixels // (width + 2) - 2))
        return rows, max(self.columns, pixels // (rows + 2) - 2)


class Strip(NamedTuple):
    """Columns `first` to `last` of a map, and with their halo `begin` to `end`."""

    first: int
    last: int
    begin: int
    end: int

    @property
    def own(self) -> slice:
        """The strip without its halo, within the strip with it."""
        return slice(self.first - self.begin, self.last - self.begin)


def bands(height: int, step: int) -> Iterator[tuple[int, int]]:
    """First and last (exclusive) rows of the bands, top down."""
    for first in range(0, height, step):
        yield first, min(height, first + step)


def strips(width: int, columns: int) -> list[Strip]:
    """Strips of about so many columns."""
    count = max(1, round(width / columns))
    edges = [width * i // count for i in range(count + 1)]
    return [Strip(a, b, max(0, a - 1), min(width, b + 1)) for a, b in itertools.pairwise(edges)]


def empty_map(height: int, width: int, channels: int, device: torch.device) -> Tensor:
    """A map (H, W, C) to be filled; on a CPU numpy asks for it in huge pages, whatever the environment says."""
    if device.type == "cpu":
        return torch.from_numpy(np.empty((height, width, channels), np.float32))
    return torch.empty(height, width, channels, device=device)
