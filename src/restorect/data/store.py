"""Photographs ready for training: decoded once into memory where they fit, else read when they are needed.

Shapes: images (3, H, W) from 0 to 255 on the training device: uint8, or float16 where they were shrunk.
"""

from collections.abc import Collection, Sequence
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
    """Image files by number, kept as uint8 on a device if they fit; a file given twice is kept once.

    Args:
        paths: the files.
        device: where images are kept and given.
        memory_gb: keep all in memory when their pixels take at most this much; else decode on each request.
        side: shrink photos to this longer side, for networks that read thumbnails; 0 leaves them.
        half: those of the files that are shrunk to half their size first, in whole pixels and steps of 8 bit.
    """

    def __init__(
        self,
        paths: Sequence[Path],
        device: torch.device,
        memory_gb: float,
        side: int = 0,
        half: Collection[Path] = (),
    ) -> None:
        self.paths = list(paths)
        self.device, self.side, self.half = device, side, frozenset(half)
        self._kept: dict[Path, Tensor] | None = None
        files = dict.fromkeys(self.paths)
        if sum(map(self._bytes, files)) <= memory_gb * 1e9:
            with ThreadPoolExecutor(4) as pool:
                images = pool.map(self._load, files)
                self._kept = {path: image.to(device) for path, image in zip(files, images, strict=True)}

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, index: int) -> Tensor:
        path = self.paths[index]
        if self._kept is not None:
            return self._kept[path]
        return self._load(path).to(self.device)

    def _load(self, path: Path) -> Tensor:
        image = load_tensor(path)
        if path in self.half:
            image = _shrunk(image, *_halves(*image.shape[-2:])).round().byte()
        H, W = image.shape[-2:]
        scale = _scale(H, W, self.side)
        if scale == 1:
            return image
        # Not rounded: steps of 8 bit would show in dark thumbnails, and those of whole photos have none.
        return _shrunk(image, max(1, round(scale * H)), max(1, round(scale * W))).half()

    def _bytes(self, path: Path) -> float:
        width, height = image_size(path)
        if path in self.half:
            height, width = _halves(height, width)
        scale = _scale(height, width, self.side)
        return 3 * height * width * (1 if scale == 1 else 2 * scale**2)


class PairStore:
    """Pairs by number, those of two references with both.

    Args:
        pairs: the pairs.
        device: where images are kept and given.
        memory_gb: as of `ImageStore`, for all of them together.
        side: likewise.
        half: sources whose photos are shrunk to half their size: what stands before "-" in a name.
    """

    def __init__(
        self,
        pairs: Sequence[Pair],
        device: torch.device,
        memory_gb: float,
        side: int = 0,
        half: Collection[str] = (),
    ) -> None:
        self.pairs = list(pairs)
        files = list(dict.fromkeys(file for pair in pairs for file in pair.files))
        halves = {file for pair in pairs if pair.source in half for file in pair.files}
        self._images = ImageStore(files, device, memory_gb, side, halves)
        self._number = {file: number for number, file in enumerate(files)}

    def __len__(self) -> int:
        return len(self.pairs)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        """(low, high)."""
        pair = self.pairs[index]
        return self._images[self._number[pair.low]], self._images[self._number[pair.high]]

    def fused(self, index: int) -> Tensor | None:
        """The second reference of a pair, None where it has none."""
        file = self.pairs[index].fused
        return None if file is None else self._images[self._number[file]]


def _shrunk(image: Tensor, height: int, width: int) -> Tensor:
    return F.interpolate(image[None].float(), (height, width), mode="area")[0]


def _halves(height: int, width: int) -> tuple[int, int]:
    return max(1, height // 2), max(1, width // 2)


def _scale(height: int, width: int, side: int) -> float:
    return min(1.0, side / max(height, width)) if side else 1.0
