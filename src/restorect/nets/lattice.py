"""The lattice that folding leaves: a pattern of the stem's period in flat places, and how to take it away.

Shapes: maps (B, C, H, W) at the photo's resolution, folded (B, C s^2, H/s, W/s), s = `stem`.
"""

import functools

import torch
from torch import Tensor
from torch.nn import functional as F

from restorect.nets.area import area_means

_REACH = 6  # squares a side whose mean says what is steady


def unfold_without_lattice(folded: Tensor, stem: int) -> Tensor:
    """Unfold squares of `stem` pixels a side (PixelShuffle), less what repeats with them.

    The steady part of each place in the square, its mean over 6 x 6 squares, is compared with the mean of all places
    and its slope. What lies between is lattice, not picture. Nothing is learnt; a steady picture, straight ramps and
    detail that is not steady stay.
    """
    if stem == 1:
        return folded
    h, w = folded.shape[-2:]
    cells = cells_of(h, w)
    lattice = lattice_of(area_means(folded, cells), (h, w), stem, cells)
    return F.pixel_shuffle(folded - enlarged(lattice, (h, w)), stem)


def enlarged(x: Tensor, size: tuple[int, int]) -> Tensor:
    """Enlarge (B, C, n, m) to (B, C, h, w) bilinearly; on a GPU by matrices, whose gradient takes less time."""
    if not x.is_cuda:
        return F.interpolate(x, size, mode="bilinear", align_corners=False)
    with torch.autocast(x.device.type, enabled=False):
        down, across = (_bilinear(n, N, x.device) for n, N in zip(x.shape[-2:], size, strict=True))
        return (down @ x.float() @ across.T).to(x.dtype)


@functools.cache
def _bilinear(size: int, larger: int, device: torch.device) -> Tensor:
    """(larger, size): what each line is made of."""
    lines = F.interpolate(torch.eye(size)[None, None], (larger, size), mode="bilinear", align_corners=False)
    return lines[0, 0].to(device)


def cells_of(height: int, width: int) -> tuple[int, int]:
    """How many cells of 6 x 6 squares a folded map has."""
    return (height + _REACH - 1) // _REACH, (width + _REACH - 1) // _REACH


def lattice_of(means: Tensor, shape: tuple[int, int], stem: int, cells: tuple[int, int]) -> Tensor:
    """The lattice in the means of cells.

    Args:
        means: (B, C s^2, n, m) of all cells, or of some rows of them; the outermost are exact only of the map's own.
        shape: (h, w) of the folded map.
        stem: s.
        cells: of the whole map.
    """
    steady = means.view(len(means), -1, stem, stem, *means.shape[2:])
    picture = steady.mean(dim=(2, 3), keepdim=True)
    # Of a ramp, the places of a square show different parts.
    places = (torch.arange(stem, dtype=means.dtype, device=means.device) - (stem - 1) / 2) / stem
    down = places.view(stem, 1, 1, 1) * (cells[0] / shape[0]) * _slope(picture, -2)
    across = places.view(1, stem, 1, 1) * (cells[1] / shape[1]) * _slope(picture, -1)
    return (steady - picture - down - across).flatten(1, 3)


def _slope(x: Tensor, dim: int) -> Tensor:
    """The difference from one cell to the next, by central differences, at the border by one-sided ones."""
    last = x.shape[dim] - 1
    place = torch.arange(last + 1, device=x.device)
    before, after = (place - 1).clamp(min=0), (place + 1).clamp(max=last)
    steps = (after - before).clamp(min=1).view(-1, *[1] * (-1 - dim))  # a single cell has no slope
    return (x.index_select(dim, after) - x.index_select(dim, before)) / steps
