"""Places that no light reaches at night: skies, what lies in deep shadow, all beyond a spotlight.

Shapes: a map is (1, H, W) in [0, 1], the share of the scene's light that is there; 0 is black.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from restorect.colour import smoothstep
from restorect.configs import require
from restorect.data.degrade.draws import Range, chance, check_range, integer, log_uniform, uniform
from restorect.data.degrade.fields import follow_edges, local_deviation, resize, shrink, smooth_field, stretch


@dataclass(frozen=True, kw_only=True)
class DarkConfig:
    """Ranges of the black places; shares are of the picture.

    Attributes:
        probability: share of the nights that have some.
        sky: how much of the picture the sky takes.
        shadow: linear light of the clean photo below which nothing is left.
        spot: radius of the spotlight, of the longer side.
        left: sRGB level that is left in the black; the reference shows it.
    """

    probability: float = 0.45
    sky: Range = (0.15, 0.6)
    shadow: Range = (0.01, 0.08)
    spot: Range = (0.2, 0.6)
    left: Range = (0.0, 4 / 255)  # black skies of good night photos: 0 to 4 of 255

    def __post_init__(self) -> None:
        require(0 <= self.probability <= 1, f"probability: must be from 0 to 1, got {self.probability:g}")
        check_range("sky", self.sky, 0.0, 1.0)
        check_range("shadow", self.shadow, 1e-4, 1.0)
        check_range("spot", self.spot, 0.01, 10.0)
        check_range("left", self.left, 0.0, 5 / 255)


def draw_dark(image_CHW: Tensor, generator: torch.Generator, config: DarkConfig) -> Tensor:
    """The map of one night, (1, H, W); of a night without black places it is 1 everywhere."""
    if not chance(generator, config.probability):
        return torch.ones_like(image_CHW[:1])
    kind = uniform(generator, (0.0, 1.0))
    if kind < 0.4:
        return _sky(image_CHW, generator, uniform(generator, config.sky))
    if kind < 0.5:
        return _above_skyline(image_CHW, generator, uniform(generator, config.sky))
    if kind < 0.75:
        return _shadows(image_CHW, log_uniform(generator, config.shadow))
    return _spotlight(image_CHW, generator, uniform(generator, config.spot))


def _sky(image_CHW: Tensor, generator: torch.Generator, share: float) -> Tensor:
    """Black where the photo is most like a sky: high up, even, bright and rather blue than yellow."""
    small = shrink(image_CHW)
    height = torch.linspace(1, 0, small.shape[-2]).to(small)[None, :, None]
    even = 1 - stretch(local_deviation(small, 0.015))
    bright = small[2:] + 0.5 * (small[2:] - small[:1])
    score = stretch(uniform(generator, (0.5, 1.5)) * height + even + stretch(bright))
    return 1 - _cut(score, share, image_CHW)


def _cut(score: Tensor, share: float, image_CHW: Tensor) -> Tensor:
    """The places with the highest score, so large a share of the picture, with borders along the photo's edges."""
    threshold = torch.quantile(score.flatten(), 1 - share)
    region = follow_edges(torch.sigmoid((score - threshold) / 0.03), image_CHW, radius=0.03, epsilon=4e-3)
    return smoothstep(region, 0.15, 0.65)


def _above_skyline(image_CHW: Tensor, generator: torch.Generator, share: float) -> Tensor:
    """Black above roofs of random heights and widths."""
    height, width = image_CHW.shape[-2:]
    houses = torch.rand(integer(generator, (3, 14)), generator=generator)
    edges = torch.linspace(0, 1, width)
    which = torch.bucketize(edges, torch.rand(len(houses) - 1, generator=generator).sort().values)
    roofs = (2 * share * (0.4 + 0.6 * houses) * 0.75)[which].to(image_CHW) * height
    rows = torch.arange(height, device=image_CHW.device, dtype=image_CHW.dtype)[:, None]
    return (rows - roofs + 0.5).clamp(0, 1)[None]


def _shadows(image_CHW: Tensor, level: float) -> Tensor:
    """Black where the photo is dark: its shadows are crushed as a contrasty night shows them."""
    light = image_CHW.amax(dim=0, keepdim=True).pow(2.2)
    return smoothstep(light, 0.3 * level, 3 * level)


def _spotlight(image_CHW: Tensor, generator: torch.Generator, radius: float) -> Tensor:
    """Black outside a lit circle, with a wavy border."""
    height, width = image_CHW.shape[-2:]
    small = shrink(image_CHW)
    y, x = (torch.linspace(-0.5, 0.5, side).to(small) * side / max(small.shape[-2:]) for side in small.shape[-2:])
    down, across = uniform(generator, (-0.3, 0.3)), uniform(generator, (-0.3, 0.3))
    distance = ((y[:, None] - down) ** 2 + (x[None] - across) ** 2).sqrt()[None] / radius
    distance = distance * (0.8 + 0.4 * smooth_field(generator, small, 4))
    lit = 1 - smoothstep(distance, 0.6, 1.4)
    return resize(lit, (height, width), "bilinear")
