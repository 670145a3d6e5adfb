"""The lattice that folding leaves: a pattern of the stem's period in flat places, and how to take it away.

Shapes: maps (B, C, H, W) at the photo's resolution, folded (B, C s^2, H/s, W/s), s = `stem`.
"""

from torch import Tensor
from torch.nn import functional as F

_REACH = 6  # squares a side whose mean says what is steady


def unfold_without_lattice(folded: Tensor, stem: int) -> Tensor:
    """Unfold squares of `stem` pixels a side (PixelShuffle), less what repeats with them.

    The steady part of each place in the square, its mean over 6 x 6 squares, interpolated, is compared with itself
    smoothed by a kernel that is zero at all frequencies of period `stem` and keeps straight ramps. What lies between
    the two is lattice, not picture. Nothing is learnt; a steady picture and detail that is not steady stay.
    """
    image = F.pixel_shuffle(folded, stem)
    if stem == 1:
        return image
    h, w = folded.shape[-2:]
    means = F.interpolate(folded, (-(-h // _REACH), -(-w // _REACH)), mode="area")
    steady = F.pixel_shuffle(F.interpolate(means, (h, w), mode="bilinear", align_corners=False), stem)
    return image - (steady - _smooth(_smooth(steady, stem, -1), stem, -2))


def _smooth(x: Tensor, stem: int, dim: int) -> Tensor:
    """A window of `stem` pixels, made symmetric by half of a pixel more on either side; borders replicated."""
    reach, size = stem // 2, x.shape[dim]
    pad = (reach, reach, 0, 0) if dim == -1 else (0, 0, reach, reach)
    padded = F.pad(x, pad, mode="replicate")
    total = 0.5 * (padded.narrow(dim, 0, size) + padded.narrow(dim, 2 * reach, size))
    for start in range(1, 2 * reach):
        total = total + padded.narrow(dim, start, size)
    return total / stem
