"""The lattice that folding leaves: a pattern of the stem's period in flat places, and how to take it away.

Shapes: maps (B, C, H, W) at the photo's resolution, folded (B, C s^2, H/s, W/s), s = `stem`.
"""

import torch
from torch import Tensor
from torch.nn import functional as F

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
    lattice = lattice_of(F.interpolate(folded, cells, mode="area"), (h, w), stem, cells)
    return F.pixel_shuffle(folded - F.interpolate(lattice, (h, w), mode="bilinear", align_corners=False), stem)


def cells_of(height: int, width: int) -> tuple[int, int]:
    """How many cells of 6 x 6 squares a folded map has."""
    return -(-height // _REACH), -(-width // _REACH)


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
    """The difference from one cell to the next, by central differences."""
    return torch.gradient(x, dim=dim)[0] if x.shape[dim] > 1 else torch.zeros_like(x)
