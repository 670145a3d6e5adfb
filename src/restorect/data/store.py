"""Photographs ready for training: decoded once into memory where they fit, else read when they are needed.

Shapes: images (3, H, W) from 0 to 255 on the training device: uint8, or float16 where they are shrunk.
"""

from collections.abc import Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional as F

from restorect.data.flat import FlatPhotos
from restorect.data.pairs import Pair
from restorect.errors import DataError
from restorect.images.seen import read_srgb, size_of


def load_tensor(path: Path) -> Tensor:
    """Read a photograph as (3, H, W) uint8, as `read_srgb` does."""
    return torch.from_numpy(read_srgb(path)).permute(2, 0, 1).contiguous()


class ImageStore:
    """Image files by number, kept in one buffer on a device if they fit.

    Args:
        paths: the files.
        device: where images are kept and given.
        memory_gb: keep all in memory when their pixels take at most this much; else decode on each request.
        side: shrink photos to this longer side, for networks that read thumbnails; 0 leaves them.
        half: those of the files that are shrunk to half their size first, in whole pixels and steps of 8 bit.

    Attributes:
        sizes: (n, 2) heights and widths, int64, as images are given.
        dtype: float16 where `side` is given, else uint8.
    """

    def __init__(
        self, paths: Sequence[Path], device: torch.device, memory_gb: float, side: int = 0, half: Collection[Path] = ()
    ) -> None:
        self.paths, self.half, self.side = list(paths), frozenset(half), side
        self.device, self.dtype = device, torch.float16 if side else torch.uint8
        self._stored = {path: size_of(path) for path in self.paths}
        self.sizes = torch.tensor([self._sizes(path)[1] for path in self.paths], dtype=torch.long).view(-1, 2)
        self._kept: FlatPhotos | None = None
        if 3 * int(self.sizes.prod(dim=1).sum()) * self.dtype.itemsize <= memory_gb * 1e9:
            self._kept = FlatPhotos(self.sizes, self.dtype, device)
            with ThreadPoolExecutor(4) as pool:
                for number, image in enumerate(pool.map(self._load, self.paths)):
                    self._kept[number].copy_(image)

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, index: int) -> Tensor:
        if self._kept is not None:
            return self._kept[index]
        return self._load(self.paths[index]).to(self.device)

    def flat(self, numbers: Tensor) -> tuple[FlatPhotos, Tensor]:
        """Photos side by side, those of these numbers (B,) among them, and their numbers there."""
        if self._kept is not None:
            return self._kept, numbers
        needed, places = torch.unique(numbers, return_inverse=True)
        return FlatPhotos.of([self[number] for number in needed.tolist()]), places

    def _load(self, path: Path) -> Tensor:
        image = load_tensor(path)
        if (size := self._stored[path]) != (image.shape[2], image.shape[1]):
            raise DataError(f"{path}: was {size[0]}x{size[1]} before, and is of another size now; begin again")
        halved, size = self._sizes(path)
        if path in self.half:
            image = _shrunk(image, *halved).round().byte()
        # Not rounded: steps of 8 bit would show in dark thumbnails, and those of whole photos have none.
        return _shrunk(image, *size).half() if self.side else image

    def _sizes(self, path: Path) -> tuple[tuple[int, int], tuple[int, int]]:
        """(height, width) after halving, and after shrinking to `side`."""
        width, height = self._stored[path]
        if path in self.half:
            height, width = max(1, height // 2), max(1, width // 2)
        scale = min(1.0, self.side / max(height, width)) if self.side else 1.0
        return (height, width), (max(1, round(scale * height)), max(1, round(scale * width)))


class PairStore:
    """Pairs by number, those of two references with both; a file of several pairs is kept once.

    Args:
        pairs: the pairs.
        device: where images are kept and given.
        memory_gb: as of `ImageStore`, for all of them together.
        side: likewise.
        half: sources whose photos are shrunk to half their size: what stands before "-" in a name.

    Attributes:
        images: the photos of all pairs.
        numbers: (n, 3) numbers there of low, high and second reference, int64; -1 where there is none.
    """

    def __init__(
        self, pairs: Sequence[Pair], device: torch.device, memory_gb: float, side: int = 0, half: Collection[str] = ()
    ) -> None:
        self.pairs = list(pairs)
        number: dict[Path | None, int] = {}
        for pair in pairs:
            for file in pair.files:
                number.setdefault(file, len(number))
        halves = {file for pair in pairs if pair.source in half for file in pair.files}
        self.images = ImageStore([file for file in number if file], device, memory_gb, side, halves)
        number[None] = -1
        rows = [[number[file] for file in (pair.low, pair.high, pair.fused)] for pair in pairs]
        self.numbers = torch.tensor(rows, dtype=torch.long).view(-1, 3)

    def __len__(self) -> int:
        return len(self.pairs)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        """(low, high)."""
        low, high, _ = self.numbers[index].tolist()
        return self.images[low], self.images[high]

    def fused(self, index: int) -> Tensor | None:
        """The second reference of a pair, None where it has none."""
        number = int(self.numbers[index, 2])
        return None if number < 0 else self.images[number]


def as_stored(image: Tensor, dtype: torch.dtype) -> Tensor:
    """An image in [0, 1] as photos are kept: from 0 to 255, in steps of 8 bit if they are."""
    values = (image * 255).clamp(0, 255)
    return (values if dtype.is_floating_point else values.round()).to(dtype)


def _shrunk(image: Tensor, height: int, width: int) -> Tensor:
    return F.interpolate(image[None].float(), (height, width), mode="area")[0]
