"""Lights keep their hue: what is bright and colourful in the degraded photo is not given another colour (ours).

Shapes: image_B3HW and low_B3HW in [0, 1], sRGB-encoded.
"""

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from restorect.colour import luma, smoothstep
from restorect.render.step import PointStep, Scene

_BRIGHT = (0.4, 0.8)  # brightest channel: below the first untouched, from the second on a light
_COLOURFUL = (0.7, 0.95)  # saturation, likewise
_LEAST = 1e-3


@dataclass(frozen=True, kw_only=True)
class HueConfig:
    """`keep_hue` as a step; it has no settings."""

    name: ClassVar[str] = "hue"

    def build(self) -> "Hue":
        """The step."""
        return Hue()


class Hue(PointStep):
    """`keep_hue` as a step behind."""

    def forward(self, image: Tensor, scene: Scene) -> Tensor:
        """The image, its lights in the hue of the photograph."""
        return keep_hue(image, scene.photo)


def keep_hue(image: Tensor, low: Tensor) -> Tensor:
    """Give the lights of a photograph their own hue back; their luma is the restoration's.

    A night's tone curve lifts each channel by itself. It meets a lamp's channels where no dark place has them, and
    may bring the weaker ones to the strongest: orange turns green.

    Args:
        image: the restoration.
        low: the photograph that was restored.

    Returns:
        Where the photograph is bright and colourful, its colour at the restoration's luma, as pale as it must be to lie
        within [0, 1]; elsewhere the restoration; a smooth blend between.
    """
    brightest = low.amax(dim=1, keepdim=True)
    saturation = (brightest - low.amin(dim=1, keepdim=True)) / brightest.clamp(min=_LEAST)
    light = smoothstep(brightest, *_BRIGHT) * smoothstep(saturation, *_COLOURFUL)
    wanted = luma(image.clamp(0, 1))
    colour = low * (wanted / luma(low).clamp(min=_LEAST)) - wanted
    colour = colour * ((1 - wanted) / colour.amax(dim=1, keepdim=True).clamp(min=_LEAST)).clamp(max=1)
    return image.lerp(wanted + colour, light)
