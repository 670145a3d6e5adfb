"""Photographs ready for training: decoded once into memory where they fit, else read when they are needed.

Shapes: images (3, H, W) from 0 to 255 on the training device: uint8, or float16 where they were shrunk.
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional as F

from restorect.data.pairs import Pair, image_size, read_rgb


def load_tensor(path: Path) -> Tensor:
    """Decode an image file to (3, H, W) uint8."""
    return torch.from_numpy(read_rgb(path)).permute(2, 0, 1).contiguous()


class ImageStore:
    """Image files by number, kept as uint8 on a device if they fit.

    Args:
        paths: the files.
        device: where images are kept and given.
        memory_gb: keep all in memory when their pixels take at most this much; else decode on each request.
        side: shrink photos to this longer side, for networks that read thumbnails; 0 leaves them.
    """

    def __init__(self, paths: Sequence[Path], device: torch.device, memory_gb: float, side: int = 0) -> None:
        self.paths = list(paths)
        self.device, self.side = device, side
        size = sum(_bytes(h, w, side) for w, h in map(image_size, self.paths))
        self._kept: list[Tensor] | None = None
        if size <= memory_gb * 1e9:
            with ThreadPoolExecutor(4) as pool:
                self._kept = [t.to(device) for t in pool.map(self._load, self.paths)]

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, index: int) -> Tensor:
        if self._kept is not None:
            return self._kept[index]
        return self._load(self.paths[index]).to(self.device)

    def _load(self, path: Path) -> Tensor:
        image = load_tensor(path)
        H, W = image.shape[-2:]
        scale = _scale(H, W, self.side)
        if scale == 1:
            return image
        size = max(1, round(scale * H)), max(1, round(scale * W))
        # Not rounded: steps of 8 bit would show in dark thumbnails, and those of whole photos have none.
        return F.interpolate(image[None].float(), size, mode="area")[0].half()


class PairStore:
    """Pairs by number: two stores side by side."""

    def __init__(self, pairs: Sequence[Pair], device: torch.device, memory_gb: float, side: int = 0) -> None:
        self.names = [pair.name for pair in pairs]
        self.low = ImageStore([pair.low for pair in pairs], device, memory_gb / 2, side)
        self.high = ImageStore([pair.high for pair in pairs], device, memory_gb / 2, side)

    def __len__(self) -> int:
        return len(self.names)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        return self.low[index], self.high[index]


def _scale(height: int, width: int, side: int) -> float:
    return min(1.0, side / max(height, width)) if side else 1.0


def _bytes(height: int, width: int, side: int) -> float:
    scale = _scale(height, width, side)
    return 3 * height * width * (1 if scale == 1 else 2 * scale**2)
