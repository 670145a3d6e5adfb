"""Low light: how a night photo comes about, in linear light.

Physical chain: the clean picture is brought back to the light of its scene (inverse tone curve), which becomes a night
with lamps, black places and a colour of its light (`night_scene.py`) at a small exposure; the sensor (colour matrix,
white balance) adds shot and read noise and hot pixels and rounds to its codes, and a camera develops the result, with a
white balance that may be a little off and a tone curve of its own, perhaps as a JPEG. The reference is the same scene
well exposed.
Sources by key: Unprocessing = Brooks et al., CVPR 2019, arXiv 1811.11127; ELD = Wei et al., CVPR 2020,
arXiv 2003.12751.
"""

import math
from dataclasses import dataclass, field

import torch
from torch import Tensor

from restorect.colour import linear_to_srgb
from restorect.configs import require
from restorect.data.degrade.camera import colour, tone_curve
from restorect.data.degrade.draws import Range, chance, check_range, log_uniform, normal, uniform
from restorect.data.degrade.night_scene import NightSceneConfig, light_scene
from restorect.data.degrade.noise import add_hot_pixels, add_noise
from restorect.data.degrade.recording import CameraConfig, convert, develop, draw_camera
from restorect.data.degrade.simulator import Degraded


@dataclass(frozen=True, kw_only=True)
class LowLightConfig(CameraConfig):
    """Ranges of the night simulator; every number is drawn anew for each image.

    Attributes:
        scene: lamps, black places and the colour of the light.
        exposure: factor on the linear light, log-uniform; where lamps shine, `scene.ambient` takes its place.
        read_slope: ln(read variance) = read_slope * ln(shot) + read_offset + N(0, read_spread).
        read_offset: see `read_slope`.
        read_spread: see `read_slope`.
        row_noise: deviation of the offset common to a sensor row, as a share of the read noise's deviation.
        correlation: weight of the four neighbours' noise in a pixel's noise, as demosaicing mixes it.
        hot_probability: share of the photos with hot pixels, as long exposures and warm sensors have them.
        hot_share: share of the sensor's pixels that are hot there, log-uniform.
        colour_cast: largest error of the developed white balance: gains of red and blue within exp(+-this).
    """

    scene: NightSceneConfig = field(default_factory=NightSceneConfig)
    exposure: Range = (1 / 50, 1 / 3)  # LOL-v1 train, high to low in linear light: 1/110 to 1/19, exposure stacks above
    shot: Range = (0.00005, 0.004)  # Unprocessing, section 3.1, moved down to the noise of LOL-v1, 1 to 3 of 255
    read_slope: float = 2.18  # Unprocessing, equation 3
    read_offset: float = 1.20  # Unprocessing, equation 3
    read_spread: float = 0.26  # Unprocessing, equation 3
    row_noise: Range = (0.0, 0.2)  # ELD, table 1: row noise is a fraction of read noise
    correlation: Range = (0.0, 0.5)  # bilinear demosaicing takes 1/4 to 1/2 of each neighbour
    hot_probability: float = 0.2
    hot_share: Range = (1e-6, 1e-4)  # the worst: one pixel in ten thousand, what is left of 1 s to 30 s at night
    colour_cast: float = 0.15  # LOL-v1 train: half of the casts lie within this
    jpeg_probability: float = 0.4
    jpeg_quality: tuple[int, int] = (40, 98)  # as photos of the web and of messengers have them
    jpeg_full_colour: float = 0.4  # cameras and editors write 4:4:4 or 4:2:2, the web 4:2:0

    def __post_init__(self) -> None:
        super().__post_init__()
        check_range("exposure", self.exposure, 1e-4, 1.0)
        require(self.read_spread >= 0, f"read_spread: must not be negative, got {self.read_spread:g}")
        check_range("row_noise", self.row_noise, 0.0, 10.0)
        check_range("correlation", self.correlation, 0.0, 1.0)
        require(0 <= self.hot_probability <= 1, f"hot_probability: from 0 to 1, got {self.hot_probability:g}")
        check_range("hot_share", self.hot_share, 1e-9, 0.1)
        require(0 <= self.colour_cast <= 1, f"colour_cast: must be from 0 to 1, got {self.colour_cast:g}")


_DEFAULT = LowLightConfig()


def degrade_low_light(image_CHW: Tensor, generator: torch.Generator, config: LowLightConfig = _DEFAULT) -> Degraded:
    """Make a night photo of a clean one.

    Args:
        image_CHW: (3, H, W) float32, sRGB-encoded, in [0, 1]; on any device. It is not changed.
        generator: a CPU generator; the same state gives the same bytes on one kind of device.
        config: ranges of the parameters.

    Returns:
        The night photo and its reference, on the image's device. Without lamps, black places and casts the reference is
        the clean image.
    """
    camera = draw_camera(generator, config)
    exposure = log_uniform(generator, config.exposure)
    scene = light_scene(camera.to_scene(image_CHW), image_CHW, exposure, generator, config.scene)
    sensor_linear = camera.sense(scene.low).clamp_(max=1)  # a full well
    shot, read = draw_noise(generator, config)
    if shot > 0:
        row = uniform(generator, config.row_noise) * math.sqrt(read)
        correlation = uniform(generator, config.correlation)
        sensor_linear = add_noise(sensor_linear, generator, shot=shot, read=read, row=row, correlation=correlation)
    if chance(generator, config.hot_probability):
        sensor_linear = add_hot_pixels(sensor_linear, generator, log_uniform(generator, config.hot_share))
    sensor_linear = convert(sensor_linear, generator, config)
    cast_red, cast_blue = (math.exp(uniform(generator, (-1, 1)) * config.colour_cast) for _ in range(2))
    sensor_linear = sensor_linear * colour([cast_red, 1.0, cast_blue], sensor_linear)
    low = develop(camera, sensor_linear, generator, config)
    return Degraded(low=low, high=tone_curve(linear_to_srgb(scene.high), camera.tone).clamp_(0, 1))


def draw_noise(generator: torch.Generator, config: LowLightConfig) -> tuple[float, float]:
    """Shot and read variance by the log-linear law of Unprocessing, equation 3; (0, 0) where noise is off."""
    if config.shot[1] == 0:
        return 0.0, 0.0
    shot = log_uniform(generator, config.shot)
    read = math.exp(normal(generator, config.read_slope * math.log(shot) + config.read_offset, config.read_spread))
    return shot, read
