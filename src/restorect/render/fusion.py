"""Exposure fusion of a photograph and its restoration (after Mertens, Kautz and Van Reeth, Pacific Graphics 2007).

Shapes: images (B, 3, H, W), sRGB-encoded, [0, 1]; measures on a lattice (B, C, h, w) of about 144 x 144 cells.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from restorect.colour import luma, smoothstep
from restorect.configs import require
from restorect.render.black import detail_share, noise_floor, signal_share
from restorect.render.pyramid import cell_means, larger, smaller, splined
from restorect.render.rows import Rows
from restorect.render.step import RowScene, RowStep, Scene, Step

_LEAST = 1e-3
_FAINT = 0.02
_TINY = 1e-12
_WHITE = (0.85, 1.0)  # luma: there is less and less to see, then nothing
_FULL = 0.98  # a light pushed further than this has no room for its structure
_LIT = (0.5, 0.8)  # luma of what may belong to a light
LONGEST = 1024  # cells along a side, however narrow the photo is
_BAND_PIXELS = 2**16


@dataclass(frozen=True, kw_only=True)
class FusionConfig:
    """Settings of `fuse`.

    Attributes:
        cells: lattice cells along the side of a square photo: all scales go with the photo's size, not its pixels.
        floor: luma, as a share of the photo's white, below which there is more noise than signal.
        opened: how much the structure of opened shadows is raised; 0 takes it as the restoration shows it.
        spread: standard deviation of well-exposedness around middle grey.
        scales: pyramid levels, from the finest, on which the photo may speak; coarser light is the restoration's.
    """

    name: ClassVar[str] = "fusion"

    cells: int = 144
    floor: float = 0.011
    opened: float = 0.345
    spread: float = 0.2
    scales: int = 3

    def __post_init__(self) -> None:
        """Check the ranges."""
        require(16 <= self.cells <= 1024, f"cells is {self.cells}; it must be from 16 to 1024")
        require(0 <= self.floor <= 0.2, f"floor is {self.floor}; it must be from 0 to 0.2")
        require(0 <= self.opened <= 2, f"opened is {self.opened}; it must be from 0 to 2")
        require(0.05 <= self.spread <= 1, f"spread is {self.spread}; it must be from 0.05 to 1")
        require(1 <= self.scales <= 8, f"scales is {self.scales}; it must be from 1 to 8")

    def build(self) -> "Fusion":
        """The step."""
        return Fusion(self)


class Fusion(Step):
    """`fuse` as a step behind."""

    def __init__(self, config: FusionConfig) -> None:
        super().__init__()
        self.config = config

    def forward(self, image: Tensor, scene: Scene) -> Tensor:
        """The photograph and the image, fused."""
        return fuse(scene.photo, image.clamp(0, 1), self.config)

    def prepare(self, image: Rows, scene: RowScene) -> RowStep:
        """The lattice is read off the whole; rows are composed by themselves."""
        cell = _cell(image.height, image.width, self.config)
        ours, theirs = _cells(scene.photo, cell), _cells(image.then(lambda rows: rows.clamp(0, 1)), cell)
        wide = _lattice(ours, theirs, self.config, cell, image.width)

        def step(rows: Tensor, scene: Scene, place: slice) -> Tensor:
            return composed(scene.photo, rows.clamp(0, 1), splined(wide, -2, cell, range(place.start, place.stop)))

        return step


class _Measures(NamedTuple):
    """What the lattice tells; the first four are (B, 1, h, w), the others (B, 3, h, w).

    Attributes:
        signal: share of signal in what the photo shows.
        kept: how far the photo is white, and stays so.
        trust: weight of the restoration against the photo in what is finer than a cell.
        opening: how much structure is raised.
        change: what may change from the photo.
        light: the photo with that change.
        fused: the fused change.
        raised: the structure that is added.
    """

    signal: Tensor
    kept: Tensor
    trust: Tensor
    opening: Tensor
    change: Tensor
    light: Tensor
    fused: Tensor
    raised: Tensor


def fuse(photo: Tensor, restoration: Tensor, config: FusionConfig = FusionConfig()) -> Tensor:
    """Fuse a photograph with its restoration: lights keep their structure, shadows open, blacks stay black.

    With two brackets, Laplacian pyramid blending is the photo plus its weighted change, level by level,
    x + sum_l G_l(w) L_l(y - x): where nothing changes, the photo comes back to the bit. Three things are ours. The
    coarse levels are the restoration's own: it knows how light a place should be, and the photo how it is structured;
    blending those too costs 2 dB against single exposures and lowers what was opened. In what is black (`render.black`)
    nothing changes. And where the restoration has opened shadows and there is signal, structure grows with them.

    Args:
        photo: the degraded photograph.
        restoration: of the same shape, type and range.
        config: settings.

    Returns:
        The fused image, in [0, 1]. Memory beyond it: the lattice at the photo's width, 16 values a node, and some rows.
    """
    height, width = photo.shape[-2:]
    cell = _cell(height, width, config)
    wide = _lattice(cell_means(photo, cell), cell_means(restoration, cell), config, cell, width)
    result = torch.empty_like(photo)
    step = max(1, _BAND_PIXELS // width)
    for top in range(0, height, step):
        rows = range(top, min(top + step, height))
        band = slice(rows.start, rows.stop)
        local = splined(wide, -2, cell, rows)
        result[:, :, band] = composed(photo[:, :, band], restoration[:, :, band], local)
    return result


def _cell(height: int, width: int, config: FusionConfig) -> int:
    """Side of a cell in pixels."""
    return max(1, round(math.sqrt(height * width) / config.cells), -(-max(height, width) // LONGEST))


def _lattice(photo: Tensor, restoration: Tensor, config: FusionConfig, cell: int, width: int) -> Tensor:
    """What the cell means of both tell, at the photo's width."""
    return splined(torch.cat(measured(photo, restoration, config), dim=1), -1, cell, range(width))


def _cells(image: Rows, cell: int) -> Tensor:
    """The cell means of an image that is read by rows."""
    step = cell * max(1, _BAND_PIXELS // image.width // cell)
    means = [cell_means(image.read(a, min(a + step, image.height)), cell) for a in range(0, image.height, step)]
    return torch.cat(means, dim=2)


def composed(photo: Tensor, restoration: Tensor, measures: Tensor) -> Tensor:
    """Some rows of the result, from the same rows of everything; `measures`, 16 values a pixel, at the photo's size."""
    parts: Sequence[Tensor] = torch.split(measures, [1, 1, 1, 1, 3, 3, 3, 3], dim=1)
    signal, kept, trust, opening, coarse, light, fused, raised = parts
    change = _change(photo, restoration, signal, kept)
    result = (photo + fused + trust * (change - coarse)).clamp_(0, 1)
    raised = raised + opening * (photo + change - light)
    deeper = (-raised).clamp(min=0)
    deeper = deeper * result / (result + deeper).clamp(min=_TINY)  # never below black
    return (result - deeper + raised.clamp(min=0)).clamp_(0, 1)


def _change(photo: Tensor, restoration: Tensor, signal: Tensor, kept: Tensor) -> Tensor:
    """What may change: nothing without signal, and no white may darken."""
    change = restoration - photo
    return signal * (change - kept * change.clamp(max=0))


def measured(photo: Tensor, restoration: Tensor, config: FusionConfig) -> _Measures:
    """What the cell means of both tell."""
    light, opened = luma(photo), luma(restoration)
    floor = noise_floor(photo, config.floor)
    signal, detail, kept = signal_share(light, floor), detail_share(light, floor), smoothstep(light, *_WHITE)
    trust = _trust(photo, restoration, config.spread)
    opening = config.opened * ((opened - light) / (opened + _FAINT)).clamp(min=0) * trust * signal * detail
    change = _change(photo, restoration, signal, kept)
    fused = _with_room(_fused(change, trust, config.scales), photo)
    raised = _raised(photo + change, opening, config.scales)
    return _Measures(signal, kept, trust * detail, opening, change, photo + change, fused, raised)


def _trust(photo: Tensor, restoration: Tensor, spread: float) -> Tensor:
    """Share of the restoration's quality in that of both; the cells around a light take its own."""
    ours, theirs = _quality(photo, spread), _quality(restoration, spread)
    return -F.max_pool2d(-theirs / (ours + theirs), 3, stride=1, padding=1)


def _quality(image: Tensor, spread: float) -> Tensor:
    """Contrast times saturation times well-exposedness, the weights of Mertens et al. (section 3.1)."""
    padded = F.pad(luma(image), (1, 1, 1, 1), mode="replicate")
    middle = padded[..., 1:-1, 1:-1]
    around = padded[..., :-2, 1:-1] + padded[..., 2:, 1:-1] + padded[..., 1:-1, :-2] + padded[..., 1:-1, 2:]
    contrast = (around - 4 * middle).abs() + _LEAST
    saturation = image.std(dim=1, correction=0, keepdim=True) + _LEAST
    exposed = torch.exp(-((image - 0.5) ** 2).sum(dim=1, keepdim=True) / (2 * spread**2))
    return contrast * saturation * exposed + _TINY


def _with_room(fused: Tensor, photo: Tensor) -> Tensor:
    """The fused change, less what would push a light out of the range: all of the light steps back by it.

    What is dark in the photo does not, or a moon would stand in a dark ring.
    """
    over = (photo + fused - _FULL).amax(dim=1, keepdim=True).clamp(min=0)
    over = F.max_pool2d(over, 3, stride=1, padding=1)
    over = F.avg_pool2d(F.pad(over, (1, 1, 1, 1), mode="replicate"), 3, stride=1) * smoothstep(luma(photo), *_LIT)
    return fused - torch.minimum(over, fused.amin(dim=1, keepdim=True).clamp(min=0))


def _hold(scales: int, level: int) -> float:
    """How far the weights hold on a level of the lattice: 1 on the finest two, then falling evenly to 0."""
    return min(1.0, (scales - level) / max(scales - 1, 1))


def _fused(change: Tensor, trust: Tensor, scales: int, level: int = 0) -> Tensor:
    """The change, weighted on each scale as far as the weights hold there."""
    if level == scales:
        return change
    coarse = smaller(change)
    below = larger(_fused(coarse, smaller(trust), scales, level + 1), change)
    return below + (1 - _hold(scales, level) * (1 - trust)) * (change - larger(coarse, change))


def _raised(light: Tensor, opening: Tensor, scales: int, level: int = 0) -> Tensor:
    """The structure of each scale times how much it is raised there."""
    if level == scales:
        return torch.zeros_like(light)
    coarse = smaller(light)
    here = _hold(scales, level) * opening * (light - larger(coarse, light))
    return larger(_raised(coarse, smaller(opening), scales, level + 1), light) + here
