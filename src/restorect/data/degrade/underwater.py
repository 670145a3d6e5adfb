"""Underwater: the revised image formation model, in linear light.

For each channel, at range z: I = J (light e^(-beta_D z) + its blurred glow) + B_inf (1 - e^(-beta_B z)), after
Akkaynak and Treibitz, "A Revised Underwater Image Formation Model", CVPR 2018, equation 20, with the forward
scattering of Jaffe-McGlamery (Jaffe, IEEE J. Oceanic Eng. 15(2), 1990). Marine snow, a half-adapted white balance and
the camera's exposure, noise and encoding follow. The optics of the water types are in `water.py`.
"""

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from restorect.colour import linear_to_srgb, srgb_to_linear
from restorect.configs import require
from restorect.data.degrade.camera import colour, tone_curve
from restorect.data.degrade.draws import Range, check_range, integer, log_uniform, uniform
from restorect.data.degrade.fields import follow_edges, gaussian_blur, local_deviation, shrink, smooth_field, stretch
from restorect.data.degrade.noise import add_noise
from restorect.data.degrade.recording import RecordingConfig, store
from restorect.data.degrade.simulator import Degraded
from restorect.data.degrade.water import JERLOV_TYPES, Water, diffuse_attenuation, water_optics


@dataclass(frozen=True, kw_only=True)
class UnderwaterConfig(RecordingConfig):
    """Ranges of the underwater simulator; every number is drawn anew for each image.

    Attributes:
        water: Jerlov type, 0 (I) to 9 (9C), between types too; the clearer ones, where people dive, more often.
        turbid: factor on the type's usual scattering, log-uniform.
        depth: metres below the surface.
        dimmest: less depth where the clearest channel would lose more than this, in natural logarithms.
        murk: optical depth of the farthest point in the clearest channel (glow attenuation x range): how much is left.
        reach: bounds of the range of that point in metres.
        near: range of the nearest point as a share of the farthest.
        forward: share of scattered light lost even to the glow.
        glow_blur: blur of the forward-scattered light, as a share of the longer side.
        veil: factor on the veiling light, log-uniform.
        veil_slope: the veil brightens towards the surface by up to this, in natural logarithms over the height.
        snow: particles of marine snow per megapixel.
        adaptation: how far the camera's white balance removes the mean colour: 0 not at all, 1 wholly.
        brightness: mean light of the result against the clean picture, log-uniform.
        tone: strength of the tone curve.
    """

    water: Range = (0.0, 9.0)  # Jerlov 1976, all types
    turbid: Range = (0.7, 1.5)  # Petzold 1972: spread of waters of one K_d
    depth: Range = (3.0, 20.0)  # recreational diving, where pictures are taken by daylight
    dimmest: float = 2.5
    murk: Range = (0.1, 1.3)
    reach: Range = (0.7, 20.0)  # Akkaynak et al., CVPR 2017: usual imaging ranges
    near: Range = (0.1, 0.7)
    forward: Range = (0.2, 0.5)
    glow_blur: Range = (0.002, 0.02)
    veil: Range = (0.15, 0.7)
    veil_slope: float = 0.8
    snow: Range = (0.0, 250.0)
    adaptation: Range = (0.0, 0.3)
    brightness: Range = (0.45, 1.1)
    tone: Range = (0.0, 0.8)

    def __post_init__(self) -> None:
        super().__post_init__()
        check_range("water", self.water, 0.0, len(JERLOV_TYPES) - 1.0)
        check_range("turbid", self.turbid, 0.01, 100.0)
        check_range("depth", self.depth, 0.0, 100.0)
        require(self.dimmest > 0, f"dimmest: must be positive, got {self.dimmest:g}")
        check_range("murk", self.murk, 0.0, 20.0)
        check_range("reach", self.reach, 0.01, 100.0)
        check_range("near", self.near, 0.0, 1.0)
        check_range("forward", self.forward, 0.0, 1.0)
        check_range("glow_blur", self.glow_blur, 0.0, 0.5)
        check_range("veil", self.veil, 1e-6, 10.0)
        require(0 <= self.veil_slope <= 5, f"veil_slope: must be from 0 to 5, got {self.veil_slope:g}")
        check_range("snow", self.snow, 0.0, 1e5)
        check_range("adaptation", self.adaptation, 0.0, 1.0)
        check_range("brightness", self.brightness, 0.01, 10.0)
        check_range("tone", self.tone, 0.0, 1.0)


_DEFAULT = UnderwaterConfig()


def degrade_underwater(image_CHW: Tensor, generator: torch.Generator, config: UnderwaterConfig = _DEFAULT) -> Degraded:
    """Put a clean photo under water.

    Args:
        image_CHW: (3, H, W) float32, sRGB-encoded, in [0, 1]; on any device. It is not changed.
        generator: a CPU generator; the same state gives the same bytes on one kind of device.
        config: ranges of the parameters.

    Returns:
        The photo on the image's device, and the clean image itself.
    """
    water, reach = draw_water(generator, config)
    nearest = uniform(generator, config.near)
    range_1HW = reach * (nearest + (1 - nearest) * draw_range_map(image_CHW, generator))
    glow_sigma = uniform(generator, config.glow_blur) * max(image_CHW.shape[-2:])
    clean_linear = srgb_to_linear(image_CHW)
    scene_linear = immerse(
        clean_linear, range_1HW, water, glow_sigma=glow_sigma, veil=_draw_veil(image_CHW, generator, config)
    )
    scene_linear = _add_snow(scene_linear, water, generator, uniform(generator, config.snow))
    scene_linear = _expose(scene_linear, clean_linear, generator, config)
    if config.shot[1] > 0:
        shot = log_uniform(generator, config.shot)
        scene_linear = add_noise(scene_linear, generator, shot=shot, read=shot * shot, row=0.0, correlation=0.3)
    picture = tone_curve(linear_to_srgb(scene_linear.clamp(0, 1)), uniform(generator, config.tone))
    return Degraded(low=store(picture, generator, config), high=image_CHW)


def draw_water(generator: torch.Generator, config: UnderwaterConfig) -> tuple[Water, float]:
    """Random water, and the range of the farthest point in metres.

    The photographer goes as near as the water demands: what is drawn is the optical depth of that range.
    """
    clearest, murkiest = config.water
    kind = clearest + (murkiest - clearest) * uniform(generator, (0.0, 1.0)) ** 1.5
    depth = uniform(generator, config.depth)
    depth = min(depth, config.dimmest / float(diffuse_attenuation(kind).min()))
    turbid, forward = log_uniform(generator, config.turbid), uniform(generator, config.forward)
    murk = uniform(generator, config.murk)
    rough = water_optics(kind, depth=depth, reach=1.0, forward=forward, turbid=turbid)
    reach = min(max(murk / float(rough.glow.min()), config.reach[0]), config.reach[1])
    return water_optics(kind, depth=depth, reach=0.6 * reach, forward=forward, turbid=turbid), reach


def draw_range_map(image_CHW: Tensor, generator: torch.Generator) -> Tensor:
    """A plausible map of distances for a photo without one, (1, H, W) in [0, 1], 1 the farthest.

    Flat places and the top are taken for far, busy ones and the bottom for near, in random shares with random hills;
    the result follows the picture's edges.
    """
    small = shrink(image_CHW)
    flat = 1 - stretch(local_deviation(small))
    hills = smooth_field(generator, small, integer(generator, (2, 5)))
    top = torch.linspace(1, 0, small.shape[-2]).to(small)[None, :, None].expand_as(flat)
    shares = torch.rand(3, 1, 1, generator=generator).to(small)
    mixed = stretch((shares * torch.cat([flat, hills, top])).sum(dim=0, keepdim=True))
    return follow_edges(mixed, image_CHW, epsilon=5e-3)


def immerse(
    clean_linear: Tensor, range_1HW: Tensor, water: Water, *, glow_sigma: float, veil: Tensor | float = 1.0
) -> Tensor:
    """The image formation model itself.

    Args:
        clean_linear: (3, H, W), linear light under white light.
        range_1HW: distance of each pixel in metres.
        water: optics of the water.
        glow_sigma: blur of the forward-scattered light in pixels.
        veil: factor on the veiling light: a number or a map (1, H, W).

    Returns:
        (3, H, W) linear light, not clipped.
    """
    direct, glow, back, light, veiling = (
        _channels(values, clean_linear) for values in (water.direct, water.glow, water.back, water.light, water.veil)
    )
    lit = clean_linear * light
    straight = (range_1HW * -direct).exp_()
    scattered = (range_1HW * -glow).exp_().sub_(straight).mul_(lit)
    backscatter = (range_1HW * -back).exp_().neg_().add_(1).mul_(veil * veiling)
    return straight.mul_(lit).add_(gaussian_blur(scattered, glow_sigma)).add_(backscatter)


def _channels(values: np.ndarray, like: Tensor) -> Tensor:
    return colour(values.tolist(), like)


def _draw_veil(image_CHW: Tensor, generator: torch.Generator, config: UnderwaterConfig) -> Tensor:
    """Strength of the veil, (1, H, 1), brighter towards the surface."""
    height = image_CHW.shape[-2]
    slope = uniform(generator, (0.0, config.veil_slope))
    up = torch.linspace(0.5, -0.5, height).to(image_CHW)
    return log_uniform(generator, config.veil) * torch.exp(slope * up)[None, :, None]


def _add_snow(scene_linear: Tensor, water: Water, generator: torch.Generator, density: float) -> Tensor:
    """Marine snow: out-of-focus bright specks of three sizes between camera and scene."""
    height, width = scene_linear.shape[-2:]
    total = round(density * height * width / 1e6)
    unit = max(height, width) / 512
    cover = torch.zeros_like(scene_linear[:1])
    for sigma, share in ((0.6 * unit, 0.6), (1.2 * unit, 0.3), (2.5 * unit, 0.1)):
        count = round(total * share)
        if count == 0:
            continue
        where = (torch.rand(2, count, generator=generator) * torch.tensor([[height], [width]])).long()
        opacity = torch.rand(count, generator=generator)
        points = torch.zeros(height, width)
        points[where[0], where[1]] = opacity
        peak = 2 * math.pi * max(sigma, 0.5) ** 2
        cover = cover + gaussian_blur(points.to(cover)[None], max(sigma, 0.5)) * (0.6 * peak)
    cover = cover.clamp(max=0.8)
    return torch.lerp(scene_linear, 0.8 * _channels(water.light, scene_linear), cover)


def _expose(scene_linear: Tensor, clean_linear: Tensor, generator: torch.Generator, config: UnderwaterConfig) -> Tensor:
    """Half-adapted white balance, then the exposure of the camera."""
    mean = scene_linear.mean(dim=(1, 2)).clamp(min=1e-4)
    gains = (mean.max() / mean).pow(uniform(generator, config.adaptation)).clamp(max=8.0)
    target = clean_linear.mean() * log_uniform(generator, config.brightness)
    exposure = target / (gains * mean).mean().clamp(min=1e-4)
    return scene_linear * (gains * exposure)[:, None, None]
