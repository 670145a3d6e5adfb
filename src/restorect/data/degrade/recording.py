"""How a simulator's picture is recorded: the camera of a picture, and the file it ends in."""

from dataclasses import dataclass

import torch
from torch import Tensor

from restorect.configs import require
from restorect.data.degrade.camera import CAMERAS, Camera, colour_matrix, jpeg, quantise
from restorect.data.degrade.draws import Range, chance, check_range, integer, uniform


@dataclass(frozen=True, kw_only=True)
class RecordingConfig:
    """Ranges of what every simulator ends with.

    Attributes:
        shot: shot noise: variance per unit of signal, log-uniform; 0 to 0 switches all noise off.
        jpeg_probability: share of pictures that went through a JPEG.
        jpeg_quality: quality of those.
        jpeg_full_colour: share of those with colour at every pixel (4:4:4); the others have 4:2:0.
    """

    shot: Range = (0.00005, 0.001)  # Unprocessing, section 3.1, the daylight end
    jpeg_probability: float = 0.3
    jpeg_quality: tuple[int, int] = (75, 98)
    jpeg_full_colour: float = 0.0

    def __post_init__(self) -> None:
        check_range("shot", self.shot, 0.0, 0.5)
        require(self.shot[0] > 0 or self.shot[1] == 0, "shot: give two positive values, or [0, 0] for no noise")
        require(0 <= self.jpeg_probability <= 1, f"jpeg_probability: from 0 to 1, got {self.jpeg_probability:g}")
        check_range("jpeg_quality", self.jpeg_quality, 1, 100)
        require(0 <= self.jpeg_full_colour <= 1, f"jpeg_full_colour: from 0 to 1, got {self.jpeg_full_colour:g}")


@dataclass(frozen=True, kw_only=True)
class CameraConfig(RecordingConfig):
    """Ranges of a simulator that goes back to the sensor; sources are sections of Unprocessing (see `camera.py`).

    Attributes:
        red_gain: white balance gain of red.
        blue_gain: white balance gain of blue.
        camera_colour: strength of the camera's colour matrix: 0 sRGB, 1 a real camera.
        raw_bits: bits of the sensor's converter.
        tone: strength of the clean picture's tone curve.
        tone_change: the degraded picture's tone curve is stronger or weaker by up to this.
    """

    red_gain: Range = (1.9, 2.4)  # section 3.3
    blue_gain: Range = (1.5, 1.9)  # section 3.3
    camera_colour: Range = (0.0, 1.0)  # section 3.4, from none to a whole camera
    raw_bits: tuple[int, int] = (10, 14)
    tone: Range = (0.0, 1.0)  # section 3.6, from none to its smoothstep
    tone_change: float = 0.3

    def __post_init__(self) -> None:
        super().__post_init__()
        check_range("red_gain", self.red_gain, 0.1, 10.0)
        check_range("blue_gain", self.blue_gain, 0.1, 10.0)
        check_range("camera_colour", self.camera_colour, 0.0, 1.0)
        check_range("raw_bits", self.raw_bits, 4, 16)
        check_range("tone", self.tone, 0.0, 1.0)
        require(0 <= self.tone_change <= 1, f"tone_change: must be from 0 to 1, got {self.tone_change:g}")


def draw_camera(generator: torch.Generator, config: CameraConfig) -> Camera:
    """A random camera within the ranges."""
    shares = tuple(uniform(generator, (1e-3, 1.0)) for _ in range(CAMERAS))
    return Camera(
        red_gain=uniform(generator, config.red_gain),
        blue_gain=uniform(generator, config.blue_gain),
        matrix=colour_matrix(shares, uniform(generator, config.camera_colour)),
        tone=uniform(generator, config.tone),
    )


def convert(sensor_linear: Tensor, generator: torch.Generator, config: CameraConfig) -> Tensor:
    """The sensor's numbers: (3, H, W) linear, rounded to the codes of a converter."""
    return quantise(sensor_linear, integer(generator, config.raw_bits))


def develop(camera: Camera, sensor_linear: Tensor, generator: torch.Generator, config: CameraConfig) -> Tensor:
    """The file that the camera makes of its sensor's numbers; (3, H, W) linear to [0, 1] encoded."""
    change = uniform(generator, (-config.tone_change, config.tone_change))
    picture = camera.develop(sensor_linear, tone=min(max(camera.tone + change, 0.0), 1.0))
    return store(picture, generator, config)


def store(picture_CHW: Tensor, generator: torch.Generator, config: RecordingConfig) -> Tensor:
    """The picture as an 8-bit file has it, perhaps a JPEG; (3, H, W) in [0, 1]."""
    compressed, quality = chance(generator, config.jpeg_probability), integer(generator, config.jpeg_quality)
    full_colour = chance(generator, config.jpeg_full_colour)
    if compressed:
        return jpeg(picture_CHW, quality, full_colour=full_colour)
    return quantise(picture_CHW, 8)
