"""Photographs side by side in one buffer, and batches cut out of it by index arithmetic.

A batch takes the same few operations whatever its size: on a GPU each of them has its price, and one for each photo
would be most of it. Shapes: B places, photos (3, H, W), squares of side s.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

Develop = Callable[[Tensor], Tensor]


class Places(NamedTuple):
    """Rectangles in a buffer of pixels, each (B,) int64, as pixels are counted along the buffer."""

    origin: Tensor  # the first pixel, in the first plane
    plane: Tensor  # from a pixel to the same one of the next plane
    row: Tensor  # from a pixel to the one below it
    height: Tensor
    width: Tensor

    @classmethod
    def of(cls, images: Tensor) -> "Places":
        """Those of whole images (B, 3, H, W), contiguous, in a buffer of themselves."""
        B, C, H, W = images.shape
        row, plane = (torch.full((B,), length) for length in (W, H * W))
        return cls(torch.arange(B) * C * H * W, plane, row, torch.full((B,), H), torch.full((B,), W))

    def to(self, device: torch.device) -> "Places":
        """The same on a device, in one transfer."""
        return Places(*torch.stack(self).to(device, non_blocking=True))

    def planes(self) -> Tensor:
        """The first pixels in all three planes, (B, 3)."""
        return self.origin[:, None] + self.plane[:, None] * torch.arange(3, device=self.origin.device)


class FlatPhotos:
    """Photos of any sizes in one buffer, plane after plane; behind them zeros, as many as the widest has columns.

    Args:
        sizes: (n, 2) heights and widths, int64.
        dtype: of the pixels.
        device: where they are.
    """

    def __init__(self, sizes: Tensor, dtype: torch.dtype, device: torch.device) -> None:
        self.sizes = sizes
        ends = (3 * sizes.prod(dim=1)).cumsum(0)
        self.begins = F.pad(ends, (1, 0))[:-1]
        total, widest = (int(ends[-1]), int(sizes[:, 1].max())) if len(sizes) else (0, 0)
        self.pixels = torch.zeros(total + widest, dtype=dtype, device=device)

    @classmethod
    def of(cls, photos: Sequence[Tensor]) -> "FlatPhotos":
        """These photos (3, H, W), of one dtype and device."""
        sizes = torch.tensor([photo.shape[-2:] for photo in photos])
        flat = cls(sizes, photos[0].dtype, photos[0].device)
        torch.cat([photo.flatten() for photo in photos], out=flat.pixels[: -int(sizes[:, 1].max())])
        return flat

    def __len__(self) -> int:
        return len(self.sizes)

    def __getitem__(self, number: int) -> Tensor:
        """The photo (3, H, W), as a view."""
        (H, W), begin = self.sizes[number].tolist(), int(self.begins[number])
        return self.pixels[begin : begin + 3 * H * W].view(3, H, W)

    def places(self, numbers: Tensor, regions: Tensor) -> Places:
        """Where regions of photos are: numbers (B,), regions (B, 4) of top, left, height and width, on the CPU."""
        (H, W), (top, left, height, width) = self.sizes[numbers].T, regions.T
        return Places(self.begins[numbers] + top * W + left, H * W, W, height, width)


def squares(pixels: Tensor, places: Places, corners: Tensor, side: int, turns: Tensor) -> Tensor:
    """Cut a square out of each place and turn it; a side of a place shorter than it is stretched to it.

    Args:
        pixels: the buffer.
        places: on the CPU.
        corners: (B, 2) rows and columns of a place above and before its square.
        side: of the squares.
        turns: (B, 3) bool, the symmetry of each: whether rows and columns change places, after those of the place are
            reversed, and after its columns are.

    Returns:
        (B, 3, s, s) float32, channels last.
    """
    stretched = bool(torch.minimum(places.height, places.width).min() < side)
    ones, transposed, reversed_ = torch.ones_like(places.row), turns[:, 0], turns[:, 1:].T
    table = torch.stack([places.height, places.width, places.row, ones, *corners.T, *reversed_, transposed])
    table, places = table[..., None].to(pixels.device, non_blocking=True), places.to(pixels.device)
    lengths, steps, firsts, reversed_, transposed = table[0:2], table[2:4], table[4:6], table[6:8], table[8]
    between = _lines(lengths, firsts, side, reversed_)  # (2, B, s): rows, and columns
    before = between.long()
    planes = places.planes()[:, None, None]

    def turned(lines: Tensor) -> Tensor:
        return torch.where(transposed > 0, lines.flip(0), lines)

    def cut(rows: Tensor, columns: Tensor) -> Tensor:
        index = planes + rows[:, :, None, None] + columns[:, None, :, None]
        return pixels.index_select(0, index.flatten()).view(index.shape).permute(0, 3, 1, 2).float()

    rows, columns = turned(before * steps)
    if not stretched:
        return cut(rows, columns)
    next_rows, next_columns = turned(torch.minimum(before + 1, lengths - 1) * steps)
    down, right = turned(between - before)
    upper, lower = (torch.lerp(cut(r, columns), cut(r, next_columns), right[:, None, None]) for r in (rows, next_rows))
    return torch.lerp(upper, lower, down[:, None, :, None])


def thumbnails(pixels: Tensor, places: Places, side: int, develop: Develop | None = None) -> Tensor:
    """Each place shrunk to a square by means of areas, as `F.interpolate(mode="area")` does: (B, 3, s, s) float32.

    Rows are added up first, and then columns by differences of running sums; of 8-bit codes these are exact.

    Args:
        pixels: the buffer, with zeros at its end, as many as the widest place has columns.
        places: on the CPU.
        side: of the thumbnails.
        develop: changes pixels (B, 3, s, W), float32, before they are added up; it may do so in place.
    """
    widest, device = int(places.width.max()), pixels.device
    begins, ends = _windows(places.height, side)
    highest = int((ends - begins).max())
    places = places.to(device)
    begins, ends = _windows(places.height, side)
    lines, zeros = pixels.unfold(0, widest, 1), len(pixels) - widest
    planes = places.planes()[:, :, None]
    whole = develop is None and not pixels.is_floating_point()
    dtype = (torch.int16 if highest <= 128 else torch.int32) if whole else torch.float32  # 128 * 255 < 2^15
    sums = torch.zeros(len(begins), 3, side, widest, dtype=dtype, device=device)
    rows = begins + torch.arange(highest, device=device)[:, None, None]
    inside = (rows < ends)[:, :, None]
    indices = torch.where(inside, planes + (rows * places.row[:, None])[:, :, None], zeros)
    for index, there in zip(indices, inside[..., None], strict=True):
        values = lines.index_select(0, index.flatten()).view(sums.shape)
        sums += values if develop is None else develop(values.float()).mul_(there)
    running = F.pad(sums.cumsum(dim=3, dtype=torch.int32 if whole else torch.float32), (1, 0))
    left, right = (edge[:, None, None].expand(-1, 3, side, -1) for edge in _windows(places.width, side))
    counts = (ends - begins)[:, None, :, None] * (right - left)
    return (running.gather(3, right) - running.gather(3, left)) / counts


def _lines(lengths: Tensor, firsts: Tensor, side: int, reversed_: Tensor) -> Tensor:
    """Where the lines of squares lie among those of their places, between two of them where these are stretched."""
    step = torch.arange(side, device=lengths.device)
    step = torch.where(reversed_ > 0, side - 1 - step, step)
    return ((step + 0.5) * (lengths / side).clamp(max=1) - 0.5).clamp(min=0) + firsts


def _windows(length: Tensor, side: int) -> tuple[Tensor, Tensor]:
    """Where the lines that each line of a thumbnail is the mean of begin, and where they end: (B, s) each."""
    step, length = torch.arange(side, device=length.device), length[:, None]
    return step * length // side, ((step + 1) * length + side - 1) // side
