"""Fundus: what goes wrong in a retina photograph, inside the field of view only, in linear light.

The three degradations of cofe-Net (Shen, Fu, Shen and Shao, "Modeling and Enhancing Low-Quality Retinal Fundus Images",
IEEE TMI 2021, arXiv 2005.05594, section III), in the order in which the light meets them: disturbed transmission
(uneven light, shadow of the pupil, haze of a clouded lens, halo at the rim, colour), blur (defocus, eye movement),
artefacts before the sensor (dust spots, eyelash shadows, flare). Sensor noise and a JPEG follow.
Outside the field of view (`retina.py`) nothing changes, and its darkness does not leak into the disc.
"""

import math
from dataclasses import dataclass

import cv2
import numpy as np
import torch
from torch import Tensor

from restorect.colour import linear_to_srgb, srgb_to_linear
from restorect.configs import require
from restorect.data.degrade.camera import colour
from restorect.data.degrade.draws import Range, chance, check_range, integer, log_uniform, uniform
from restorect.data.degrade.fields import gaussian_blur, smooth_field
from restorect.data.degrade.noise import add_noise
from restorect.data.degrade.recording import RecordingConfig, store
from restorect.data.degrade.simulator import Degraded
from restorect.retina import depth_inside, field_of_view


@dataclass(frozen=True, kw_only=True)
class FundusConfig(RecordingConfig):
    """Ranges of the fundus simulator; lengths are shares of the field of view's radius.

    The kinds and their frequencies follow cofe-Net, section III, and real low-quality EyeQ images.

    Attributes:
        exposure: factor on all light, log-uniform.
        uneven: depth of slow light variations, natural logarithm.
        vignette: loss towards the rim, seen from a shifted centre, natural logarithm at one radius.
        shadow_probability: share of pictures with a dark shadow of the pupil.
        shadow_depth: how much light it takes.
        haze: share of scattered light where the haze is thickest.
        halo_probability: share of pictures with a bright rim.
        halo: strength of that rim.
        colour_cast: gains of red and blue within exp(+-this).
        defocus: standard deviation of the blur; at 0.003 fine vessels of a 512-pixel picture begin to suffer.
        motion_probability: share of pictures with eye movement.
        motion: length of the movement.
        spots: number of dust spots.
        spot_radius: their size, log-uniform.
        spot_opacity: how much of the retina they hide.
        lashes_probability: share of pictures with eyelash shadows.
        flare_probability: share of pictures with a flare.
    """

    exposure: Range = (0.4, 1.5)
    uneven: Range = (0.0, 0.6)
    vignette: Range = (0.0, 1.0)
    shadow_probability: float = 0.3
    shadow_depth: Range = (0.2, 0.75)
    haze: Range = (0.0, 0.55)
    halo_probability: float = 0.4
    halo: Range = (0.05, 0.4)
    colour_cast: float = 0.2
    defocus: Range = (0.0, 0.01)
    motion_probability: float = 0.3
    motion: Range = (0.005, 0.03)
    spots: tuple[int, int] = (0, 10)
    spot_radius: Range = (0.006, 0.06)
    spot_opacity: Range = (0.05, 0.5)
    lashes_probability: float = 0.12
    flare_probability: float = 0.15
    jpeg_probability: float = 0.5
    jpeg_quality: tuple[int, int] = (70, 98)

    def __post_init__(self) -> None:
        super().__post_init__()
        check_range("exposure", self.exposure, 0.01, 100.0)
        check_range("uneven", self.uneven, 0.0, 5.0)
        check_range("vignette", self.vignette, 0.0, 5.0)
        check_range("shadow_depth", self.shadow_depth, 0.0, 1.0)
        check_range("haze", self.haze, 0.0, 1.0)
        check_range("halo", self.halo, 0.0, 5.0)
        require(0 <= self.colour_cast <= 1, f"colour_cast: must be from 0 to 1, got {self.colour_cast:g}")
        check_range("defocus", self.defocus, 0.0, 0.5)
        check_range("motion", self.motion, 0.0, 0.5)
        check_range("spots", self.spots, 0, 1000)
        check_range("spot_radius", self.spot_radius, 1e-4, 1.0)
        check_range("spot_opacity", self.spot_opacity, 0.0, 1.0)
        for name in ("shadow", "halo", "motion", "lashes", "flare"):
            value = getattr(self, f"{name}_probability")
            require(0 <= value <= 1, f"{name}_probability: must be from 0 to 1, got {value:g}")


@dataclass(frozen=True, kw_only=True)
class Disc:
    """The field of view and its own coordinates.

    Attributes:
        inside: (1, H, W) bool.
        depth: distance to the rim, (1, H, W), in radii; infinite without a rim.
        x: horizontal place, (1, 1, W), 0 in the middle, 1 a radius to the right.
        y: vertical place, (1, H, 1), downwards.
        radius: in pixels.
    """

    inside: Tensor
    depth: Tensor
    x: Tensor
    y: Tensor
    radius: float

    def hill(self, at: tuple[float, float], width: float) -> Tensor:
        """A Gaussian of height 1 around a place, (1, H, W); places and width in radii."""
        across = torch.exp(-((self.x - at[0]) ** 2) / (2 * width**2))
        down = torch.exp(-((self.y - at[1]) ** 2) / (2 * width**2))
        return across * down


_DEFAULT = FundusConfig()


def degrade_fundus(image_CHW: Tensor, generator: torch.Generator, config: FundusConfig = _DEFAULT) -> Degraded:
    """Spoil a good fundus photograph.

    Args:
        image_CHW: (3, H, W) float32, sRGB-encoded, in [0, 1]; on any device. It is not changed.
        generator: a CPU generator; the same state gives the same bytes on one kind of device.
        config: ranges of the parameters.

    Returns:
        The photo on the image's device, outside the field of view exactly as in `image_CHW`; and the clean image.
    """
    disc = find_disc(image_CHW)
    retina_linear = srgb_to_linear(image_CHW)
    light = draw_light(disc, generator, config) * log_uniform(generator, config.exposure)
    cast = [math.exp(uniform(generator, (-1, 1)) * config.colour_cast) for _ in range(2)]
    retina_linear = retina_linear * (light * colour([cast[0], 1.0, cast[1]], image_CHW))
    retina_linear = _add_haze(retina_linear, disc, generator, config)
    retina_linear = _add_halo(retina_linear, disc, generator, config)
    retina_linear = _blur(retina_linear, disc, generator, config)
    retina_linear = _add_spots(retina_linear, disc, generator, config)
    retina_linear = _add_lashes_and_flare(retina_linear, disc, generator, config)
    if config.shot[1] > 0:
        shot = log_uniform(generator, config.shot)
        retina_linear = add_noise(retina_linear, generator, shot=shot, read=shot * shot, row=0.0, correlation=0.4)
    picture = linear_to_srgb(retina_linear.clamp_(0, 1))
    picture = store(torch.where(disc.inside, picture, image_CHW), generator, config)
    return Degraded(low=torch.where(disc.inside, picture, image_CHW), high=image_CHW)


def find_disc(image_CHW: Tensor) -> Disc:
    """Find the field of view and measure it; a crop without a rim is taken for the middle of a disc that fills it."""
    inside = field_of_view(image_CHW)
    height, width = image_CHW.shape[-2:]
    rows, columns = (torch.nonzero(inside[0].any(dim=dim)).flatten() for dim in (1, 0))
    top, bottom, left, right = (int(edge) for edge in (rows[0], rows[-1], columns[0], columns[-1]))
    radius = max(bottom - top + 1, right - left + 1) / 2
    x = (torch.arange(width).to(image_CHW) - (left + right) / 2) / radius
    y = (torch.arange(height).to(image_CHW) - (top + bottom) / 2) / radius
    depth = depth_inside(inside) / radius
    return Disc(inside=inside, depth=depth, x=x[None, None, :], y=y[None, :, None], radius=radius)


def draw_light(disc: Disc, generator: torch.Generator, config: FundusConfig) -> Tensor:
    """Uneven light, (1, H, W): slow variations, an off-centre vignette, perhaps a shadow; 1 is untouched."""
    waves = 2 * smooth_field(generator, disc.inside.to(disc.x.dtype), integer(generator, (1, 3))) - 1
    loss = uniform(generator, config.uneven) * waves
    centre = _place(generator, 0.5)
    away = (disc.x - centre[0]) ** 2 + (disc.y - centre[1]) ** 2
    light = torch.exp(-loss - uniform(generator, config.vignette) * away)
    if chance(generator, config.shadow_probability):
        depth, at, width = uniform(generator, config.shadow_depth), _place(generator, 0.7), (0.15, 0.45)
        light = light * (1 - depth * disc.hill(at, uniform(generator, width)))
    return light


def keep_inside(image_CHW: Tensor, inside_1HW: Tensor, sigma: float) -> Tensor:
    """Gaussian blur of what is inside alone: the frame's darkness does not leak in; sigma in pixels.

    Returns:
        (3, H, W); outside it holds the light that would fall there.
    """
    if sigma < 0.1:
        return image_CHW
    share = inside_1HW.to(image_CHW)
    blurred = gaussian_blur(torch.cat([image_CHW * share, share]), sigma)
    return blurred[:3] / blurred[3:].clamp(min=1e-3)


def shift_average(image_CHW: Tensor, inside_1HW: Tensor, dx: float, dy: float) -> Tensor:
    """Average over a straight movement by (dx, dy) pixels, in up to 9 whole-pixel steps, of what is inside alone."""
    share = inside_1HW.to(image_CHW)
    stack = torch.cat([image_CHW * share, share])
    steps = max(1, min(9, round(max(abs(dx), abs(dy))) + 1))
    total = torch.zeros_like(stack)
    for step in range(steps):
        along = step / (steps - 1) - 0.5 if steps > 1 else 0.0
        total += torch.roll(stack, (round(dy * along), round(dx * along)), dims=(-2, -1))
    return total[:3] / total[3:].clamp(min=1e-3)


def _place(generator: torch.Generator, reach: float) -> tuple[float, float]:
    """A random place (x, y) within `reach` radii of the middle."""
    angle, distance = uniform(generator, (0.0, 2 * math.pi)), reach * math.sqrt(uniform(generator, (0.0, 1.0)))
    return distance * math.cos(angle), distance * math.sin(angle)


def _mean_colour(image_CHW: Tensor, disc: Disc) -> Tensor:
    """Mean of the retina, (3, 1, 1)."""
    share = disc.inside.to(image_CHW)
    return (image_CHW * share).sum(dim=(1, 2), keepdim=True) / share.sum().clamp(min=1)


def _add_haze(retina_linear: Tensor, disc: Disc, generator: torch.Generator, config: FundusConfig) -> Tensor:
    """A clouded lens: J (1 - h) + A h, the scattered light A a greyed and brightened mean of the retina."""
    thickest, base = uniform(generator, config.haze), uniform(generator, (0.2, 0.8))
    cloud = thickest * (base + (1 - base) * smooth_field(generator, retina_linear[:1], integer(generator, (1, 3))))
    mean = _mean_colour(retina_linear, disc)
    grey = mean.mean() * colour([uniform(generator, (0.8, 1.2)) for _ in range(3)], retina_linear)
    share = uniform(generator, (0.3, 1.0))
    scattered = (share * grey + (1 - share) * mean) * uniform(generator, (0.9, 1.8))
    return retina_linear + cloud * (scattered - retina_linear)


def _add_halo(retina_linear: Tensor, disc: Disc, generator: torch.Generator, config: FundusConfig) -> Tensor:
    """Light leaking in at the rim, stronger on one side, whitish to blue-green."""
    if not chance(generator, config.halo_probability):
        return retina_linear
    side, width = uniform(generator, (0.0, 2 * math.pi)), uniform(generator, (0.03, 0.15))
    one_sided = uniform(generator, (0.0, 1.0))
    turned = torch.cos(torch.atan2(disc.y, disc.x) - side)
    ring = torch.exp(-disc.depth / width) * (1 - one_sided * 0.5 * (1 - turned))
    tint = colour([uniform(generator, (0.4, 1.0)), 0.9, uniform(generator, (0.6, 1.0))], retina_linear)
    return retina_linear + ring * (uniform(generator, config.halo) * tint)


def _blur(retina_linear: Tensor, disc: Disc, generator: torch.Generator, config: FundusConfig) -> Tensor:
    retina_linear = keep_inside(retina_linear, disc.inside, uniform(generator, config.defocus) * disc.radius)
    if not chance(generator, config.motion_probability):
        return retina_linear
    length, angle = uniform(generator, config.motion) * disc.radius, uniform(generator, (0.0, math.pi))
    return shift_average(retina_linear, disc.inside, length * math.cos(angle), length * math.sin(angle))


def _add_spots(retina_linear: Tensor, disc: Disc, generator: torch.Generator, config: FundusConfig) -> Tensor:
    """Dust on the optics: round, soft, half transparent, brighter or darker than the retina."""
    spotted = retina_linear.clone()
    height, width = spotted.shape[-2:]
    mean = _mean_colour(retina_linear, disc).mean()
    for _ in range(integer(generator, config.spots)):
        at, radius = _place(generator, 0.95), log_uniform(generator, config.spot_radius)
        opacity, soft = uniform(generator, config.spot_opacity), uniform(generator, (0.25, 1.0))
        shade = mean * uniform(generator, (0.2, 2.5))
        tint = colour([uniform(generator, (0.6, 1.1)), 1.0, uniform(generator, (0.6, 1.1))], spotted) * shade
        reach = 1.6 * radius
        left, right = (int(torch.searchsorted(disc.x.flatten(), at[0] + side * reach)) for side in (-1, 1))
        top, bottom = (int(torch.searchsorted(disc.y.flatten(), at[1] + side * reach)) for side in (-1, 1))
        if min(right, width) <= left or min(bottom, height) <= top:
            continue
        distance = ((disc.x[..., left:right] - at[0]) ** 2 + (disc.y[:, top:bottom] - at[1]) ** 2).sqrt()
        cover = opacity * torch.sigmoid((radius - distance) / (0.3 * soft * radius))
        window = spotted[:, top:bottom, left:right]
        window += cover * (tint - window)
    return spotted


def _add_lashes_and_flare(
    retina_linear: Tensor, disc: Disc, generator: torch.Generator, config: FundusConfig
) -> Tensor:
    if chance(generator, config.lashes_probability):
        depth, cover = uniform(generator, (0.3, 0.8)), _draw_lashes(disc, generator).to(retina_linear)
        retina_linear = retina_linear * (
            1 - depth * gaussian_blur(cover, uniform(generator, (0.006, 0.02)) * disc.radius)
        )
    if chance(generator, config.flare_probability):
        angle, width = uniform(generator, (0.0, 2 * math.pi)), uniform(generator, (0.1, 0.35))
        at = (0.85 * math.cos(angle), 0.85 * math.sin(angle))
        tint = colour([uniform(generator, (0.5, 1.0)), 0.9, uniform(generator, (0.7, 1.0))], retina_linear)
        retina_linear = retina_linear + uniform(generator, (0.05, 0.5)) * disc.hill(at, width) * tint
    return retina_linear


def _draw_lashes(disc: Disc, generator: torch.Generator) -> Tensor:
    """Shadows of a few lashes from the upper or lower rim inwards: bent lines, (1, H, W), 1 on a lash. On the CPU."""
    height, width = disc.inside.shape[-2:]
    canvas = np.zeros((height, width), np.uint8)
    start_x, start_y = float(disc.x.flatten()[0]), float(disc.y.flatten()[0])
    upper = -1.0 if chance(generator, 0.5) else 1.0
    along = np.linspace(0, 1, 12)
    for _ in range(integer(generator, (3, 9))):
        angle = upper * (math.pi / 2 + uniform(generator, (-0.6, 0.6)))
        length, bend = uniform(generator, (0.15, 0.6)), uniform(generator, (-0.4, 0.4))
        heading = angle + uniform(generator, (-0.3, 0.3)) + bend * along
        x = 1.05 * math.cos(angle) - length * along * np.cos(heading)
        y = 1.05 * math.sin(angle) - length * along * np.sin(heading)
        points = np.stack([(x - start_x) * disc.radius, (y - start_y) * disc.radius], axis=1)
        thickness = max(1, round(uniform(generator, (0.008, 0.025)) * disc.radius))
        cv2.polylines(canvas, [np.round(points).astype(np.int32)], isClosed=False, color=255, thickness=thickness)
    return torch.from_numpy(canvas)[None].float().div_(255)
