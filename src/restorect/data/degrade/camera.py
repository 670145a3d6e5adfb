"""A camera's way from light to a picture file, and back: tone curve, colour matrix, white balance, codes, JPEG.

Backwards it follows "Unprocessing Images for Learned Raw Denoising" (Brooks et al., CVPR 2019, arXiv 1811.11127),
section 3: tone curve, sRGB encoding, colour correction matrix and white balance are undone in this order.
Shapes: images are (3, H, W); `_linear` marks linear light, 1 is white.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import torch
from torch import Tensor

from restorect.colour import SRGB_TO_XYZ, linear_to_srgb, srgb_to_linear

# XYZ (D65) to camera RGB of four cameras, the DNG colour matrices Brooks et al. mix (their Apache-2.0 code).
_XYZ_TO_CAMERA = (
    ((1.0234, -0.2969, -0.2266), (-0.5625, 1.6328, -0.0469), (-0.0703, 0.2188, 0.6406)),
    ((0.4913, -0.0541, -0.0202), (-0.6130, 1.3513, 0.2906), (-0.1564, 0.2151, 0.7183)),
    ((0.8380, -0.2630, -0.0639), (-0.2887, 1.0725, 0.2496), (-0.0627, 0.1427, 0.5438)),
    ((0.6596, -0.2079, -0.0562), (-0.4782, 1.3016, 0.1933), (-0.0970, 0.1581, 0.5181)),
)

CAMERAS = len(_XYZ_TO_CAMERA)
"""How many camera colour matrices can be mixed."""


def tone_curve(image: Tensor, strength: float) -> Tensor:
    """A camera's S-shaped contrast curve: (1 - w) x + w (3 x^2 - 2 x^3), w = `strength` in [0, 1], x in [0, 1].

    Strength 1 is the smoothstep of Brooks et al., 0 the identity.
    """
    if strength == 0:
        return image
    return (image * (-2 * strength)).add_(3 * strength).mul_(image).add_(1 - strength).mul_(image)


def inverse_tone_curve(image: Tensor, strength: float) -> Tensor:
    """Undo `tone_curve` exactly, for values in [0, 1].

    With u = x - 1/2 the curve reads y - 1/2 = (1 + w/2) u - 2 w u^3, whose middle root is r sin(asin(s)/3) with
    r^2 = (2 + w)/(3 w) and s = 3 (y - 1/2)/((1 + w/2) r).
    """
    if strength == 0:
        return image
    radius = math.sqrt((2 + strength) / (3 * strength))
    sine = (image - 0.5) * (3 / ((1 + strength / 2) * radius))
    return sine.clamp_(-1, 1).asin_().div_(3).sin_().mul_(radius).add_(0.5)


def colour_matrix(shares: tuple[float, ...], strength: float = 1.0) -> Tensor:
    """Linear sRGB to camera RGB, (3, 3) float32, rows summing to 1 so that white stays white.

    Args:
        shares: one non-negative weight a camera; they are normalised.
        strength: 1 is the mixed camera, 0 a camera that sees sRGB itself.
    """
    total = sum(shares)
    mixed = sum(np.array(matrix) * (share / total) for matrix, share in zip(_XYZ_TO_CAMERA, shares, strict=True))
    matrix = np.asarray(mixed) @ np.array(SRGB_TO_XYZ)
    matrix /= matrix.sum(axis=1, keepdims=True)
    return torch.from_numpy(strength * matrix + (1 - strength) * np.eye(3)).float()


@dataclass(frozen=True, kw_only=True)
class Camera:
    """One camera: how it turns light into numbers.

    Attributes:
        red_gain: white balance gain of red against green; the sensor's red is this much weaker.
        blue_gain: the same of blue.
        matrix: linear sRGB to camera RGB, (3, 3), rows summing to 1.
        tone: strength of its tone curve in [0, 1].
    """

    red_gain: float
    blue_gain: float
    matrix: Tensor
    tone: float

    def to_sensor(self, image: Tensor) -> Tensor:
        """What the sensor saw of a finished picture: (3, H, W) in [0, 1] -> linear, in the sensor's own colours."""
        return self.sense(self.to_scene(image))

    def to_scene(self, image: Tensor) -> Tensor:
        """The light of the scene in a finished picture: (3, H, W) in [0, 1] -> linear sRGB, 1 is white."""
        return srgb_to_linear(inverse_tone_curve(image, self.tone))

    def sense(self, scene_linear: Tensor) -> Tensor:
        """Linear sRGB light, which may be brighter than white, in the sensor's own colours: (3, H, W)."""
        gains = scene_linear.new_tensor([1 / self.red_gain, 1.0, 1 / self.blue_gain])[:, None]
        return _mix(gains * self.matrix.to(scene_linear), scene_linear)

    def develop(self, sensor_linear: Tensor, *, tone: float | None = None) -> Tensor:
        """Make the picture of what the sensor saw: (3, H, W) linear -> [0, 1] encoded; clips at black and white.

        Args:
            sensor_linear: sensor colours, as `to_sensor` gives them.
            tone: another strength of the tone curve than the camera's.
        """
        gains = colour([self.red_gain, 1.0, self.blue_gain], sensor_linear)
        inverse = torch.linalg.inv(self.matrix.double()).to(sensor_linear)
        # A white-balanced sensor clips at its white before the colours are mixed.
        balanced = (sensor_linear * gains).clamp(max=1.0)
        image_linear = _mix(inverse, balanced).clamp(0, 1)
        return tone_curve(linear_to_srgb(image_linear), self.tone if tone is None else tone)


def colour(values: Sequence[float], like: Tensor) -> Tensor:
    """Three channel values as (3, 1, 1), ready to multiply an image of the device and dtype of `like`."""
    return like.new_tensor(values).view(3, 1, 1)


def quantise(image: Tensor, bits: int) -> Tensor:
    """Round values in [0, 1] to the codes of a converter of so many bits."""
    levels = float(2**bits - 1)
    return (image * levels).round_().div_(levels)


def jpeg(image_CHW: Tensor, quality: int, *, full_colour: bool = False) -> Tensor:
    """Through a baseline JPEG file and back: (3, H, W) float in [0, 1], red first.

    The CPU does it for every device, so that all get the same file.

    Args:
        image_CHW: the picture.
        quality: 1 to 100.
        full_colour: colour at every pixel (4:4:4) instead of every second one both ways (4:2:0).
    """
    pixels = (image_CHW.clamp(0, 1) * 255).round().byte().permute(1, 2, 0).cpu().numpy()
    sampling = cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444 if full_colour else cv2.IMWRITE_JPEG_SAMPLING_FACTOR_420
    settings = [cv2.IMWRITE_JPEG_QUALITY, quality, cv2.IMWRITE_JPEG_SAMPLING_FACTOR, sampling]
    written, code = cv2.imencode(".jpg", cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR), settings)
    if not written:
        raise RuntimeError("OpenCV could not encode a JPEG")
    decoded = cv2.imdecode(code, cv2.IMREAD_COLOR)
    if decoded is None:
        raise RuntimeError("OpenCV could not decode its own JPEG")
    seen = torch.from_numpy(cv2.cvtColor(decoded, cv2.COLOR_BGR2RGB)).permute(2, 0, 1)
    return seen.to(image_CHW.device).to(image_CHW.dtype).div_(255)


def _mix(matrix: Tensor, image: Tensor) -> Tensor:
    """Multiply every pixel's colour by a 3 x 3 matrix, exactly in float32 whatever the device's matmul precision."""
    red, green, blue = image
    rows = [row[0] * red + row[1] * green + row[2] * blue for row in matrix.unbind()]
    return torch.stack(rows)
