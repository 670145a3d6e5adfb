"""Where a photograph is black: signal against noise, measured on the lattice of its cell means (ours).

Shapes: photo_B3hw and light_B1hw in [0, 1], sRGB-encoded; noise floors (B, 1, 1, 1).
"""

import torch
from torch import Tensor

from restorect.render.pyramid import larger, smaller

_TINY = 1e-12
_WHITE = 0.9995  # percentile of the brightest channel: ten cells of a 144 x 144 lattice, so that a far lamp counts
_DIMMEST = 0.05  # white of a photo that has none
_REACH = 4  # noise floors below which detail is doubted
_STRUCTURE = 0.15  # relative contrast of neighbouring cells that noise does not reach


def noise_floor(photo_B3hw: Tensor, share: float) -> Tensor:
    """The luma below which there is more noise than signal: a share of the photo's own white.

    What is black depends on how the photo was exposed. In one with lamps in it, 3 of 255 is a black sky; in one that
    is underexposed as a whole the same value is a wall. White is the 99.95th percentile of the brightest channel: a lit
    monument far away is the white of its night.
    """
    white = _percentile(photo_B3hw.amax(dim=1).flatten(1), _WHITE).view(-1, 1, 1, 1)
    return share * white.clamp(min=_DIMMEST)


def _percentile(values_BN: Tensor, share: float) -> Tensor:
    """(B,), between the two values that lie next to it, as `torch.quantile`, which ONNX does not know."""
    ordered = values_BN.sort(dim=1).values
    last = torch.ones((), device=values_BN.device) * (ordered.shape[1] - 1)
    place = torch.minimum(share * last, last - 1).clamp(min=0)  # in a small photo too, no single cell decides
    below, above = (index.long().view(1) for index in (place.floor(), place.ceil()))
    low, high = ordered.index_select(1, below), ordered.index_select(1, above)
    return low.lerp(high, (place - place.floor()).to(low)).flatten()


def signal_share(light_B1hw: Tensor, floor: Tensor) -> Tensor:
    """From 0 in black to 1 in what was lit: s^4 / (s^4 + n^4), half at the noise floor."""
    return light_B1hw**4 / (light_B1hw**4 + floor**4 + _TINY)


def detail_share(light_B1hw: Tensor, floor: Tensor) -> Tensor:
    """How far detail finer than a cell is to be believed: fully, but where it is nearly black and flat around.

    A dark sky's grain has no company on the scale of cells, a tree's branches have: their contrast to the cells around,
    relative to the light there, tells the one from the other.
    """
    near = light_B1hw**2 / (light_B1hw**2 + (_REACH * floor) ** 2 + _TINY)
    base = larger(smaller(light_B1hw), light_B1hw)
    energy = larger(smaller((light_B1hw - base) ** 2), light_B1hw)
    structure = energy / (energy + (_STRUCTURE * base) ** 2 + 1e-8)
    return 1 - (1 - near) * (1 - structure)
