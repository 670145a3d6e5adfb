"""Backlit: a dark subject before a bright background, in linear light.

The scene has more contrast than the sensor: the light of a soft region (luminance and random shapes decide which) falls
by an exposure factor, that of the rest rises until it clips. Over-range light blooms and glares over the subject
(veiling glare, ISO 9358), the sensor adds noise, which shows in the dark part, and the camera develops the result.
The camera and its noise are those of `low_light.py`; sources by the keys given there.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from restorect.configs import require
from restorect.data.degrade.camera import colour
from restorect.data.degrade.draws import Range, check_range, integer, log_uniform, uniform
from restorect.data.degrade.fields import follow_edges, gaussian_blur, shrink, smooth_field, stretch
from restorect.data.degrade.noise import add_noise
from restorect.data.degrade.recording import CameraConfig, convert, develop, draw_camera
from restorect.data.degrade.simulator import Degraded


@dataclass(frozen=True, kw_only=True)
class BacklitConfig(CameraConfig):
    """Ranges of the backlight simulator; every number is drawn anew for each image.

    Attributes:
        subject: factor on the subject's light, log-uniform.
        background: factor on the background's light, log-uniform.
        subject_share: share of the picture that is subject.
        luminance_share: how much the picture's own brightness, against random shapes, decides what is background.
        softness: width of the region's border, as a share of the range of what decides.
        cells: hills of the random shapes along the longer side.
        shade_cast: gains of red and blue in the subject within exp(+-this): shade has another colour than the sky.
        bloom: share of the over-range light that spreads around.
        bloom_blur: how far, as a share of the longer side.
        glare: share of all light that veils the picture evenly.
    """

    subject: Range = (1 / 30, 1 / 4)
    background: Range = (0.8, 1.8)
    subject_share: Range = (0.35, 0.85)
    luminance_share: Range = (0.65, 1.0)
    softness: Range = (0.03, 0.2)
    cells: tuple[int, int] = (1, 3)
    shade_cast: float = 0.12
    bloom: Range = (0.0, 0.3)
    bloom_blur: Range = (0.005, 0.05)
    glare: Range = (0.0, 0.03)  # ISO 9358: 1 to 5 % in ordinary lenses
    shot: Range = (0.00003, 0.001)  # Unprocessing, section 3.1, the daylight end

    def __post_init__(self) -> None:
        super().__post_init__()
        check_range("subject", self.subject, 1e-4, 1.0)
        check_range("background", self.background, 0.05, 100.0)
        check_range("subject_share", self.subject_share, 0.0, 1.0)
        check_range("luminance_share", self.luminance_share, 0.0, 1.0)
        check_range("softness", self.softness, 1e-3, 10.0)
        check_range("cells", self.cells, 1, 64)
        require(0 <= self.shade_cast <= 1, f"shade_cast: must be from 0 to 1, got {self.shade_cast:g}")
        check_range("bloom", self.bloom, 0.0, 1.0)
        check_range("bloom_blur", self.bloom_blur, 0.0, 0.5)
        check_range("glare", self.glare, 0.0, 0.5)


_DEFAULT = BacklitConfig()


def degrade_backlit(image_CHW: Tensor, generator: torch.Generator, config: BacklitConfig = _DEFAULT) -> Degraded:
    """Light a clean photo from behind.

    Args:
        image_CHW: (3, H, W) float32, sRGB-encoded, in [0, 1]; on any device. It is not changed.
        generator: a CPU generator; the same state gives the same bytes on one kind of device.
        config: ranges of the parameters.

    Returns:
        The photo on the image's device, and the clean image itself.
    """
    camera = draw_camera(generator, config)
    subject_1HW = draw_subject(image_CHW, generator, config)
    cast = [math.exp(uniform(generator, (-1, 1)) * config.shade_cast) for _ in range(2)]
    sensor_linear = relight(
        camera.to_sensor(image_CHW),
        subject_1HW,
        subject=log_uniform(generator, config.subject) * colour([cast[0], 1.0, cast[1]], image_CHW),
        background=log_uniform(generator, config.background),
    )
    side = max(image_CHW.shape[-2:])
    sensor_linear = spread_light(
        sensor_linear,
        white=colour([1 / camera.red_gain, 1.0, 1 / camera.blue_gain], image_CHW),
        bloom=uniform(generator, config.bloom),
        bloom_sigma=uniform(generator, config.bloom_blur) * side,
        glare=uniform(generator, config.glare),
    )
    if config.shot[1] > 0:
        shot = log_uniform(generator, config.shot)
        read = math.exp(2.18 * math.log(shot) + 1.20)  # Unprocessing, equation 3
        sensor_linear = add_noise(sensor_linear, generator, shot=shot, read=read, row=0.0, correlation=0.3)
    sensor_linear = convert(sensor_linear, generator, config)
    return Degraded(low=develop(camera, sensor_linear, generator, config), high=image_CHW)


def draw_subject(image_CHW: Tensor, generator: torch.Generator, config: BacklitConfig) -> Tensor:
    """A soft region for the dark subject, (1, H, W) in [0, 1], 1 in the subject.

    Dark places of the photo and random shapes, in a random mixture, make the score; the share of the picture
    that is subject sets the threshold; the border follows the photo's edges.
    """
    small = shrink(image_CHW)
    dark = 1 - stretch(gaussian_blur(small.mean(dim=0, keepdim=True), 0.02 * max(small.shape)))
    shapes = smooth_field(generator, small, integer(generator, config.cells))
    share = uniform(generator, config.luminance_share)
    score = stretch(share * dark + (1 - share) * shapes)
    threshold = torch.quantile(score.flatten(), 1 - uniform(generator, config.subject_share))
    region = torch.sigmoid((score - threshold) / (0.5 * uniform(generator, config.softness)))
    return follow_edges(region, image_CHW, radius=0.04, epsilon=2e-3)


def relight(sensor_linear: Tensor, subject_1HW: Tensor, *, subject: Tensor | float, background: float) -> Tensor:
    """Multiply the light by `subject` inside the region and `background` outside, geometrically between them.

    Args:
        sensor_linear: (3, H, W) linear light.
        subject_1HW: the soft region, in [0, 1].
        subject: factor inside, a number or (3, 1, 1).
        background: factor outside.
    """
    ratio = torch.as_tensor(subject, dtype=sensor_linear.dtype, device=sensor_linear.device) / background
    return (subject_1HW * ratio.log()).exp_().mul(sensor_linear).mul_(background)


def spread_light(sensor_linear: Tensor, *, white: Tensor, bloom: float, bloom_sigma: float, glare: float) -> Tensor:
    """Bloom of the light beyond the sensor's white, and a glare of all light over the whole picture.

    Args:
        sensor_linear: (3, H, W) linear light, not yet clipped.
        white: where each channel clips, (3, 1, 1).
        bloom: share of the over-range light that spreads.
        bloom_sigma: how far, in pixels.
        glare: share of all light that spreads evenly; as much is missing where it came from.
    """
    if bloom > 0 and bloom_sigma > 0:
        # Already a little below white, as the eye finds halos around all very bright places.
        over = (sensor_linear - 0.8 * white).clamp_(min=0)
        sensor_linear = sensor_linear + bloom * gaussian_blur(over, bloom_sigma)
    if glare > 0:
        veil = sensor_linear.clamp(max=2.0).mean(dim=(1, 2), keepdim=True)
        sensor_linear = (1 - glare) * sensor_linear + glare * veil
    return sensor_linear
