"""What a restoration did to a small photograph, carried to the large one it was made of (ours).

Of each channel the gain of light g = log((q + eG) / (p + e)) is fitted as a Y + b in windows of the small photograph,
with Y its luma: a guided filter (He, Sun and Tang, IEEE TPAMI 35, 2013) with coefficients on a lattice (as He and Sun,
arXiv:1505.00996, 2015). The luma of the large photograph then says where each gain ends: edges stay where they are. p
and q are linear light before and after, G is the gain of the whole photograph; with e black has a gain too, and what is
lifted from black stays lifted.

Shapes: photographs (1, 3, H, W), sRGB-encoded, in [0, 1]; lattices (1, C, h, w).
"""

import torch
from torch import Tensor
from torch.nn import functional as F

from restorect.colour import linear_to_srgb, luma, srgb_to_linear
from restorect.render.pyramid import cell_means
from restorect.render.rows import Rows
from restorect.render.small import CELL

_AROUND = 1  # cells on each side of a window's middle
_FLAT = 1e-4  # variance of luma below which a window counts as flat, and has one gain
_DARK = 3e-3  # linear light that is added before and after: about 10 of 255
_MOST = 64.0  # gain of a whole photograph


class GainMap:
    """A gain for each channel of each pixel of a large photograph.

    Args:
        photo: the small photograph; its sides are multiples of `CELL`.
        restored: its restoration.
    """

    def __init__(self, photo: Tensor, restored: Tensor) -> None:
        before, after = srgb_to_linear(photo), srgb_to_linear(restored.clamp(0, 1))
        self._overall = _overall(before, after)
        gain = (after.add_(_DARK * self._overall) / before.add_(_DARK)).log_()
        self._range = gain.amin(dim=(2, 3), keepdim=True), gain.amax(dim=(2, 3), keepdim=True)
        self._lattice = _fitted(luma(photo), gain)

    def carried(self, photo: Rows) -> Rows:
        """The restoration of the large photograph, which is made when rows are read of it."""
        return Rows(photo.height, photo.width, lambda a, b: self._lit(photo.read(a, b), a, photo.height))

    def _lit(self, rows: Tensor, first: int, height: int) -> Tensor:
        slope, level = self._rows(first, rows, height).chunk(2, dim=1)
        gain = torch.addcmul(level, slope, luma(rows)).clamp_(*self._range).exp_()
        light = srgb_to_linear(rows).add_(_DARK).mul_(gain).sub_(_DARK * self._overall)
        return linear_to_srgb(light.clamp_(0, 1))

    def _rows(self, first: int, rows: Tensor, height: int) -> Tensor:
        """Slope and level of these rows of the large photograph, between the middles of cells."""
        cells = self._lattice.shape[2]
        count, width = rows.shape[2:]
        place = ((torch.arange(first, first + count, dtype=torch.float64) + 0.5) * (cells / height) - 0.5).clamp(
            0, cells - 1
        )
        above = place.floor().long()
        share = (place - above).to(self._lattice).view(-1, 1)
        above = above.to(self._lattice.device)
        narrow = self._lattice[:, :, above].lerp(self._lattice[:, :, (above + 1).clamp(max=cells - 1)], share)
        return F.interpolate(narrow, size=(count, width), mode="bilinear", align_corners=False)


def _overall(before: Tensor, after: Tensor) -> Tensor:
    """The gain of each channel as a whole, (1, 3, 1, 1); 1 of one that is black."""
    light = before.mean(dim=(2, 3), keepdim=True)
    gain = after.mean(dim=(2, 3), keepdim=True) / light
    return torch.where(light > 0, gain, 1.0).clamp(1 / _MOST, _MOST)


def _fitted(guide: Tensor, gain: Tensor) -> Tensor:
    """Slopes and levels of the gain over the guide, (1, 6, h, w): least squares in windows."""
    moments = _around(cell_means(torch.cat([guide, guide * guide, gain, guide * gain], dim=1), CELL))
    mean, square, level, product = torch.split(moments, [1, 1, 3, 3], dim=1)
    slope = (product - mean * level) / ((square - mean * mean).clamp(min=0) + _FLAT)
    return torch.cat([slope, level - slope * mean], dim=1)


def _around(lattice: Tensor) -> Tensor:
    """Means of windows of cells; at the border, of what is there."""
    side = 2 * _AROUND + 1
    return F.avg_pool2d(lattice, side, stride=1, padding=_AROUND, count_include_pad=False)
